import { createHash } from 'node:crypto';

import { registerModel } from '../../../activities/registry/register-model.ts';
import type { Signer } from '../../../policies/signer.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases } from '../../../store/records/aliases.ts';

export const digest = 'd'.repeat(64);
export const policy = 'wall-follower';

const report = (cycleId: string, more: Readonly<Record<string, unknown>> = {}) => ({
  cycleId,
  policy,
  outcome: 'promoted',
  reason: 'every gate passed',
  writtenAtMs: 2_000,
  candidateVersion: '1.1.0',
  mix: { newFrames: 10, historyFrames: 30, effectiveFrames: 40 },
  training: {
    seed: 7,
    steps: 200,
    curve: [
      { step: 100, trainLoss: 0.5, validationLoss: 0.6 },
      { step: 200, trainLoss: 0.25, validationLoss: null },
    ],
    hyperparameters: { learningRate: 0.01, hidden: [32, 32] },
  },
  evaluation: {
    accuracyFraction: 0.9,
    championFraction: 0.8,
    calibrationError: 0.02,
    gates: [
      { id: 'champion.overall', outcome: 'pass', value: 0.1 },
      { id: 'bodies', outcome: 'notApplicable', value: null },
    ],
    misclassified: { frames: 1, listed: [{ episodeId: 'secret', images: [{ camera: 'front', jpeg: 'c2VjcmV0' }] }] },
  },
  lineage: { datasetVersion: { episodes: 3, frames: 4 }, trainingSetDigest: digest, modelSha256: 'm', codeBuild: 'b' },
  ...more,
});

/** A baseline, a candidate that a cycle made and that is champion, one that a gate held back, a cycle that trained nothing, and one of another policy. */
export async function mirroredStore(signer: Signer): Promise<ObjectStore> {
  const store = memoryObjectStore();
  let nowMs = 1_000;
  const ports = { store, signer, clock: () => (nowMs += 1), codeBuild: 'test' };
  const register = async (operationId: string, training: 'none' | 'cycle'): Promise<string> => {
    const bytes = new TextEncoder().encode(`model of ${operationId}`);
    await store.put(`training-runs/${operationId}/model.onnx`, bytes);
    const { version } = await registerModel(ports)({
      operationId,
      policy,
      change: 'minor',
      robotType: { id: 'scitos-g5', version: 1, digest: 'e'.repeat(64) },
      sources: { 'model.onnx': `training-runs/${operationId}/model.onnx` },
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
      parents: [],
      training:
        training === 'none'
          ? null
          : {
              cycleId: operationId,
              datasetVersion: { episodes: 3, frames: 4 },
              trainingSetDigest: digest,
              seed: 7,
              hyperparameters: {},
            },
      metrics: { accuracyFraction: 0.9 },
      gates: [],
    });
    return version;
  };
  const baseline = await register('by-hand', 'none');
  const candidate = await register('2026-01-05', 'cycle');
  const held = { outcome: 'gatesHold', candidateVersion: null };
  for (const [cycleId, more] of [
    ['2026-01-05', {}],
    ['2026-01-12', held],
    ['2026-01-19', { ...held, outcome: 'nothingNew', training: null }],
    ['other', { policy: 'another' }],
  ] as const)
    await store.put(`reports/${cycleId}.json`, jsonBytes(report(cycleId, more)));
  await store.put('reports/2026-01-05.html', new Uint8Array(3));
  await moveAliases(ports, { policy, operationId: 'a', who: 'ada', why: 'a test' }, () => ({
    champion: candidate,
    baseline,
    anchor: baseline,
  }));
  return store;
}
