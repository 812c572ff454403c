import assert from 'node:assert/strict';

import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { leastRobotCap } from '../../../activities/mix/robot-share.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import type { Split } from '../../../datasets/columns.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

const flood = leastRobotCap + 300;

describe('a robot that uploads a thousand times as much as the others', function () {
  this.timeout(120_000);
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    // One robot floods every split; three others give ten episodes each.
    const splits: readonly Split[] = ['train', 'validation', 'heldout'];
    const episodes = splits.flatMap((split, index) => [
      ...numbered(10_000 * (index + 1), flood, { robot: 'flooder', split, frames: 1 }),
      ...['a', 'b', 'c'].flatMap((robot, own) =>
        numbered(10_000 * (index + 1) + 5_000 + own * 10, 10, { robot, split, frames: 1 }),
      ),
    ]);
    await store(fixture, 0, episodes);
  });
  afterEach(() => fixture.close());

  const share = (rows: readonly { readonly episode: number }[]): readonly [flooder: number, others: number] => {
    const others = rows.filter(({ episode }) => episode % 10_000 >= 5_000).length;
    return [rows.length - others, others];
  };

  it('gives its share of new data, of validation and of the gates’ yardstick, and no more', async () => {
    const datasetVersion = await fixture.lake.currentVersion();
    const input = { cycleId: 'c1', robotType, datasetVersion, newSince: { episodes: 0, frames: 0 }, seed: 1 };
    const { digest } = await mixExperience(fixture.ports)({ ...input, targetFrames: 100_000 });
    assert.equal((await manifestOf(fixture.store, digest)).newFrames, leastRobotCap + 30);
    const train = await rowsOf(fixture.store, trainingSetFile(digest, 'train.arrow'));
    assert.deepEqual(share(train), [leastRobotCap, 30]);
    const validation = await rowsOf(fixture.store, trainingSetFile(digest, 'validation.arrow'));
    assert.deepEqual(share(validation), [leastRobotCap, 30]);
    const heldout = await exportHeldoutSet(fixture.ports)({ robotType, datasetVersion });
    assert.equal(heldout.episodes, leastRobotCap + 30);
    const rows = await rowsOf(fixture.store, heldoutSetFile(heldout.digest, 'heldout.arrow'));
    assert.deepEqual(share(rows), [leastRobotCap, 30]);
  });
});
