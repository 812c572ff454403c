import assert from 'node:assert/strict';

import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { qualityKeyOf, qualitySchema } from '../../../activities/mix/quality-document.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { readJson } from '../../../store/json-objects.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

describe('the quality of new episodes', () => {
  let fixture: MixFixture;
  before(async () => {
    fixture = await openMixFixture();
    await store(fixture, 1, numbered(1, 5));
    // Frame after frame a bit further: only how many there are tells how much they are like each other.
    await store(fixture, 2, [...numbered(11, 40, { robot: 'r2' }), ...numbered(61, 2, { robot: 'r3', frames: 3 })]);
  });
  after(() => fixture.close());

  const mix = async (changes: object = {}) => {
    const { digest } = await mixExperience(fixture.ports)({
      cycleId: 'cycle/1',
      robotType: { id: robotType.id, version: 1 },
      datasetVersion: await fixture.lake.currentVersion(),
      newSince: { episodes: 1, frames: 1 },
      seed: 1,
      targetFrames: 1_000,
      ...changes,
    });
    return { digest, manifest: await manifestOf(fixture.store, digest) };
  };
  const rows = async (digest: string) => rowsOf(fixture.store, trainingSetFile(digest, 'train.arrow'));

  it('is measured with the set, and says which episodes lie far out', async () => {
    await mix();
    const document = await readJson(fixture.store, qualityKeyOf('cycle/1'), qualitySchema);
    assert.ok(document);
    assert.deepEqual([document.newEpisodes, document.measuredEpisodes, document.robotType], [42, 42, 'test-robot@1']);
    const of = (name: string) => document.measures.find(({ measure }) => measure === name);
    const { listed, outliers, quantiles } = of('autocorrelation') ?? assert.fail();
    assert.equal(outliers, 2);
    assert.deepEqual(
      listed.map(({ episodeId, robotId }) => [episodeId, robotId]),
      [
        ['E000061', 'r3'],
        ['E000062', 'r3'],
      ],
    );
    assert.ok(Math.abs((quantiles.find(({ fraction }) => fraction === 0.5)?.value ?? 0) - 0.7) < 1e-6);
    assert.equal(of('stallFraction')?.quantiles[0]?.value, 1, 'of ranges of a million nothing moves');
    assert.deepEqual([of('actionLagMs')?.episodes, of('actionLagMs')?.untold], [0, 42]);
    // Of ranges of a million all of r2 are alike, too.
    const robots = new Map(document.robots.map(({ robotId, outliers: own }) => [robotId, own]));
    assert.deepEqual([robots.get('r2'), (robots.get('r3') ?? 0) >= 2], [40, true]);
  });

  it('can make rows of episodes far out weigh less; the manifest says so, and the set is made again from it', async () => {
    const plain = await mix();
    const { digest, manifest } = await mix({ doubtBy: ['autocorrelation'] });
    assert.equal(plain.manifest.doubtful, undefined);
    assert.equal((await mix()).digest, plain.digest);
    assert.deepEqual(manifest.recipe?.doubtBy, ['autocorrelation']);
    assert.deepEqual(manifest.doubtful, { takenFrames: 6, weight: 0.25 });
    const weights = new Map((await rows(digest)).map(({ episode, weight }) => [episode, weight]));
    assert.ok(Math.abs((weights.get(61) ?? 0) / (weights.get(11) ?? 1) - 0.25) < 1e-6);
    assert.equal(new Set((await rows(plain.digest)).map(({ weight }) => weight)).size, 1);
    await fixture.store.delete(trainingSetFile(digest, 'train.arrow'));
    await remakeTrainingSet(fixture.ports, digest, robotType);
    assert.ok((await fixture.store.get(trainingSetFile(digest, 'train.arrow'))) !== undefined);
  });

  it('is measured of nothing where nothing is new', async () => {
    await mix({ cycleId: 'cycle/2', newSince: await fixture.lake.currentVersion() });
    const document = await readJson(fixture.store, qualityKeyOf('cycle/2'), qualitySchema);
    assert.deepEqual([document?.newEpisodes, document?.measuredEpisodes, document?.robots], [0, 0, []]);
  });
});
