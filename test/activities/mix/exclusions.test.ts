import assert from 'node:assert/strict';

import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { listNeedsLabel } from '../../../activities/mix/list-needs-label.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { readExclusions, setEpisodeStanding, type EpisodeStanding } from '../../../activities/mix/exclusions.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

describe('what a person says of one episode', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await store(fixture, 0, [
      ...numbered(1, 3, { frames: 2 }),
      ...numbered(11, 3, { frames: 2, split: 'validation' }),
      ...numbered(21, 3, { frames: 2, split: 'heldout' }),
      ...numbered(31, 2, { frames: 2, outcome: 'failure' }),
    ]);
  });
  afterEach(() => fixture.close());

  const saying = (number: number, standing: EpisodeStanding) =>
    setEpisodeStanding(
      { store: fixture.store, clock: () => 5 },
      { episodeId: `E${String(number).padStart(6, '0')}`, standing, who: 'ada', reason: 'a test' },
    );
  const episodesIn = async (key: string): Promise<readonly number[]> =>
    [...new Set((await rowsOf(fixture.store, key)).map(({ episode }) => episode))].toSorted((a, b) => a - b);

  async function sets() {
    const datasetVersion = await fixture.lake.currentVersion();
    const input = { cycleId: 'c1', robotType, datasetVersion, newSince: { episodes: 0, frames: 0 }, seed: 1 };
    const { digest } = await mixExperience(fixture.ports)({ ...input, targetFrames: 1_000 });
    const heldout = await exportHeldoutSet(fixture.ports)({ robotType, datasetVersion });
    return {
      digest,
      train: await episodesIn(trainingSetFile(digest, 'train.arrow')),
      validation: await episodesIn(trainingSetFile(digest, 'validation.arrow')),
      heldout: await episodesIn(heldoutSetFile(heldout.digest, 'heldout.arrow')),
      waiting: (await listNeedsLabel(fixture.ports)({ robotType, datasetVersion, limit: 9 })).totalEpisodes,
    };
  }

  it('keeps an excluded one out of training and measuring, a doubtful one out of measuring, until it is taken back', async () => {
    const before = await sets();
    assert.deepEqual(
      [before.train, before.validation, before.heldout],
      [
        [1, 2, 3],
        [11, 12, 13],
        [21, 22, 23],
      ],
    );
    assert.equal('exclusionsSeq' in (await manifestOf(fixture.store, before.digest)), false);
    for (const number of [1, 11, 21, 31]) await saying(number, 'excluded');
    for (const number of [2, 12, 22]) await saying(number, 'doubtful');
    const { digest, ...after } = await sets();
    assert.deepEqual(after, { train: [2, 3], validation: [13], heldout: [23], waiting: 1 });
    assert.equal((await manifestOf(fixture.store, digest)).exclusionsSeq, 6);

    for (const number of [1, 11, 21, 31, 2, 12, 22]) await saying(number, 'included');
    const { digest: _, ...again } = await sets();
    assert.deepEqual({ ...before, digest: undefined }, { ...again, digest: undefined });
  });

  it('is kept as it was said: the last word holds, saying it twice is saying it once, the past can be read', async () => {
    await saying(1, 'excluded');
    await saying(1, 'excluded');
    await saying(1, 'included');
    const now = await readExclusions(fixture.store);
    assert.deepEqual([now.seq, now.excluded], [1, []]);
    assert.deepEqual((await readExclusions(fixture.store, 0)).excluded, ['E000001']);
  });
});
