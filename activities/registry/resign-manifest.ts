import { createHash } from 'node:crypto';

import { modelFile, signedManifestSchema, type SignedManifest } from '../../policies/model-manifest.ts';
import { failure } from '../../store/failures.ts';
import { jsonBytes, requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Signer } from '../../policies/signer.ts';
import { manifestBytes } from '../../store/records/manifests.ts';

export interface ResignInput {
  readonly policy: string;
  readonly version: string;
  /** sha256 of the model, from somewhere a thief of the old key could not write. */
  readonly modelSha256: string;
}

/**
 * Signs the manifest of a version anew, after the key that signed it was revoked: whoever asks vouches for the model by its
 * digest. `UntrustedArtifact` when the store holds another model. Robots fetch the new manifest by themselves.
 */
export const resignManifest =
  (ports: { readonly store: ObjectStore; readonly signer: Signer }) =>
  async ({ policy, version, modelSha256 }: ResignInput): Promise<void> => {
    const key = modelFile(policy, version, 'manifest.json');
    const hint = `version ${version} of policy ${policy} is not registered`;
    const { manifest } = await requireJson(ports.store, key, signedManifestSchema, hint);
    const model = await ports.store.get(modelFile(policy, version, 'model.onnx'));
    const stored = createHash('sha256')
      .update(model ?? '')
      .digest('hex');
    const named = manifest.files['model.onnx']?.sha256;
    if (stored !== modelSha256 || named !== modelSha256 || manifest.policy !== policy || manifest.version !== version)
      throw failure(
        'UntrustedArtifact',
        `expected a model with sha256 ${modelSha256}, got ${stored}, and ${named} in the manifest`,
        {
          coordinates: { key },
        },
      );
    const value = ports.signer.sign(manifestBytes(manifest));
    const signature = { algorithm: 'Ed25519', publicKeyId: ports.signer.publicKeyId, value } as const;
    const signed: SignedManifest = { manifest, signature };
    await ports.store.put(key, jsonBytes(signed));
  };
