import { createHash } from 'node:crypto';

import { z } from 'zod';

import { nextPolicyVersion, type VersionChange } from '../../domain/registry/index.ts';
import { bodiesFile } from '../../policies/version-bodies.ts';
import { tasksFile } from '../../policies/version-tasks.ts';
import { modelFile, type ModelManifest, type SignedManifest } from '../../policies/model-manifest.ts';
import { appendOnce } from '../../store/append-log.ts';
import { failure } from '../../store/failures.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Signer } from '../../policies/signer.ts';
import { manifestBytes, readManifest } from '../../store/records/manifests.ts';
import { dictionary } from '../../domain/dictionary.ts';
import { withoutImages } from '../evaluation/evaluation-frames.ts';

const claimSchema = z.strictObject({ version: z.string(), operationId: z.string(), atMs: z.int() });

export interface RegisterModelInput extends Omit<
  ModelManifest,
  'version' | 'release' | 'files' | 'registeredAtMs' | 'codeBuild' | 'gates' | 'metrics'
> {
  /** The file that says which tasks the model knows; not there where they are the robot type's. */
  readonly tasks?: Uint8Array | undefined;
  /** The file that says which bodies the version serves; not there where it is its own alone. */
  readonly bodies?: Uint8Array | undefined;
  /** The cycle's id, or any other name of the operation that registers. */
  readonly operationId: string;
  readonly change: VersionChange;
  /** Where each file of the version lies now, by its name in the registry: `model.onnx`, `evaluation.json`, … */
  readonly sources: Readonly<Record<string, string>>;
  /** sha256 the model must have, as the trainer or the importer reported it. */
  readonly modelSha256: string;
  readonly gates: ModelManifest['gates'];
  readonly metrics: ModelManifest['metrics'];
}

export interface RegisterModelResult {
  readonly version: string;
  readonly modelSha256: string;
  readonly manifestKey: string;
}

/**
 * Takes the next version number, copies the files under it and writes the signed manifest last. Idempotent by
 * (policy, operationId): the number is claimed once, and asking again finishes or returns what is there.
 */
export const registerModel =
  (ports: { store: ObjectStore; signer: Signer; clock: Clock; codeBuild: string }) =>
  async (input: RegisterModelInput): Promise<RegisterModelResult> => {
    const { operationId, change, sources, modelSha256, tasks, bodies, ...facts } = input;
    const { version, atMs, release } = await claimVersion(ports, input.policy, operationId, change);
    const files = dictionary<{ sha256: string; sizeBytes: number }>();
    for (const [name, sourceKey] of Object.entries(sources)) {
      const found = await ports.store.get(sourceKey);
      if (found === undefined)
        throw failure('NotFound', `expected the file to register as ${name}, got none`, {
          coordinates: { key: sourceKey },
        });
      const bytes = name === 'evaluation.json' ? withoutImages(found) : found;
      const { sha256, sizeBytes } = factsOf(bytes);
      if (name === 'model.onnx' && sha256 !== modelSha256)
        throw failure('UntrustedArtifact', `expected a model with sha256 ${modelSha256}, got ${sha256}`, {
          coordinates: { key: sourceKey },
        });
      await ports.store.putIfAbsent(modelFile(input.policy, version, name), bytes);
      files[name] = { sha256, sizeBytes };
    }
    for (const [name, bytes] of [
      [tasksFile, tasks],
      [bodiesFile, bodies],
    ] as const) {
      if (bytes === undefined) continue;
      const key = modelFile(input.policy, version, name);
      // An earlier attempt's stays: what is known of bodies may have grown since.
      if ((await ports.store.putIfAbsent(key, bytes)) === 'created') files[name] = factsOf(bytes);
      else files[name] = factsOf((await ports.store.get(key)) ?? bytes);
    }
    const manifest: ModelManifest = {
      ...facts,
      version,
      // Agents of versions before root keys refuse a manifest with a field they do not know.
      ...(ports.signer.rootVersion === 0 ? {} : { release }),
      files,
      registeredAtMs: atMs,
      codeBuild: ports.codeBuild,
    };
    const signed: SignedManifest = {
      manifest,
      signature: {
        algorithm: 'Ed25519',
        publicKeyId: ports.signer.publicKeyId,
        value: ports.signer.sign(manifestBytes(manifest)),
      },
    };
    const manifestKey = modelFile(input.policy, version, 'manifest.json');
    await ports.store.putIfAbsent(manifestKey, jsonBytes(signed));
    const registered = await readManifest(ports, input.policy, version);
    return { version, manifestKey, modelSha256: registered.files['model.onnx']?.sha256 ?? modelSha256 };
  };

const factsOf = (bytes: Uint8Array): { sha256: string; sizeBytes: number } => ({
  sha256: createHash('sha256').update(bytes).digest('hex'),
  sizeBytes: bytes.length,
});

async function claimVersion(
  ports: { store: ObjectStore; clock: Clock },
  policy: string,
  operationId: string,
  change: VersionChange,
): Promise<z.infer<typeof claimSchema> & { readonly release: number }> {
  let place = 0;
  const claim = await appendOnce(ports.store, `registry/${policy}/versions`, claimSchema, (earlier) => {
    const claims = earlier.map(({ record }) => record);
    const index = claims.findIndex((each) => each.operationId === operationId);
    place = index < 0 ? claims.length : index;
    const found = claims[index];
    if (found !== undefined) return { found };
    const version = nextPolicyVersion(
      claims.map((each) => each.version),
      change,
    );
    return { append: { version, operationId, atMs: ports.clock() } };
  });
  return { ...claim, release: place + 1 };
}
