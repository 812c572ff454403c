import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tableFromIPC } from 'apache-arrow';
import { isFailure } from '../../../store/failures.ts';
import { mixExperience, type MixExperienceInput } from '../../../activities/mix/mix-experience.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import type { DatasetVersion } from '../../../datasets/dataset-version.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

const empty: DatasetVersion = { episodes: 0, frames: 0 };
const ids = (rows: readonly { readonly episode: number }[]) => new Set(rows.map(({ episode }) => episode));

describe('experience-replay mix', () => {
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
  });
  afterEach(() => fixture.close());

  const inputOf = async (change: Partial<MixExperienceInput> = {}): Promise<MixExperienceInput> => ({
    cycleId: 'cycle/1',
    robotType: { id: robotType.id, version: 1 },
    datasetVersion: await fixture.lake.currentVersion(),
    newSince: empty,
    seed: 1,
    targetFrames: 100,
    ...change,
  });
  const mix = async (change: Partial<MixExperienceInput> = {}) => {
    const result = await mixExperience(fixture.ports)(await inputOf(change));
    return {
      result,
      manifest: await manifestOf(fixture.store, result.digest),
      train: await rowsOf(fixture.store, trainingSetFile(result.digest, 'train.arrow')),
      validation: await rowsOf(fixture.store, trainingSetFile(result.digest, 'validation.arrow')),
    };
  };

  const rejects = async (change: Partial<MixExperienceInput>, type: Parameters<typeof isFailure>[1], message: RegExp) =>
    assert.rejects(mix(change), (error: unknown) => {
      assert.ok(isFailure(error, type), String(error));
      assert.match(error.message, message);
      return true;
    });

  it('labels by the expert, else by an unaided success, and leaves the rest out', async () => {
    await store(fixture, 0, [
      { number: 1 },
      { number: 2, outcome: 'failure' },
      { number: 3, outcome: 'failure', experts: 4, task: 'dock' },
      { number: 4, intervened: true },
      { number: 5, experts: 3 },
      { number: 6, outcome: 'aborted' },
    ]);
    const { train, manifest, result } = await mix();
    assert.equal(result.trainRows, 24);
    assert.deepEqual(ids(train), new Set([1, 3, 5]));
    for (const { episode, frame, label, task } of train) {
      const experts = { 1: 0, 3: 4, 5: 3 }[episode] ?? 0;
      assert.equal(label, frame < experts ? 2 : 1);
      assert.equal(task, episode === 3 ? 1 : 0);
    }
    assert.equal(train.filter(({ episode }) => episode === 3).length, 4);
    assert.equal(manifest.needsLabelFrames, 10 + 6 + 10 + 10);
    assert.deepEqual(manifest.failures, { validEpisodes: 2, addedEpisodes: 1, queuedForLabelEpisodes: 1 });
  });

  it('keeps splits apart: nothing held out, validation in its own file', async () => {
    await store(fixture, 0, [
      ...numbered(0, 10),
      ...numbered(100, 5, { split: 'validation' }),
      ...numbered(200, 5, { split: 'heldout' }),
    ]);
    const { train, validation, result } = await mix({ targetFrames: 1_000 });
    assert.deepEqual(ids(train), ids(numbered(0, 10).map(({ number }) => ({ episode: number }))));
    assert.deepEqual(ids(validation), new Set([100, 101, 102, 103, 104]));
    assert.ok(validation.every(({ weight }) => weight === 1));
    assert.deepEqual([result.trainRows, result.validationRows], [100, 50]);
  });

  it('caps validation at a tenth of the target', async () => {
    await store(fixture, 0, [...numbered(0, 10), ...numbered(100, 50, { split: 'validation' })]);
    assert.equal((await mix({ targetFrames: 100 })).validation.length, 10);
  });

  it('takes 30 % new and 70 % history, and fills a short side from the other', async () => {
    await store(fixture, 0, numbered(0, 30));
    const newSince = await fixture.lake.currentVersion();
    await store(fixture, 1, numbered(100, 30, { day: 1 }));
    const shares = async (targetFrames: number) => {
      const { manifest, train } = await mix({ newSince, targetFrames });
      const fresh = train.filter(({ episode }) => episode >= 100).length;
      assert.equal(fresh, manifest.newFrames);
      assert.equal(train.length, manifest.newFrames + manifest.historyFrames);
      return [manifest.newFrames, manifest.historyFrames];
    };
    assert.deepEqual(await shares(100), [30, 70]);
    assert.deepEqual(await shares(500), [200, 300]);
    assert.deepEqual(await shares(5_000), [300, 300]);
    const { manifest } = await mix({ newSince: await fixture.lake.currentVersion(), targetFrames: 100 });
    assert.deepEqual([manifest.newFrames, manifest.historyFrames], [0, 100]);
    assert.deepEqual(manifest.failures, { validEpisodes: 0, addedEpisodes: 0, queuedForLabelEpisodes: 0 });
  });

  it('does not take rows for new that were only moved to other files', async () => {
    await store(fixture, 0, numbered(0, 5));
    const newSince = await fixture.lake.currentVersion();
    for (const table of ['episodes', 'frames'] as const) {
      await fixture.lake.remove(table, ['2026-11-22'], { appId: 'compaction', version: 0 }, 'OPTIMIZE');
    }
    await store(fixture, 1, [...numbered(0, 5), ...numbered(50, 2)]);
    const { manifest } = await mix({ newSince, targetFrames: 1_000 });
    assert.deepEqual([manifest.newFrames, manifest.historyFrames], [20, 50]);
  });

  it('takes at most so many episodes of history a robot: each task its floor, then failures first', async () => {
    await store(fixture, 0, [
      ...numbered(0, 40, { robot: 'r1' }),
      ...numbered(100, 3, { robot: 'r1', task: 'dock' }),
      ...numbered(200, 20, { robot: 'r1', outcome: 'failure', experts: 2 }),
      ...numbered(300, 2, { robot: 'r2' }),
    ]);
    const newSince = await fixture.lake.currentVersion();
    const { train } = await mix({ newSince, historyEpisodesPerRobot: 12, targetFrames: 10_000 });
    const taken = [...ids(train)];
    const count = (first: number) => taken.filter((id) => id >= first && id < first + 100).length;
    assert.deepEqual([count(0), count(100), count(200), count(300)], [0, 3, 9, 2]);
  });

  it('lets every new failure that is labelled throughout in before anything else', async () => {
    await store(fixture, 0, [
      ...numbered(0, 50),
      ...numbered(100, 30, { outcome: 'failure', experts: 10 }),
      ...numbered(200, 10, { outcome: 'failure' }),
    ]);
    const { manifest, train } = await mix({ targetFrames: 40 });
    assert.deepEqual(manifest.failures, { validEpisodes: 40, addedEpisodes: 30, queuedForLabelEpisodes: 10 });
    assert.equal(train.length, 40);
    assert.equal([...ids(train)].filter((id) => id >= 100).length, 30);
  });

  it('keeps a floor for a rare task', async () => {
    await store(fixture, 0, [...numbered(0, 100), ...numbered(500, 2, { task: 'dock' })]);
    const { manifest } = await mix({ targetFrames: 100 });
    assert.deepEqual(manifest.strata, [
      { source: 'new', task: 'follow', availableFrames: 1_000, takenFrames: 80 },
      { source: 'new', task: 'dock', availableFrames: 20, takenFrames: 20 },
    ]);
  });

  it('weighs corrections up to 30 % of the total, with mean weight 1', async () => {
    await store(fixture, 0, [...numbered(0, 9), { number: 50, outcome: 'failure', experts: 10 }]);
    const { train, manifest } = await mix();
    const total = train.reduce((sum, { weight }) => sum + weight, 0);
    const corrections = train.filter(({ episode }) => episode === 50).reduce((sum, { weight }) => sum + weight, 0);
    assert.ok(Math.abs(total / train.length - 1) < 1e-6);
    assert.ok(Math.abs(corrections / total - 0.3) < 1e-6);
    assert.deepEqual([manifest.correctionShareBeforeCap, manifest.correctionShareAfterCap], [100 / 190, 0.3]);
    assert.ok(manifest.effectiveFrames < 100 && manifest.effectiveFrames > 60);
  });

  it('names its files by their digests, and itself by the manifest', async () => {
    await store(fixture, 0, numbered(0, 10));
    const { result, manifest } = await mix();
    for (const [file, { sha256, rows }] of Object.entries(manifest.files)) {
      const bytes = await fixture.store.get(`training-sets/${result.digest}/${file}`);
      assert.equal(
        createHash('sha256')
          .update(bytes ?? '')
          .digest('hex'),
        sha256,
      );
      assert.equal(tableFromIPC(bytes).numRows, rows);
    }
    const manifestBytes = await fixture.store.get(trainingSetFile(result.digest, 'manifest.json'));
    assert.equal(createHash('sha256').update(manifestBytes!).digest('hex'), result.digest);
    assert.deepEqual(await readdir(fixture.ports.scratchDirectory), []);
  });

  it('gives the same set again, and finishes one that a dead attempt left without its manifest', async () => {
    await store(fixture, 0, numbered(0, 20));
    const first = await mix();
    assert.deepEqual((await mix()).result, first.result);
    assert.notEqual((await mix({ seed: 2 })).result.digest, first.result.digest);
    await fixture.store.delete(trainingSetFile(first.result.digest, 'manifest.json'));
    await fixture.store.delete(trainingSetFile(first.result.digest, 'validation.arrow'));
    assert.deepEqual((await mix()).result, first.result);
  });

  it('ignores other robot types, other versions and tasks it does not know', async () => {
    await store(fixture, 0, [{ number: 1 }, { number: 2, typeVersion: 2 }, { number: 3, task: 'unheard-of' }]);
    assert.deepEqual(ids((await mix()).train), new Set([1]));
  });

  it('gives continuous labels their shape', async () => {
    const ranges = ['speed'].map((name) => ({ name, unit: 'm/s', min: -1, max: 9 }));
    await publishRobotType(fixture.store, { ...robotType, version: 2, actions: { kind: 'continuous', ranges } });
    await store(fixture, 0, numbered(0, 3, { typeVersion: 2, experts: 5 }));
    const { digest } = await mixExperience(fixture.ports)(
      await inputOf({ robotType: { id: robotType.id, version: 2 } }),
    );
    const table = tableFromIPC(await fixture.store.get(trainingSetFile(digest, 'train.arrow')));
    assert.equal(String(table.schema.fields[1]?.type), 'FixedSizeList[1]<Float32>');
    assert.deepEqual(new Set([...table.getChild('label')!].map((label) => label.get(0))), new Set([1, 2]));
    assert.deepEqual((await manifestOf(fixture.store, digest)).actions, { kind: 'continuous', size: 1 });
  });

  it('refuses what cannot be: no labelled frames, no actions, an unknown type, a wrong input', async () => {
    await rejects({}, 'TrainingImpossible', /labelled frames/);
    await store(fixture, 0, numbered(0, 5, { outcome: 'failure' }));
    await rejects({}, 'TrainingImpossible', /labelled frames/);
    await publishRobotType(fixture.store, { ...robotType, version: 3, actions: { kind: 'none' } });
    await rejects({ robotType: { id: robotType.id, version: 3 } }, 'InvalidInput', /actions to learn/);
    await rejects({ robotType: { id: robotType.id, version: 9 } }, 'NotFound', /test-robot@9/);
    await rejects({ targetFrames: 0 }, 'InvalidInput', /targetFrames/);
    await rejects({ datasetVersion: { episodes: 77, frames: 77 } }, 'NotFound', /version 77/);
  });

  it('stops when cancelled at any step, and leaves nothing half done behind', async () => {
    await store(fixture, 0, [...numbered(0, 20), ...numbered(100, 5, { split: 'validation' })]);
    const stages: unknown[] = [];
    const input = await inputOf();
    await mixExperience({ ...fixture.ports, progress: ({ stage }) => void stages.push(stage) })(input);
    const before = await namesOf(fixture);
    const filesOfSet = ['manifest.json', 'train.arrow', 'validation.arrow'];
    for (let stop = 0; stop < stages.length; stop++) {
      let calls = 0;
      const progress = () => {
        if (calls++ === stop) throw new Error(`cancelled at ${String(stages[stop])}`);
      };
      await assert.rejects(
        mixExperience({ ...fixture.ports, progress })({ ...input, seed: 5 }),
        /^Error: cancelled at/,
      );
      assert.deepEqual(await readdir(fixture.ports.scratchDirectory), []);
      // At last, once the set stands, whole, the new episodes are measured.
      const isWhole = stop === stages.length - 1;
      const more = (await namesOf(fixture)).filter((name) => !before.includes(name));
      assert.deepEqual(
        more.map((name) => name.split('/').at(-1) ?? '').toSorted((a, b) => a.localeCompare(b)),
        isWhole ? filesOfSet : [],
        String(stages[stop]),
      );
    }
    assert.equal(stages.at(-1), 'measuring quality');
  });
});

async function namesOf(fixture: MixFixture): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of fixture.store.list('training-sets/')) keys.push(key);
  return keys;
}
