import assert from 'node:assert/strict';
import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { heldoutSetFile } from '../../../datasets/training-set.ts';
import { manifestOf, numbered, openMixFixture, robotType, store, type Episode } from './mix-fixture.ts';

/** Two weeks of a small fleet: both tasks, failures with and without labels, corrections, every split. */
const week = (first: number, day: number): readonly Episode[] =>
  numbered(first, 300).map((episode) => ({
    ...episode,
    robot: `r${episode.number % 7}`,
    task: episode.number % 5 === 0 ? 'dock' : 'follow',
    outcome: episode.number % 11 === 0 ? 'failure' : 'success',
    experts: episode.number % 22 === 0 ? 10 : episode.number % 3,
    split: episode.number % 10 === 1 ? 'validation' : episode.number % 10 === 2 ? 'heldout' : 'train',
    day: day + (episode.number % 3),
  }));

/** The same lake content, stored in as many commits as `parts` says and in another order of rows. */
async function setsOf(options: { readonly threads: number; readonly parts: number; readonly isReversed: boolean }) {
  const fixture = await openMixFixture(options.threads);
  try {
    await fixture.lake.currentVersion();
    let version = 0;
    const storeWeek = async (episodes: readonly Episode[]): Promise<void> => {
      const ordered = options.isReversed ? episodes.toReversed() : episodes;
      const size = Math.ceil(ordered.length / options.parts);
      for (let start = 0; start < ordered.length; start += size) {
        await store(fixture, version++, ordered.slice(start, start + size));
      }
    };
    await storeWeek(week(0, 0));
    const newSince = await fixture.lake.currentVersion();
    await storeWeek(week(1_000, 2));
    const datasetVersion = await fixture.lake.currentVersion();
    const type = { id: robotType.id, version: 1 };
    const input = { cycleId: 'c', robotType: type, datasetVersion, newSince, seed: 3, targetFrames: 2_000 };
    const limits = { historyEpisodesPerRobot: 40 };
    const { digest } = await mixExperience(fixture.ports)({ ...input, ...limits });
    const heldout = await exportHeldoutSet(fixture.ports)({ robotType: type, datasetVersion, maxEpisodes: 30 });
    const heldoutManifest = await fixture.store.get(heldoutSetFile(heldout.digest, 'manifest.json'));
    const { datasetVersion: _, recipe: __, ...mixed } = await manifestOf(fixture.store, digest);
    const { files } = JSON.parse(new TextDecoder().decode(heldoutManifest)) as { files: unknown };
    return { mixed, heldout: { rows: heldout.rows, episodes: heldout.episodes, files } };
  } finally {
    await fixture.close();
  }
}

describe('sets of rows', function () {
  this.timeout(60_000);

  it('have the same bytes whatever the files, their order and the number of threads', async () => {
    const one = await setsOf({ threads: 1, parts: 1, isReversed: false });
    assert.equal(one.mixed.files['train.arrow']?.rows, 2_000);
    assert.ok(one.mixed.historyFrames > 0 && one.mixed.newFrames > 0);
    assert.ok(one.heldout.episodes === 30 && one.heldout.rows > 250);
    assert.deepEqual(await setsOf({ threads: 2, parts: 5, isReversed: true }), one);
  });
});
