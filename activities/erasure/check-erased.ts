import { z } from 'zod';

import { columnRows, type ColumnRow } from '../../datasets/column-rows.ts';
import { pageProblem } from '../../datasets/parquet-pages.ts';
import { pageLimitsOf } from '../../datasets/validation/segment-rules.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import {
  episodeHash,
  erasureDocument,
  readErasedEpisodes,
  readErasureRequest,
  type ErasureRequest,
} from '../../store/records/erasures.ts';
import { registeredModels } from '../retention/what-is-needed.ts';
import { earlierFiles, type ErasurePorts } from './find-erased.ts';
import { mediaChecker } from './find-media.ts';
import { findSets, isFactRows, isText, isWord, textOf, touchedBy } from './find-texts.ts';
import { withoutErasedFacts } from './fact-lines.ts';
import { foundDocument } from './found.ts';
import { ownerOf, withoutErasedIds } from './erased-rows.ts';
import { withoutErasedWords } from './shown-images.ts';
import { withoutErasedLines } from './telemetry-lines.ts';

const checkedSchema = z.strictObject({
  objects: z.int().min(0),
  /** Objects in which something is left; nothing else may be signed off. */
  leftovers: z.array(z.string()),
  /** Foreign files that no reader opens, and segments with such rows beside others that cannot be written apart. */
  unreadable: z.array(z.string()),
  /** Words of people and signed documents that name an episode; the first thousand. */
  namedIn: z.array(z.string()).exactOptional(),
  /** Registered versions that were trained on a dataset version with such episodes, or with files that are gone. */
  models: z.array(z.strictObject({ policy: z.string(), version: z.string() })),
});
export type Checked = z.infer<typeof checkedSchema>;

export const checkedDocument = (store: ObjectStore, erasureId: string) =>
  erasureDocument(store, erasureId, 'checked.json', checkedSchema);

/**
 * Looks at every object of the store with readers that share nothing with the SQL engine that erased, whatever the log of the lake
 * says is part of it, and names the models that may have learned from what is gone. Reads only, but for its document, which is
 * written when nothing is left. Idempotent by erasure.
 */
export const checkErased =
  (ports: ErasurePorts) =>
  async ({ erasureId, passes }: { readonly erasureId: string; readonly passes: number }): Promise<Checked> => {
    const { store, lake, progress } = ports;
    const document = checkedDocument(store, erasureId);
    const known = await document.read();
    if (known !== undefined) return known;
    const erased = {
      request: await readErasureRequest(store, erasureId),
      hashes: await readErasedEpisodes(store, erasureId),
    };
    const [leftovers, unreadable, namedIn]: [string[], string[], string[]] = [[], [], []];
    const unwritable = await unwritableSegments(store, erasureId, passes);
    const lookAtMedia = await mediaChecker(ports, erased, await foundClips(store, erasureId, passes));
    let objects = 0;
    for await (const entry of store.list('')) {
      objects += 1;
      progress({ stage: 'checking', objects });
      const seen = (await lookAtMedia(entry)) ?? (await look(store, entry, erased));
      const verdict = seen === 'left' && unwritable.has(entry.key) ? 'unreadable' : seen;
      if (verdict === 'left') leftovers.push(entry.key);
      if (verdict === 'unreadable') unreadable.push(entry.key);
      if (verdict === 'named' && namedIn.length < mostNamed) namedIn.push(entry.key);
    }
    const files = await earlierFiles(store, erasureId, passes + 1);
    leftovers.push(...(await findSets(ports, files)));
    const models = await modelsOf(store, await touchedBy(lake, files));
    const checked = { objects, leftovers, unreadable, ...(namedIn.length === 0 ? {} : { namedIn }), models };
    return leftovers.length === 0 ? document.write(checked) : checked;
  };

/** Segments whose other rows cannot be written apart: the last look found them, and the certificate names them. */
async function unwritableSegments(store: ObjectStore, erasureId: string, passes: number): Promise<ReadonlySet<string>> {
  return new Set((await foundDocument(store, erasureId, passes).read())?.unwritable);
}

async function foundClips(store: ObjectStore, erasureId: string, passes: number): Promise<readonly string[]> {
  const clips: string[] = [];
  for (let pass = 1; pass <= passes; pass += 1)
    clips.push(...((await foundDocument(store, erasureId, pass).read())?.media?.clips ?? []));
  return clips;
}

const mostNamed = 1_000;
type Verdict = 'clean' | 'left' | 'unreadable' | 'named';
type Erased = Parameters<typeof withoutErasedLines>[1];

async function look(store: ObjectStore, entry: ObjectEntry, erased: Erased): Promise<Verdict> {
  const { key } = entry;
  if (key.startsWith('erasures/')) return 'clean';
  if (key.startsWith('models/')) return lookAtVersion(store, entry, erased);
  if (key.startsWith('telemetry/'))
    return withoutErasedLines(await textOf(store, key), erased).entries > 0 ? 'left' : 'clean';
  if (key.endsWith('.parquet'))
    return /\/_delta_log\//.test(key) ? lookAtStats(store, entry, erased) : lookAtRows(store, entry, erased);
  if (!isText(entry)) return 'clean';
  const text = await textOf(store, key);
  if (isFactRows(key)) return withoutErasedFacts(text, erased) === text ? 'clean' : 'left';
  if (withoutErasedWords(text, erased.hashes) === text) return 'clean';
  return isWord(key) ? 'named' : 'left';
}

/** What is signed stays; versions of before {@link withoutImages} have images in their evaluation. */
async function lookAtVersion(store: ObjectStore, { key }: ObjectEntry, { hashes }: Erased): Promise<Verdict> {
  if (!key.endsWith('/evaluation.json')) return 'clean';
  const text = await textOf(store, key);
  return withoutErasedWords(text, hashes) === text ? 'clean' : 'named';
}

const columns = ['episode_id', 'robot_id', 'site', 'started_at'] as const;

async function lookAtRows(store: ObjectStore, { key }: ObjectEntry, { request, hashes }: Erased): Promise<Verdict> {
  // What a robot did on the day of the request is summed up with what it did since.
  const day = /^lake\/fleet_days\/recorded_on=(\d{4}-\d{2}-\d{2})\//.exec(key)?.[1];
  if (day !== undefined && day >= new Date(request.recordedBeforeMs).toISOString().slice(0, 10)) return 'clean';
  const path = await store.localPath(key);
  if (path === undefined) return 'clean';
  // Of what the lake's own writer made every file can be read; what robots sent may be anything.
  const isForeign = !key.startsWith('lake/');
  if (isForeign && pageProblem(path, pageLimitsOf(4_096, 1_000_000)) !== undefined) return 'unreadable';
  try {
    let last: unknown;
    let isListed = false;
    for await (const row of columnRows(path, columns)) {
      const id = row['episode_id'];
      if (id !== last) isListed = typeof id === 'string' && hashes.has(episodeHash(id));
      last = id;
      if (isListed && !isOthers(row, request)) return 'left';
      if (isNamed(row, request, isForeign ? clockGraceMs : 0)) return 'left';
    }
    return 'clean';
  } catch (error) {
    if (!isForeign) throw error;
    return 'unreadable';
  }
}

/** A checkpoint of the lake's log tells the smallest and largest values of the columns of a file. */
async function lookAtStats(store: ObjectStore, { key }: ObjectEntry, { hashes }: Erased): Promise<Verdict> {
  const path = await store.localPath(key);
  if (path === undefined) return 'clean';
  for await (const { 'add.stats': stats } of columnRows(path, ['add.stats']))
    if (typeof stats === 'string' && withoutErasedIds(stats, hashes) !== stats) return 'left';
  return 'clean';
}

function isNamed(row: ColumnRow, request: ErasureRequest, graceMs: number): boolean {
  const owner = ownerOf(request);
  if (owner === undefined || row[owner.column] !== owner.value) return false;
  return Number(row['started_at'] ?? 0) / 1_000 < request.recordedBeforeMs - graceMs;
}

/** Frames do not say whose they are. */
function isOthers(row: ColumnRow, request: ErasureRequest): boolean {
  const owner = ownerOf(request);
  return owner !== undefined && typeof row[owner.column] === 'string' && row[owner.column] !== owner.value;
}

/** Where the robot's own clock is told, which may be off so far. */
const clockGraceMs = 86_400_000;

async function modelsOf(
  store: ObjectStore,
  isTouched: (version: number) => Promise<boolean>,
): Promise<Checked['models']> {
  const models: Checked['models'] = [];
  for await (const { policy, version, training } of registeredModels(store))
    if (training !== null && (await isTouched(training.datasetVersion.episodes))) models.push({ policy, version });
  return models;
}
