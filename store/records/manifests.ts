import { canonicalJson } from '../../domain/canonical-json.ts';
import {
  modelFile,
  signedManifestSchema,
  type ModelManifest,
  type SignedManifest,
} from '../../policies/model-manifest.ts';
import { failure } from '../failures.ts';
import { requireJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';
import type { Signer } from '../../policies/signer.ts';

export const manifestBytes = (manifest: ModelManifest): Uint8Array => new TextEncoder().encode(canonicalJson(manifest));

/** The signed manifest of a registered version, its signature checked; `NotFound` or `UntrustedArtifact` otherwise. */
export async function readSignedManifest(
  ports: { store: ObjectStore; signer: Signer },
  policy: string,
  version: string,
): Promise<SignedManifest> {
  const key = modelFile(policy, version, 'manifest.json');
  const signed = await requireJson(
    ports.store,
    key,
    signedManifestSchema,
    `version ${version} of policy ${policy} is not registered`,
  );
  const { manifest, signature } = signed;
  const isTrusted = ports.signer.trusts(manifestBytes(manifest), signature, manifest.registeredAtMs);
  if (!isTrusted || manifest.policy !== policy || manifest.version !== version)
    throw failure(
      'UntrustedArtifact',
      'expected a manifest for this version, signed by a release key of this fleet that is not revoked, got another',
      { coordinates: { key, publicKeyId: signature.publicKeyId } },
    );
  return signed;
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
    `version ${version} of policy ${policy} is not registered; \`flywheel models list\` lists the registered ones`,
  );
}

/** The manifest of {@link readSignedManifest}. */
export const readManifest = async (
  ports: { store: ObjectStore; signer: Signer },
  policy: string,
  version: string,
): Promise<ModelManifest> => (await readSignedManifest(ports, policy, version)).manifest;
