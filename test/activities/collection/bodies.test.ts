import assert from 'node:assert/strict';

import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeName, robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { CollectionWorld, generatedEpisodes } from './collection-fixture.ts';

const bumper = { name: 'bumper', unit: '1', min: 0, max: 1 };
const second = robotTypeSchema.parse({
  ...scitosG5Type,
  version: 2,
  observations: [bumper, ...scitosG5Type.observations],
  limits: { ...scitosG5Type.limits, mayBeConstant: ['bumper'] },
  follows: { version: 1, observations: [{ name: 'bumper', is: 'new', fill: 0 }] },
});
const alone = robotTypeSchema.parse({ ...scitosG5Type, version: 3 });

describe('collecting what several bodies landed', () => {
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open();
    for (const type of [second, alone]) await publishRobotType(world.ports.store, type);
  });
  afterEach(() => world.close());

  const asBody = (rows: readonly SegmentRow[], { version }: RobotType, isWide: boolean): SegmentRow[] =>
    rows.map((row) => ({
      ...row,
      robot_type_version: version,
      observation: isWide ? [0.5, ...Array.from(row.observation)] : row.observation,
    }));
  const footer = (type: RobotType) => ({ robotType: robotTypeName(type), robotTypeDigest: robotTypeDigest(type) });
  async function landAll(): Promise<void> {
    const episodes = [...generatedEpisodes(1, 4, 3)];
    for (const [index, [robotId, own]] of episodes.entries()) {
      const type = [scitosG5Type, second, alone, second][index] ?? assert.fail();
      // The last robot says that it is of the second body, and senses as the first.
      await world.land(robotId, asBody(own.flat(), type, index === 1), footer(type));
    }
  }
  const stored = async (): Promise<number[]> =>
    (await world.rows('episodes', 'robot_type_version AS version')).map((row) => Number(row['version']));

  it('takes in every body that is read as the policy’s, each judged by its own document, into one lake', async () => {
    await landAll();
    const { result, summary } = await world.collect('c1', { type: second });
    assert.equal(result.episodesStored, 6);
    assert.equal(result.quarantinedEpisodes + result.quarantinedSegments > 0, true);
    const rules = summary.rules.filter(({ episodes, segments }) => episodes + segments > 0).map(({ id }) => id);
    assert.deepEqual(rules, ['frames.observation-size']);
    assert.deepEqual(
      summary.waiting.map(({ reason, name }) => [reason, name]),
      [['otherType', 'scitos-g5@3']],
    );
    assert.deepEqual(await stored(), [1, 1, 1, 2, 2, 2]);
    const sizes = await world.rows('frames', 'DISTINCT len(observation) AS size');
    assert.deepEqual(
      sizes.map((row) => Number(row['size'])),
      [24, 25],
    );
    assert.equal((await world.keys('landing/')).length, 1);
    // What was planned is read again, and nothing is stored twice.
    const again = await world.collect('c1', { type: second });
    assert.deepEqual(again.result, result);
  });

  it('a newer body comes along too, where it is read as the policy’s older one', async () => {
    await landAll();
    const { summary } = await world.collect('c1', { type: scitosG5Type });
    assert.equal(summary.episodesStored, 6);
  });

  it('leaves a body to the policy that is trained for it', async () => {
    await createPolicyDocument(world.ports.store, { policy: 'old', robotType: { id: 'scitos-g5', version: 1 } });
    await landAll();
    const { summary } = await world.collect('c1', { type: second });
    assert.equal(summary.episodesStored, 3);
    assert.deepEqual(summary.waiting.map(({ name }) => name).toSorted(), ['scitos-g5@1', 'scitos-g5@3']);
    assert.deepEqual((await world.collect('c2', { type: scitosG5Type })).summary.episodesStored, 3);
  });
});
