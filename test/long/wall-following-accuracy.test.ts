import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { CycleReport } from '../../activities/report/cycle-report.ts';
import { scitosG5RecordingType } from '../../datasets/built-in-robot-types.ts';
import { importWallFollowing } from '../../datasets/importers/wall-following.ts';
import { withLoop, type Loop } from '../loop/loop.ts';
import { sharedDataset } from '../support/shared-data.ts';

const landRecording = ({ store, settings }: Pick<Loop, 'store' | 'settings'>): Promise<unknown> =>
  importWallFollowing({
    path: sharedDataset('wall-following'),
    store,
    scratchDirectory: settings.scratchDirectory,
    progress: () => undefined,
    isRegistered: async () => false,
  });

describe('the loop on the wall-following recording', () => {
  it('answers at least 88 % of the held-out last quarter right, as the median of five seeds', async () => {
    const accuracies: number[] = [];
    await withLoop('wall-follower-recording', scitosG5RecordingType, async ({ cycle, directory, settings, store }) => {
      await landRecording({ store, settings });
      for (const seed of [1, 2, 3, 4, 5]) {
        const { reportKey } = await cycle({ bootstrap: true, trainWithoutNew: true, training: { seed } });
        const file = path.join(directory, 'store', reportKey.replace(/html$/, 'json'));
        const { evaluation } = JSON.parse(await readFile(file, 'utf8')) as CycleReport;
        assert.ok(evaluation !== null);
        assert.ok(Number(evaluation.majorityFraction) < 0.45 && Number(evaluation.linearFraction) < 0.8);
        accuracies.push(Number(evaluation.accuracyFraction));
        process.stderr.write(
          `seed ${seed}: policy ${evaluation.accuracyFraction}, linear ${evaluation.linearFraction}, commonest ${evaluation.majorityFraction}\n`,
        );
      }
    });
    const median = accuracies.toSorted((a, b) => a - b)[2] ?? 0;
    assert.ok(median >= 0.88, accuracies.map((value) => value.toFixed(3)).join(' '));
  });

  it('ends with the same bytes on two empty stores', async () => {
    const hashes: (string | undefined)[] = [];
    for (let round = 0; round < 2; round += 1)
      await withLoop('wall-follower-recording', scitosG5RecordingType, async (loop) => {
        await landRecording(loop);
        const result = await loop.cycle({
          bootstrap: true,
          training: { seed: 1, hyperparameters: { maxSteps: 2_000 } },
        });
        assert.equal(result.outcome, 'promoted', result.reason);
        hashes.push(result.modelSha256);
      });
    assert.ok(hashes[0] !== undefined && hashes[0] === hashes[1], hashes.join(' '));
  });
});
