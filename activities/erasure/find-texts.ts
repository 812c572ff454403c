import { z } from 'zod';

import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import { episodeListKey } from '../../store/records/episode-lists.ts';
import { readHolds } from '../../store/records/legal-holds.ts';
import type { Lake } from '../lake/lake.ts';
import type { Progress } from '../ports/progress.ts';
import { withoutErasedFacts } from './fact-lines.ts';
import type { ErasedRows } from './erased-rows.ts';
import type { Found } from './found.ts';
import { withoutErasedWords } from './shown-images.ts';
import { withoutErasedLines } from './telemetry-lines.ts';

interface Ports {
  readonly store: ObjectStore;
  readonly lake: Lake;
  readonly progress: Progress;
}

export const textOf = async (store: ObjectStore, key: string): Promise<string> =>
  new TextDecoder().decode((await store.get(key)) ?? new Uint8Array());

/** Telemetry with such lines or entries, and the sums of its hours. */
export async function findTelemetry(
  { store, progress }: Ports,
  erased: ErasedRows,
): Promise<Pick<Found, 'telemetry' | 'sums'>> {
  const telemetry: Found['telemetry'] = [];
  const hours = new Set<string>();
  for await (const { key } of store.list('telemetry/')) {
    progress({ stage: 'reading telemetry', key });
    const { entries } = withoutErasedLines(await textOf(store, key), erased);
    if (entries === 0) continue;
    telemetry.push({ key, entries });
    const [, policy, day, hour] = key.split('/');
    hours.add(`${policy}/${day}/${hour}`);
  }
  return { telemetry, sums: await findSums(store, erased, hours) };
}

const sumSchema = z.looseObject({ robots: dictionarySchema(z.unknown()) });

/** Sums of these hours, and whatever sum names the robot: its telemetry may be gone while its sum is kept. */
async function findSums(store: ObjectStore, { request }: ErasedRows, hours: ReadonlySet<string>): Promise<string[]> {
  const { target } = request;
  const found: string[] = [];
  for await (const { key, modifiedMs } of store.list('telemetry-summaries/')) {
    const [, policy, , day, name = ''] = key.split('/');
    if (hours.has(`${policy}/${day}/${name.replace('.json', '')}`)) found.push(key);
    else if (target.kind === 'robot' && modifiedMs < request.recordedBeforeMs) {
      const sum = await readSoundJson(store, key, sumSchema, () => undefined);
      if (sum === undefined || Object.hasOwn(sum.robots, target.robotId)) found.push(key);
    }
  }
  return found;
}

const setSchema = z.looseObject({
  datasetVersion: z.object({ episodes: z.int(), frames: z.int() }),
});

/** Rows of sets that were made from a dataset version that may have had such rows: which rows, nobody can tell. */
export async function findSets({ store, lake, progress }: Ports, lakeFiles: Found['lakeFiles']): Promise<string[]> {
  const isTouched = await touchedBy(lake, lakeFiles);
  const found: string[] = [];
  let last: { folder: string; isTouched: boolean } | undefined;
  for (const prefix of setPrefixes)
    for await (const { key } of store.list(prefix)) {
      if (!key.endsWith('.arrow')) continue;
      progress({ stage: 'reading sets', key });
      const folder = key.slice(0, key.lastIndexOf('/'));
      if (last?.folder !== folder) {
        const manifest = await readSoundJson(store, `${folder}/manifest.json`, setSchema, () => undefined);
        const version = manifest?.datasetVersion.episodes;
        // A set of which nobody knows what it was made from may hold anything.
        last = { folder, isTouched: version === undefined || (await isTouched(version)) };
      }
      if (last.isTouched) found.push(key);
    }
  return found;
}
const setPrefixes = ['training-sets/', 'heldout-sets/'] as const;

/** Asks of versions of the episodes whether they may have had rows of these files. */
export const touchedBy = (lake: Lake, lakeFiles: Found['lakeFiles']): ReturnType<Lake['touched']> =>
  lake.touched(
    'episodes',
    lakeFiles.filter(({ table }) => table === 'episodes').map(({ relativeKey }) => relativeKey),
  );

/** Where text is that may name episodes; models are signed, and hold none. */
const textPrefixes = [
  'collections/',
  'evaluations/',
  'exclusions/',
  'incidents/',
  'labels/',
  'monitor/',
  'quarantine/',
  'removed/',
  'releases/',
  'reports/',
  'trials/',
  'collection-trouble/',
  'submissions/',
  // Lists of holds that were lifted: of one that stands not a byte changes.
  'legal-holds/',
  'lake/',
];

export const isText = ({ key }: Pick<ObjectEntry, 'key'>): boolean => /\.(json|ndjson|html|txt|csv)$/.test(key);

/** Keys of the lists of episodes that standing holds are on. */
export async function listsOfHolds(store: ObjectStore): Promise<ReadonlySet<string>> {
  const holds = await readHolds(store);
  return new Set(holds.flatMap(({ scope }) => (scope.kind === 'episodes' ? episodeListKey(scope.digest) : [])));
}

/**
 * What people said and what is signed or chained stays as it is, though it may name an episode: the certificate lists it. Whatever else names one is a
 * leftover.
 */
const wordPrefixes = [
  'agents/',
  'audit/',
  'config/',
  'fleet/',
  'imports/',
  'registry/',
  'retention/',
  'retention-runs/',
  'robot-changes/',
  'robots/',
  'trust/',
  'windows/',
];
export const isWord = (key: string): boolean => wordPrefixes.some((prefix) => key.startsWith(prefix));

/** Rows of steps of the facts. */
export const isFactRows = (key: string): boolean => /^facts\/.*\.ndjson$/.test(key);

export async function findTexts({ store, progress }: Ports, erased: ErasedRows): Promise<string[]> {
  const { hashes } = erased;
  const found: string[] = [];
  const held = await listsOfHolds(store);
  for (const prefix of textPrefixes)
    for await (const entry of store.list(prefix)) {
      if (!isText(entry) || held.has(entry.key)) continue;
      progress({ stage: 'reading documents', key: entry.key });
      const text = await textOf(store, entry.key);
      if (withoutErasedWords(text, hashes) !== text) found.push(entry.key);
    }
  for await (const { key } of store.list('facts/')) {
    if (!isFactRows(key)) continue;
    const text = await textOf(store, key);
    if (withoutErasedFacts(text, erased) !== text) found.push(key);
  }
  return found;
}
