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

const versionPattern = /^\d{1,9}\.\d{1,9}\.\d{1,9}$/;

/** `NotFound`, unless the version is registered; reads no manifest, so it asks for no key. */
export async function requireVersion(store: ObjectStore, policy: string, version: string): Promise<void> {
  if (!versionPattern.test(version))
    throw failure('InvalidInput', `version: expected a policy version like 1.2.3, got ${JSON.stringify(version)}`);
  const prefix = modelFile(policy, version, 'manifest.json');
  for await (const { key } of store.list(prefix)) if (key === prefix) return;
  throw failure(
    'NotFound',
    `version ${version} of policy ${policy} is not registered; \`flywheel models list\` shows what is`,
  );
}
