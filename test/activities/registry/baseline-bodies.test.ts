import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { adoptBody } from '../../../activities/registry/adopt-body.ts';
import { createPolicyDocument, readPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { registerBaseline } from '../../../activities/registry/register-baseline.ts';
import { robotTypeSchema } from '../../../datasets/robot-type.ts';
import { championDesk } from '../../../fleet/desk/index.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { readAliases } from '../../../store/records/aliases.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { approveBody, listedBodies } from '../../../store/records/served-bodies.ts';
import { testSigner } from '../../support/keys.ts';
import { testRobotType } from '../training/arrow-sets.ts';
import { trainingWorld } from '../training/training-world.ts';

const policy = 'p';
const words = { who: 'ada', why: 'a safe fallback' };
const one = testRobotType();
const two = robotTypeSchema.parse({
  ...one,
  version: 2,
  observations: [...one.observations, { name: 'bumper', unit: 'm', min: -2, max: 2 }],
  follows: { version: 1, observations: [{ name: 'bumper', is: 'new', fill: 0 }] },
});
const three = robotTypeSchema.parse({ ...two, version: 3, follows: { version: 2 } });

describe('a baseline of a robot type with several bodies', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  let directory: string;
  const ports = () => ({
    ...world.ports,
    signer: testSigner(directory),
    clock: () => 1_000,
    codeBuild: 'test',
    desk: championDesk({ store: world.store }),
  });
  const baseline = (type: typeof one, seed = 1) =>
    registerBaseline(ports())({
      policy,
      robotType: { id: type.id, version: type.version },
      model: tinyPolicy(type, seed),
      ...words,
    });
  const standings = async (version: string) =>
    (await listedBodies(world.store, policy, version))?.map(({ robotType, standing }) => [robotType.version, standing]);

  beforeEach(async () => {
    world = await trainingWorld(one);
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-baseline-'));
  });
  afterEach(async () => {
    await world.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is proven on its own and lists every other as unproven, so that a person can let it have the baseline', async () => {
    await publishRobotType(world.store, two);
    const { version } = await baseline(two);
    assert.deepEqual(await standings(version), [
      [2, 'proven'],
      [1, 'unproven'],
    ]);
    const robotType = { id: one.id, version: 1 };
    await approveBody({ store: world.store, clock: () => 1 }, { policy, version, robotType, ...words });
  });

  it('is the same when asked again after the policy adopted a newer body, and may be made for that', async () => {
    const first = await baseline(one);
    await publishRobotType(world.store, two);
    await adoptBody(ports())({ policy, robotType: { id: two.id, version: 2 }, ...words });
    const before = await readAliases(ports())({ policy });
    assert.deepEqual(await baseline(one), first);
    assert.deepEqual(await readAliases(ports())({ policy }), before);
    const newer = await baseline(two, 2);
    assert.deepEqual(await standings(newer.version), [
      [2, 'proven'],
      [1, 'unproven'],
    ]);
    assert.deepEqual((await readPolicyDocument(world.store, policy)).robotType, { id: one.id, version: 2 });
  });

  it('is refused for a body that the policy never had', async () => {
    await baseline(one);
    for (const type of [two, three]) await publishRobotType(world.store, type);
    await adoptBody(ports())({ policy, robotType: { id: two.id, version: 2 }, ...words });
    await assert.rejects(createPolicyDocument(world.store, { policy, robotType: { id: one.id, version: 3 } }), {
      type: 'Conflict',
      message: /expected policy p to be new or of robot type test-bot@3, got one of test-bot@1, test-bot@2/,
    });
  });
});
