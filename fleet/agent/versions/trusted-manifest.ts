import { z } from 'zod';

import { canonicalJson } from '../../../domain/canonical-json.ts';
import { isRevoked, releaseKeyFor } from '../../../domain/trust/root.ts';
import type { PublicKey } from '../../../domain/trust/signed.ts';
import { modelManifestSchema } from '../../../policies/model-manifest.ts';
import { nodeCrypto } from '../../../policies/signatures.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { ManifestTrust } from '../trust/trusted-orders.ts';

/** What a manifest must be about. */
export interface WantedVersion {
  readonly policy: string;
  readonly version: string;
  /** Of `model.onnx`. */
  readonly sha256: string;
}

const { policy, version, robotType, files, registeredAtMs } = modelManifestSchema.shape;
/** What a robot reads of a manifest; later versions may say more. */
const readManifestSchema = z.object({ policy, version, robotType, files, registeredAtMs });
export type ReadManifest = z.infer<typeof readManifestSchema>;

const signedSchema = z.object({
  manifest: z.record(z.string(), z.unknown()),
  signature: z.object({ publicKeyId: z.string().max(64), value: z.string().max(200) }),
});

/**
 * Reads a manifest that a key this robot trusts signed, and that is about this version with these bytes; throws a
 * `ModelRefusal` otherwise.
 */
export function trustedManifest(bytes: Uint8Array, trust: ManifestTrust, wanted: WantedVersion): ReadManifest {
  const { signed, manifest } = parse(bytes);
  const { publicKeyId, value } = signed.signature;
  const key = keyOf(trust, publicKeyId, manifest.registeredAtMs);
  if (!nodeCrypto.verify(key.publicKey, canonicalJson(signed.manifest), value))
    throw new ModelRefusal('wrongSignature', `expected a manifest as key ${key.keyId} signed it, got a changed one`);
  if (manifest.policy !== wanted.policy || manifest.version !== wanted.version)
    throw new ModelRefusal(
      'wrongSignature',
      `expected the manifest of ${wanted.policy} ${wanted.version}, got the one of ${manifest.policy} ${manifest.version}`,
    );
  const sha256 = manifest.files['model.onnx']?.sha256;
  if (sha256 !== wanted.sha256)
    throw new ModelRefusal(
      'wrongDigest',
      `expected a model with sha256 ${wanted.sha256}, the manifest signs ${sha256}`,
    );
  return manifest;
}

function keyOf(trust: ManifestTrust, keyId: string, signedAtMs: number): PublicKey {
  if ('pinned' in trust) {
    if (trust.pinned.keyId === keyId) return trust.pinned;
    throw new ModelRefusal('wrongSignature', `expected a signature by key ${trust.pinned.keyId}, got one by ${keyId}`);
  }
  const verdict = releaseKeyFor(trust.root, keyId, signedAtMs);
  if ('key' in verdict) return verdict.key;
  throw new ModelRefusal(isRevoked(trust.root, keyId) ? 'revokedKey' : 'wrongSignature', verdict.refusal);
}

function parse(bytes: Uint8Array) {
  try {
    const signed = signedSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return { signed, manifest: readManifestSchema.parse(signed.manifest) };
  } catch (cause) {
    throw new ModelRefusal('wrongSignature', 'expected a signed manifest, got something else', cause);
  }
}
