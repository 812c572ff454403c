import { modelFile, signedManifestSchema } from '../../policies/model-manifest.ts';
import { readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

/** Frames that a version reads at once and actions that it answers at once, as its manifest says; 1 for those of the present alone, and for one that is not there. */
export async function readWindow(
  store: ObjectStore,
  policy: string,
  version: string | undefined,
): Promise<{ readonly history: number; readonly horizon: number }> {
  const signed =
    version === undefined
      ? undefined
      : await readJson(store, modelFile(policy, version, 'manifest.json'), signedManifestSchema);
  const { history = 1, horizon = 1 } = signed?.manifest ?? {};
  return { history, horizon };
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
