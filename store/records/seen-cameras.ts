import { modelFile, signedManifestSchema } from '../../policies/model-manifest.ts';
import { readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

/** Frames that a version reads at once, as its manifest says; 1 for one of the present alone, and for one that is not there. */
export async function readHistory(store: ObjectStore, policy: string, version: string | undefined): Promise<number> {
  if (version === undefined) return 1;
  const signed = await readJson(store, modelFile(policy, version, 'manifest.json'), signedManifestSchema);
  return signed?.manifest.history ?? 1;
}

/** Names of the cameras that a version sees, as its manifest says; empty for one of readings alone, and for one that is not there. */
export async function readSeenCameras(
  store: ObjectStore,
  policy: string,
  version: string | undefined,
): Promise<readonly string[]> {
  if (version === undefined) return [];
  const signed = await readJson(store, modelFile(policy, version, 'manifest.json'), signedManifestSchema);
  return (signed?.manifest.cameras ?? []).map(({ name }) => name);
}
