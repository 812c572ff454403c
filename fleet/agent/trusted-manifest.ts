import { createHash, createPublicKey, verify } from 'node:crypto';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { signedManifestSchema, type ModelManifest } from '../../policies/model-manifest.ts';
import { ModelRefusal } from './model-refusal.ts';

/** What a manifest must be about. */
export interface WantedVersion {
  readonly policy: string;
  readonly version: string;
  /** Of `model.onnx`. */
  readonly sha256: string;
}

/** Reads a manifest that the pinned key signed and that is about this version with these bytes; throws a `ModelRefusal` otherwise. */
export function trustedManifest(bytes: Uint8Array, publicKeyPem: string, wanted: WantedVersion): ModelManifest {
  const { manifest, signature } = parse(bytes);
  const key = createPublicKey(publicKeyPem);
  const keyId = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
  if (signature.publicKeyId !== keyId)
    throw new ModelRefusal(
      'wrongSignature',
      `expected a signature by key ${keyId}, got one by ${signature.publicKeyId}`,
    );
  if (!verify(null, Buffer.from(canonicalJson(manifest)), key, Buffer.from(signature.value, 'base64')))
    throw new ModelRefusal('wrongSignature', `expected a manifest as key ${keyId} signed it, got a changed one`);
  if (manifest.policy !== wanted.policy || manifest.version !== wanted.version)
    throw new ModelRefusal(
      'wrongSignature',
      `expected the manifest of ${wanted.policy} ${wanted.version}, got the one of ${manifest.policy} ${manifest.version}`,
    );
  const signed = manifest.files['model.onnx']?.sha256;
  if (signed !== wanted.sha256)
    throw new ModelRefusal(
      'wrongDigest',
      `expected a model with sha256 ${wanted.sha256}, the manifest signs ${signed}`,
    );
  return manifest;
}

function parse(bytes: Uint8Array) {
  try {
    return signedManifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new ModelRefusal('wrongSignature', 'expected a signed manifest, got something else', cause);
  }
}
