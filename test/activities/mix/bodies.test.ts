import assert from 'node:assert/strict';

import { tableFromIPC } from 'apache-arrow';

import { openArrowRows } from '../../../activities/adapters/arrow-row-source.ts';
import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { listNeedsLabel } from '../../../activities/mix/list-needs-label.ts';
import { mixExperience, type MixExperienceInput } from '../../../activities/mix/mix-experience.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { bodies, model, readByHand, storeFrames, type BodyEpisode } from './mixed-fleet.ts';
import { manifestOf, openMixFixture, type MixFixture } from './mix-fixture.ts';

/** A number that no rounding hides behind, by frame. */
const odd = (seed: number): number => Math.sin(seed * 12.9898) * 9_973.37;
const episode = (number: number, version: number, more: Partial<BodyEpisode> = {}): BodyEpisode => {
  const { observations, actions } = bodies[version - 1] ?? assert.fail();
  const choices = actions.kind === 'discrete' ? actions.names.length : 0;
  const frames = Array.from({ length: 9 }, (_, frame) => ({
    observation: observations.map((_feature, place) => odd(number * 100 + frame * 10 + place)),
    action: (number + frame) % choices,
  }));
  return { number, version, frames, ...more };
};

interface SetRow {
  readonly values: readonly number[];
  readonly label: number;
}

describe('a mix for one body out of the data of many', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    for (const type of bodies.slice(1)) await publishRobotType(fixture.store, type);
    // Version 1 of the fixture is another document: the bodies lie in a store of their own names.
    await fixture.store.put(
      'config/robot-types/test-robot/1.json',
      new TextEncoder().encode(JSON.stringify(bodies[0])),
    );
  });
  afterEach(() => fixture.close());

  const mixed = async (changes: Partial<MixExperienceInput> = {}) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const input = {
      cycleId: 'c1',
      robotType: model,
      datasetVersion,
      newSince: datasetVersion,
      seed: 1,
      targetFrames: 1_000,
    };
    const { digest } = await mixExperience(fixture.ports)({ ...input, ...changes });
    return {
      digest,
      rows: await rowsOf(trainingSetFile(digest, 'train.arrow')),
      manifest: await manifestOf(fixture.store, digest),
    };
  };
  async function rowsOf(key: string): Promise<SetRow[]> {
    const table = tableFromIPC((await fixture.store.get(key)) ?? assert.fail());
    return table
      .toArray()
      .map((row) => ({ values: [...(row.observation as Iterable<number>)], label: Number(row.label) }));
  }
  const byHand = (episodes: readonly BodyEpisode[]): SetRow[] =>
    episodes.flatMap(({ version, frames }) =>
      frames.flatMap(({ observation, action, expert }) => readByHand(version, observation, expert ?? action) ?? []),
    );
  const sorted = (rows: readonly SetRow[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();
  /** Composed factors are rounded once more than rules one by one: at most the last bit of a 32-bit float. */
  function same(got: readonly SetRow[], expected: readonly SetRow[]): void {
    assert.equal(got.length, expected.length);
    const round = ({ values, label }: SetRow): SetRow => ({
      values: values.map((value) => Number(value.toPrecision(6))),
      label,
    });
    assert.deepEqual(sorted(got.map(round)), sorted(expected.map(round)));
  }

  it('reads every value and label as a reader by hand does, older and newer bodies alike', async () => {
    const episodes = [1, 2, 3, 4].flatMap((version) =>
      [1, 2, 3].map((index) => episode(version * 10 + index, version)),
    );
    await storeFrames(fixture, 0, episodes);
    const { rows, manifest } = await mixed();
    same(rows, byHand(episodes));
    assert.deepEqual(
      manifest.bodies?.map(({ robotType, episodes: count, leftOutFrames }) => [robotType, count, leftOutFrames ?? 0]),
      [
        ['test-robot@3', 3, 0],
        [
          'test-robot@4',
          3,
          episodes
            .filter(({ version }) => version === 4)
            .flatMap(({ frames }) => frames)
            .filter(({ action }) => action === 4).length,
        ],
        ['test-robot@2', 3, 0],
        [
          'test-robot@1',
          3,
          episodes
            .filter(({ version }) => version === 1)
            .flatMap(({ frames }) => frames)
            .filter(({ action }) => action === 3).length,
        ],
      ],
    );
    assert.equal(
      manifest.bodies.reduce((sum, body) => sum + (body.takenFrames ?? 0), 0),
      rows.length,
    );
    // One rule from body to body: nothing is rounded twice.
    const near = episodes.filter(({ version }) => version === 2);
    const exact = new Set(sorted(rows));
    for (const row of sorted(byHand(near))) assert.ok(exact.has(row), row);
  });

  it('leaves out what cannot be mapped, and counts it with the reason', async () => {
    await storeFrames(fixture, 0, [episode(1, 3), episode(2, 5), episode(3, 5)]);
    const { rows, manifest } = await mixed();
    same(rows, byHand([episode(1, 3)]));
    assert.equal(manifest.bodies, undefined);
    const [left] = manifest.bodiesLeftOut ?? [];
    assert.deepEqual([left?.robotType, left?.episodes], ['test-robot@5', 2]);
    assert.match(left?.reason ?? '', /do not follow each other/);
  });

  it('says nothing new of a fleet of one body, and makes a mixed set again byte by byte when a body came since', async () => {
    await storeFrames(fixture, 0, [episode(1, 3), episode(2, 3)]);
    const { manifest: alone } = await mixed();
    assert.deepEqual([alone.bodies, alone.bodiesLeftOut], [undefined, undefined]);
    await storeFrames(fixture, 1, [episode(3, 1), episode(4, 5)]);
    const { digest } = await mixed();
    await publishRobotType(fixture.store, { ...model, version: 9, follows: { version: 3 } });
    for (const file of ['train.arrow', 'validation.arrow'] as const)
      await fixture.store.delete(trainingSetFile(digest, file));
    await remakeTrainingSet(fixture.ports, digest, model);
    assert.ok(await fixture.store.get(trainingSetFile(digest, 'train.arrow')));
  });

  it('stays finite where a factor goes beyond a 32-bit float', async () => {
    await storeFrames(fixture, 0, [episode(1, 2, { frames: [{ observation: [1, 3e38, 2], action: 0 }] })]);
    assert.deepEqual((await mixed()).rows, [{ values: [2, -3.4028234663852886e38, 1, Math.fround(-1.1)], label: 2 }]);
  });

  it('holds out, and waits for labels, by body too', async () => {
    const heldout = [1, 2, 4].map((version) => episode(version, version, { split: 'heldout' }));
    const failed = episode(7, 1, {
      outcome: 'failure',
      frames: [0, 1, 2].map((index) => ({
        observation: [index, 1, 2],
        action: 0,
        ...(index === 0 ? { expert: 3 } : index === 1 ? { expert: 2 } : {}),
      })),
    });
    await storeFrames(fixture, 0, [...heldout, failed]);
    const datasetVersion = await fixture.lake.currentVersion();
    const set = await exportHeldoutSet(fixture.ports)({ robotType: model, datasetVersion });
    same(await rowsOf(heldoutSetFile(set.digest, 'heldout.arrow')), byHand(heldout));
    const stored = JSON.parse(
      new TextDecoder().decode((await fixture.store.get(heldoutSetFile(set.digest, 'manifest.json'))) ?? assert.fail()),
    ) as { bodies: { robotType: string }[] };
    const file = (await fixture.store.localPath(heldoutSetFile(set.digest, 'heldout.arrow'))) ?? assert.fail();
    const opened = await openArrowRows(file, policySizes(model) ?? assert.fail());
    const ofBody = (await opened.bodies(0)) ?? assert.fail();
    const ofEpisode = (await opened.episodes(0)) ?? assert.fail();
    await opened.close();
    // Columns are padded beyond their rows.
    const own = ofEpisode.subarray(0, opened.blockRows[0]);
    const told = new Map([...own].map((number, row) => [number, stored.bodies[ofBody[row] ?? -1]?.robotType]));
    assert.deepEqual([...told.values()], ['test-robot@1', 'test-robot@2', 'test-robot@4']);
    // One frame has a label, one a label that the model's body does not have, one waits.
    const { episodes, totalFrames } = await listNeedsLabel(fixture.ports)({
      robotType: model,
      datasetVersion,
      limit: 9,
    });
    assert.deepEqual([episodes.map((each) => [each.episodeId, each.unlabelledFrames]), totalFrames], [[['E7', 1]], 1]);
    const { rows, manifest } = await mixed();
    assert.deepEqual(
      rows.map(({ label }) => label),
      [0],
    );
    assert.equal(manifest.needsLabelFrames, 1);
  });

  it('a source of the policy itself means all its bodies, one that is named that body, mapped', async () => {
    const of = [1, 2, 3].map((version) => episode(version, version));
    await storeFrames(fixture, 0, of);
    const all = await mixed({ sources: [{ weight: 1 }] });
    same(all.rows, byHand(of));
    const one = await mixed({ sources: [{ weight: 1, robotType: 'test-robot@1' }] });
    same(one.rows, byHand(of.slice(0, 1)));
    await assert.rejects(mixed({ sources: [{ weight: 1, robotType: 'test-robot@5' }] }), /or a version that follows/);
  });

  it('maps a thousand features', async () => {
    const names = Array.from({ length: 1024 }, (_, place) => `f${place}`);
    const wide = {
      ...model,
      id: 'wide',
      version: 1,
      observations: names.map((name) => ({ name, unit: '1', min: -9, max: 9 })),
    };
    const { follows: _follows, ...first } = wide;
    const second = {
      ...first,
      version: 2,
      observations: names.toReversed().map((name) => ({ name, unit: '1', min: -9, max: 9 })),
      follows: {
        version: 1,
        observations: names.map((name) => ({ name, is: 'scaled' as const, factor: 2, offset: 1 })),
      },
    };
    for (const type of [first, second]) await publishRobotType(fixture.store, type);
    await storeFrames(
      fixture,
      0,
      [{ number: 1, version: 1, frames: [{ observation: names.map((_, place) => place / 1024), action: 0 }] }],
      'wide',
    );
    const { rows } = await mixed({ robotType: second });
    assert.deepEqual(
      rows[0]?.values,
      names.map((_, place) => Math.fround((1023 - place) / 512 + 1)),
    );
  });
});
