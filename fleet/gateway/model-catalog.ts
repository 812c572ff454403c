import { createHash } from 'node:crypto';

import { isFailure } from '../../store/failures.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { modelFile, signedManifestSchema, type SignedManifest } from '../../policies/model-manifest.ts';
import type { ModelFile, ModelReference } from '../protocol/index.ts';

export interface ServedFile {
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Registered versions as robots need them. A version never changes once its manifest is there, so what was found is
 * remembered; signatures are the robots' to check, who pin the key.
 */
export interface ModelCatalog {
  /** Undefined for a version without a manifest or without a model, and for one whose manifest is damaged. */
  reference(policy: string, version: string): Promise<ModelReference | undefined>;
  /** Undefined for a file the version does not have. */
  file(policy: string, version: string, file: ModelFile): Promise<ServedFile | undefined>;
}

const maxRemembered = 256;

export function modelCatalog(store: ObjectStore): ModelCatalog {
  const manifests = new Map<string, Promise<SignedManifest | undefined>>();

  function manifestOf(policy: string, version: string): Promise<SignedManifest | undefined> {
    const key = modelFile(policy, version, 'manifest.json');
    const known = manifests.get(key);
    if (known !== undefined) return known;
    if (manifests.size >= maxRemembered) manifests.delete(manifests.keys().next().value ?? '');
    const read = readJson(store, key, signedManifestSchema);
    manifests.set(key, read);
    const forget = (): void => void (manifests.get(key) === read && manifests.delete(key));
    read.then((manifest) => manifest ?? forget(), forget);
    return read;
  }

  return {
    async reference(policy, version) {
      const signed = await manifestOf(policy, version).catch((error: unknown) => {
        if (isFailure(error, 'CorruptData')) return undefined;
        throw error;
      });
      const model = signed?.manifest.files['model.onnx'];
      if (signed === undefined || model === undefined) return undefined;
      const { value, publicKeyId } = signed.signature;
      return { version, sha256: model.sha256, sizeBytes: model.sizeBytes, signature: value, publicKeyId };
    },
    async file(policy, version, file) {
      const signed = await manifestOf(policy, version);
      if (signed === undefined) return undefined;
      const key = modelFile(policy, version, file);
      if (file === 'manifest.json') {
        const bytes = await store.get(key);
        if (bytes === undefined) return undefined;
        return { key, sizeBytes: bytes.byteLength, sha256: createHash('sha256').update(bytes).digest('hex') };
      }
      const entry = signed.manifest.files[file];
      return entry === undefined ? undefined : { key, ...entry };
    },
  };
}
