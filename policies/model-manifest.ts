import { z } from 'zod';
import { cameraNameSchema } from '../datasets/camera.ts';
import { horizonSchema } from './chunks.ts';
import { imageHistorySchema } from './image-windows.ts';
import { historySchema } from './windows.ts';
import { dictionarySchema } from '../domain/dictionary-schema.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');
const semver = z.string().regex(/^\d+\.\d+\.\d+$/, 'expected a version like 1.2.3');

/** A camera that a model sees, at the size that it sees. */
export const seenCameraSchema = z.strictObject({
  name: cameraNameSchema,
  width: z.int().min(8).max(512),
  height: z.int().min(8).max(512),
});

/** What is known of one policy version. Written last: a model without its manifest does not exist. */
export const modelManifestSchema = z.strictObject({
  policy: z.string().min(1),
  version: semver,
  /** Counts every registration of the policy, whatever its number: 1, 2, 3, …; absent before there were root keys. */
  release: z.int().min(1).optional(),
  robotType: z.strictObject({ id: z.string(), version: z.int(), digest: sha256 }),
  /** 2 for a model that sees, and what, or that reads history or answers a chunk; not there for a model of present readings and the present action alone, which is of contract 1. */
  contract: z.literal(2).optional(),
  cameras: z.array(seenCameraSchema).min(1).max(8).optional(),
  /** Frames that the model reads at once, the present included; not there for the present alone. */
  history: historySchema.optional(),
  /** Actions that the model answers at once, all of which robots execute; not there for the present one alone. */
  horizon: horizonSchema.optional(),
  /** Images of a camera that the model sees at once, that of the present frame included; not there for the present ones alone. */
  imageHistory: imageHistorySchema.optional(),
  /** Digest and size of every file of the version, `model.onnx` first of all. */
  files: dictionarySchema(z.strictObject({ sha256, sizeBytes: z.int().nonnegative() })),
  /** Versions it was made from: the champion it was warm-started from or measured against. */
  parents: z.array(semver),
  /** Null for a model that was not trained here. */
  training: z
    .strictObject({
      cycleId: z.string(),
      datasetVersion: z.strictObject({ episodes: z.int(), frames: z.int() }),
      trainingSetDigest: sha256,
      seed: z.int(),
      hyperparameters: z.record(z.string(), z.unknown()),
      /** The only tasks that were learned, where they were chosen; the others were replayed. */
      tasks: z.array(z.string()).optional(),
    })
    .nullable(),
  /** Who handed it in and why; for a model that was made elsewhere and submitted. */
  submitted: z.strictObject({ who: z.string(), why: z.string() }).optional(),
  /** Build of the code that made it. */
  codeBuild: z.string(),
  registeredAtMs: z.int(),
  metrics: dictionarySchema(z.number().nullable()),
  gates: z.array(
    z.strictObject({
      id: z.string(),
      outcome: z.enum(['pass', 'fail', 'notApplicable']),
      value: z.number().nullable(),
      limit: z.number().nullable(),
    }),
  ),
});

export type ModelManifest = z.infer<typeof modelManifestSchema>;

/** The manifest as stored: the signature is over the canonical JSON of `manifest`. */
export const signedManifestSchema = z.strictObject({
  manifest: modelManifestSchema,
  signature: z.strictObject({ algorithm: z.literal('Ed25519'), publicKeyId: z.string(), value: z.string() }),
});

export type SignedManifest = z.infer<typeof signedManifestSchema>;

export const modelFile = (policy: string, version: string, file: string): string =>
  `models/${policy}/${version}/${file}`;
