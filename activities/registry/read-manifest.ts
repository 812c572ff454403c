import { canonicalJson } from '../../domain/canonical-json.ts';
import { modelFile, signedManifestSchema, type ModelManifest } from '../../policies/model-manifest.ts';
import { failure } from '../failures.ts';
import { requireJson } from '../json-objects.ts';
import type { ObjectStore } from '../ports.ts';
import type { Signer } from '../signer-port.ts';

export const manifestBytes = (manifest: ModelManifest): Uint8Array => new TextEncoder().encode(canonicalJson(manifest));

/** The manifest of a registered version, its signature checked; `NotFound` or `UntrustedArtifact` otherwise. */
export async function readManifest(
  ports: { store: ObjectStore; signer: Signer },
  policy: string,
  version: string,
): Promise<ModelManifest> {
  const key = modelFile(policy, version, 'manifest.json');
  const { manifest, signature } = await requireJson(
    ports.store,
    key,
    signedManifestSchema,
    `version ${version} of policy ${policy} is not registered`,
  );
  const trusted =
    signature.publicKeyId === ports.signer.publicKeyId && ports.signer.verify(manifestBytes(manifest), signature.value);
  if (!trusted || manifest.policy !== policy || manifest.version !== version)
    throw failure('UntrustedArtifact', 'expected a manifest signed by this fleet for this version, got another', {
      coordinates: { key, publicKeyId: signature.publicKeyId, expectedPublicKeyId: ports.signer.publicKeyId },
    });
  return manifest;
}
