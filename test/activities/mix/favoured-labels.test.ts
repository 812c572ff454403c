import assert from 'node:assert/strict';

import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { missedLabels } from '../../../activities/mix/favoured-labels.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

/** As the gates write it, with these recalls. */
const evaluation = (recalls: Readonly<Record<string, number | null>>) =>
  jsonBytes({
    input: {},
    passed: 'pass',
    gates: [],
    accuracyFraction: 0.5,
    frames: 10,
    episodes: 1,
    majorityFraction: null,
    linearFraction: null,
    championFraction: null,
    anchorFraction: null,
    calibrationError: null,
    labels: [],
    confusion: [],
    perLabel: Object.entries(recalls).map(([label, recall]) => ({
      label,
      precision: null,
      recall,
      f1: null,
      frames: 5,
    })),
    tasks: [],
    latencyP99Ms: null,
    sizeBytes: 1,
    notes: [],
  });
const missed = { policy: 'p', version: '1.0.0' };

describe('labels that are favoured', () => {
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
    // A tenth of the frames has label `turn` (2), the others `go` (1).
    await store(fixture, 0, [
      ...numbered(1, 60, { frames: 20, experts: 2 }),
      ...numbered(100, 5, { split: 'validation', experts: 2 }),
    ]);
    await fixture.store.put(
      'models/p/1.0.0/evaluation.json',
      evaluation({ stop: null, go: 0.9, turn: 0.2, unknown: 0 }),
    );
  });
  afterEach(() => fixture.close());

  const mix = async (changes: object = {}) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const { digest } = await mixExperience(fixture.ports)({
      cycleId: 'cycle/1',
      robotType: { id: robotType.id, version: 1 },
      datasetVersion,
      newSince: { episodes: 0, frames: 0 },
      seed: 1,
      targetFrames: 200,
      ...changes,
    });
    const rows = await rowsOf(fixture.store, trainingSetFile(digest, 'train.arrow'));
    return {
      digest,
      turns: rows.filter(({ label }) => label === 2).length,
      rows: rows.length,
      manifest: await manifestOf(fixture.store, digest),
    };
  };

  it('are those of which the version found less than of labels on average', async () => {
    assert.deepEqual(await missedLabels(fixture.store, robotType, missed), ['turn']);
    assert.equal(await missedLabels(fixture.store, robotType, { ...missed, version: '9.9.9' }), undefined);
    await fixture.store.put('models/p/2.0.0/evaluation.json', evaluation({ go: 0.5, turn: 0.5 }));
    assert.equal(await missedLabels(fixture.store, robotType, { ...missed, version: '2.0.0' }), undefined);
  });

  it('enter about four times as often, and the manifest says how many really did', async () => {
    const [plain, favoured] = [await mix(), await mix({ favourMissed: missed })];
    assert.equal(plain.manifest.favoured, undefined);
    assert.equal(plain.rows, favoured.rows);
    assert.ok(plain.turns > 8 && plain.turns < 35, `${plain.turns}`);
    // Of 120 such frames and 1,080 others: w = 4 gives some 62 of 200.
    assert.ok(favoured.turns > 46 && favoured.turns < 78, `${favoured.turns}`);
    assert.deepEqual(favoured.manifest.favoured, { takenFrames: favoured.turns, allFrames: favoured.rows });
    assert.deepEqual(favoured.manifest.recipe?.favouredLabels, ['turn']);
    const validation = async ({ digest }: { digest: string }) =>
      rowsOf(fixture.store, trainingSetFile(digest, 'validation.arrow'));
    assert.deepEqual(await validation(favoured), await validation(plain), 'validation is as it was');
  });

  it('leave a set as it was where there is nothing to favour, and are made again from the manifest', async () => {
    const plain = await mix();
    assert.equal((await mix({ favourMissed: { ...missed, version: '9.9.9' } })).digest, plain.digest);
    const favoured = await mix({ favourMissed: missed });
    await fixture.store.delete(trainingSetFile(favoured.digest, 'train.arrow'));
    await fixture.store.delete('models/p/1.0.0/evaluation.json');
    await remakeTrainingSet(fixture.ports, favoured.digest, robotType);
    assert.ok((await fixture.store.get(trainingSetFile(favoured.digest, 'train.arrow'))) !== undefined);
  });
});
