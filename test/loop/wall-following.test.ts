import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { CancelledFailure } from '@temporalio/common';

import type { CycleReport } from '../../activities/report/cycle-report.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readManifest } from '../../store/records/manifests.ts';
import { openFileKeys } from '../../activities/adapters/file-signer.ts';
import { scitosG5RecordingType } from '../../datasets/built-in-robot-types.ts';
import { importWallFollowing } from '../../datasets/importers/wall-following.ts';
import { sharedDataset } from '../support/shared-data.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { withLoop, type Loop } from './loop.ts';

const policy = 'wall-follower-recording';
/** Enough to beat the linear model, a sixth of what a cycle takes by itself; `test/long/wall-following-accuracy` takes all of it. */
const hyperparameters = { maxSteps: 1_400 };
const largestPayloadBytes = 32 * 1024;

/** Lands the recording, whether or not an earlier run did. */
const bring = (loop: Loop): ReturnType<typeof importWallFollowing> =>
  importWallFollowing({
    isAgain: true,
    path: sharedDataset('wall-following'),
    store: loop.store,
    scratchDirectory: loop.settings.scratchDirectory,
    progress: () => undefined,
    isRegistered: async () => false,
  });

async function reportOf(loop: Loop, reportKey: string): Promise<CycleReport> {
  const file = path.join(loop.directory, 'store', reportKey.replace(/html$/, 'json'));
  return JSON.parse(await readFile(file, 'utf8')) as CycleReport;
}

/** Sizes of every payload in the histories of a workflow and its children. */
async function largestPayload(workflowId: string): Promise<number> {
  const { client } = await sharedTemporal();
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  let largest = 0;
  const visit = (value: unknown): void => {
    if (value instanceof Uint8Array) largest = Math.max(largest, value.length);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(history.events);
  return largest;
}

describe('the whole loop on the wall-following recording', function () {
  this.timeout(300_000);

  it('stops within seconds of a cancellation while it collects and while it trains, goes on from nothing half-done, and ends with a champion that beats majority and linear model', async () => {
    await withLoop(policy, scitosG5RecordingType, async (loop) => {
      for (const stage of ['collecting', 'training']) {
        await bring(loop);
        const handle = await loop.start({ bootstrap: true, trainWithoutNew: true, training: { seed: 2 } });
        await loop.reached(handle, stage);
        const cancelledMs = Date.now();
        await handle.cancel();
        await assert.rejects(handle.result(), (error: Error) => error.cause instanceof CancelledFailure);
        const tookMs = Date.now() - cancelledMs;
        // 5 s on a machine that has time for it.
        assert.ok(tookMs < 30_000, `${stage}: took ${tookMs} ms`);
        assert.equal((await readAliases(loop)({ policy })).champion, '1.0.0');
      }
      const training = { seed: 1, hyperparameters };
      const result = await loop.cycle({ bootstrap: true, trainWithoutNew: true, training });
      assert.equal(result.outcome, 'promoted', result.reason);
      const version = await loop.lake.currentVersion();
      assert.equal(await loop.rows('episodes', version.episodes), 124);
      assert.equal(await loop.rows('frames', version.frames), 5_456);
      const { evaluation, collection, mix } = await reportOf(loop, result.reportKey);
      assert.ok(evaluation !== null && collection !== null && mix !== null);
      assert.equal(evaluation.frames, 1_364);
      assert.ok(Number(evaluation.accuracyFraction) > Number(evaluation.linearFraction));
      assert.ok(Number(evaluation.linearFraction) > Number(evaluation.majorityFraction));
      assert.ok(evaluation.gates.every((gate) => gate.outcome === 'pass'));
      const page = await readFile(path.join(loop.directory, 'store', result.reportKey), 'utf8');
      for (const part of ['<svg', 'heldout.agreement', 'Confusion', result.modelSha256 ?? 'none'])
        assert.ok(page.includes(part), part);
      assert.doesNotMatch(page, /<script|src=|href="http/);

      const { store, settings } = loop;
      const signer = openFileKeys(settings.keysDirectory).signer;
      assert.equal((await readAliases({ store })({ policy })).champion, result.candidateVersion);
      const manifest = await readManifest({ store, signer }, policy, result.candidateVersion ?? 'none');
      assert.deepEqual(manifest.parents, ['1.0.0']);
      assert.equal(manifest.files['model.onnx']?.sha256, result.modelSha256);

      await bring(loop);
      const second = await loop.cycle({ bootstrap: true });
      assert.equal(second.outcome, 'nothingNew');
      assert.equal((await reportOf(loop, second.reportKey)).collection?.alreadyStored, 124);
      for (const id of loop.workflowIds()) assert.ok((await largestPayload(id)) <= largestPayloadBytes, id);
    });
  });
});
