import { jsonBytes } from '../../../store/json-objects.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { nowMs } from '../collection/collection-fixture.ts';

/** Registers a model of policy `wall` that learned from this dataset version; the digest of its training set is one hexadecimal digit, repeated. */
export async function putTrainedModel(
  store: ObjectStore,
  version: string,
  datasetVersion: { readonly episodes: number; readonly frames: number },
  digit: string,
): Promise<string> {
  const digest = digit.repeat(64);
  const manifest = {
    policy: 'wall',
    version,
    robotType: { id: 'scitos-g5', version: 1, digest },
    files: {},
    parents: [],
    training: { cycleId: 'c', datasetVersion, trainingSetDigest: digest, seed: 1, hyperparameters: {} },
    codeBuild: 'test',
    registeredAtMs: nowMs,
    metrics: {},
    gates: [],
  };
  const signature = { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' };
  await store.put(`models/wall/${version}/manifest.json`, jsonBytes({ manifest, signature }));
  return digest;
}
