import { createHash } from 'node:crypto';

import { z } from 'zod';

import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { heldoutSetFile, trainingSetFile } from '../../datasets/training-set.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { sha256Of } from '../training/training-run.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';

const filesSchema = dictionarySchema(z.looseObject({ sha256: z.string(), rows: z.int() }));
const setSchema = z.looseObject({
  robotType: z.string(),
  robotTypeDigest: z.string(),
  tasks: z.array(z.string()),
  catalogue: z.looseObject({ policy: z.string(), seq: z.int() }).optional(),
  files: filesSchema,
});
/** Whose the held-out episodes are, by number; sets of earlier versions do not say. */
const heldoutSetSchema = setSchema.extend({
  robots: z.array(z.string()).default([]),
  /** By number; sets that are not identified do not say. */
  episodeIds: z.array(z.string()).optional(),
  /** Policies for which rows have images of frames before their own. */
  imageWindows: z.array(z.looseObject({ steps: z.int(), images: z.int() })).default([]),
  /** By number; empty where all are of the set's own robot type. */
  bodies: z.array(z.looseObject({ robotType: z.string(), digest: z.string() })).default([]),
});
const trainingSetSchema = setSchema.extend({
  strata: z.array(z.looseObject({ source: z.enum(['new', 'history']), task: z.string(), availableFrames: z.number() })),
});

export type StoredSet = z.infer<typeof setSchema>;
export type StoredHeldoutSet = z.infer<typeof heldoutSetSchema>;
export type StoredTrainingSet = z.infer<typeof trainingSetSchema>;

/** The manifest of a training set, proved to be the one its digest names and to fit the robot type. */
export const readTrainingSet = (store: ObjectStore, digest: string, type: RobotType): Promise<StoredTrainingSet> =>
  readSet(store, trainingSetFile(digest, 'manifest.json'), digest, type, trainingSetSchema);

/** The manifest of a held-out set, likewise. */
export const readHeldoutSet = (store: ObjectStore, digest: string, type: RobotType): Promise<StoredHeldoutSet> =>
  readSet(store, heldoutSetFile(digest, 'manifest.json'), digest, type, heldoutSetSchema);

/** A local path of a set's file, whose bytes are proved to be those the manifest names. */
export async function setFilePath(store: ObjectStore, key: string, set: StoredSet): Promise<string> {
  const coordinates = { key };
  const filePath = await store.localPath(key);
  if (filePath === undefined) throw failure('NotFound', 'expected a file of a set, got none', { coordinates });
  const expected = set.files[key.slice(key.lastIndexOf('/') + 1)]?.sha256;
  const got = await sha256Of({ filePath });
  if (got === expected) return filePath;
  throw failure('CorruptData', `expected a file with sha256 ${expected}, got ${got}`, { coordinates });
}

async function readSet<T extends StoredSet>(
  store: ObjectStore,
  key: string,
  digest: string,
  type: RobotType,
  schema: z.ZodType<T>,
): Promise<T> {
  const coordinates = { key };
  const bytes = await store.get(key);
  if (bytes === undefined) throw failure('NotFound', 'expected the manifest of a set, got none', { coordinates });
  const got = createHash('sha256').update(bytes).digest('hex');
  if (got !== digest)
    throw failure('CorruptData', `expected a manifest with sha256 ${digest}, got ${got}`, { coordinates });
  const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!parsed.success)
    throw failure('CorruptData', `unexpected manifest: ${parsed.error.issues[0]?.message ?? ''}`, { coordinates });
  if (parsed.data.robotTypeDigest !== robotTypeDigest(type))
    throw failure('InvalidInput', `expected a set of ${robotTypeName(type)}, got one of ${parsed.data.robotType}`, {
      coordinates,
    });
  const { catalogue } = parsed.data;
  if (catalogue?.seq !== type.catalogue?.seq || catalogue?.policy !== type.catalogue?.policy)
    throw failure(
      'InvalidInput',
      `expected a set of the tasks of record ${type.catalogue?.seq ?? 'none'} of the catalogue, got one of record ${catalogue?.seq ?? 'none'}`,
      { coordinates },
    );
  return parsed.data;
}
