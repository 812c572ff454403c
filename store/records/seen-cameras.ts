import { modelFile, signedManifestSchema } from '../../policies/model-manifest.ts';
import { readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

/** Frames that a version reads at once, actions that it answers at once and images of a camera that it sees at once, as its manifest says; 1 for those of the present alone, and for one that is not there; 0 images of one that sees none. */
export async function readWindow(
  store: ObjectStore,
  policy: string,
  version: string | undefined,
): Promise<{ readonly history: number; readonly horizon: number; readonly images: number }> {
  const signed =
    version === undefined
      ? undefined
      : await readJson(store, modelFile(policy, version, 'manifest.json'), signedManifestSchema);
  const { history = 1, horizon = 1, cameras = [], imageHistory = 1 } = signed?.manifest ?? {};
  return { history, horizon, images: cameras.length === 0 ? 0 : imageHistory };
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
