import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { segmentColumns } from '../../datasets/columns.ts';
import { pageProblem } from '../../datasets/parquet-pages.ts';
import { footerMetadata } from '../../datasets/segment-footer.ts';
import { segmentSelect } from '../../datasets/segment-schema.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { SegmentFacts } from '../../datasets/validation/segment-facts.ts';
import { pageLimitsOf } from '../../datasets/validation/segment-rules.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import type { ObjectEntry } from '../../store/object-store.ts';
import { episodeHash, type ErasureRequest } from '../../store/records/erasures.ts';
import { mayBeTheSegments } from '../collection/judge-segments.ts';
import { probeSegment } from '../collection/probe-segment.ts';
import { nobody, quarantineRecordSchema } from '../collection/quarantine.ts';
import type { SqlRow } from '../ports/sql.ts';
import { hashFile, isErasedSql, isOthersSql, ownerOf } from './erased-rows.ts';
import type { FindPorts } from './find-lake.ts';
import type { Found } from './found.ts';

/** Where segments lie as robots made them; the robot's id is the folder, but in quarantine. */
const folders = ['landing/', 'quarantine/', 'removed/'] as const;

export interface FoundSegments {
  readonly segments: Found['segments'];
  readonly unreadable: Found['unreadable'];
  readonly unwritable: NonNullable<Found['unwritable']>;
  readonly hashes: readonly string[];
}

/** More than any robot type has: of which one a segment is, nobody looks up. */
const numbersPerFrame = 4_096;

/** Segments with rows that the request names. Of a robot its whole folder, as far as it was received before the request. */
export async function findSegments(
  ports: FindPorts,
  request: ErasureRequest,
  known: ReadonlySet<string>,
): Promise<FoundSegments> {
  const path = await hashFile(ports.directory, 'segments', known);
  const [segments, unreadable, hashes]: [Found['segments'], string[], Set<string>] = [[], [], new Set()];
  const unwritable: string[] = [];
  for (const folder of folders)
    for await (const entry of ports.store.list(folder)) {
      if (!entry.key.endsWith('.parquet')) continue;
      ports.progress({ stage: 'reading segments', key: entry.key });
      const isOld = await isOwnUpload(ports, folder, entry, request);
      const read = await readSegment(ports, entry, request, path);
      for (const hash of read?.hashes ?? []) hashes.add(hash);
      const isWhole = isOld || read?.erased === read?.rows;
      if (isOld || (read !== undefined && read.erased > 0)) {
        if (isWhole || (await canKeepTheRest(ports, entry, request, path)))
          segments.push({ key: entry.key, rows: read?.erased ?? 0, isWhole });
        else unwritable.push(entry.key);
      } else if (read === undefined) unreadable.push(entry.key);
    }
  return { segments, unreadable: [...unreadable, ...unwritable], unwritable, hashes: [...hashes] };
}

/** Whether the robot of the request sent it before the request. In quarantine its record says who sent it. */
async function isOwnUpload(
  { store }: FindPorts,
  folder: (typeof folders)[number],
  { key, modifiedMs }: ObjectEntry,
  { target, recordedBeforeMs }: ErasureRequest,
): Promise<boolean> {
  if (target.kind !== 'robot') return false;
  if (folder !== 'quarantine/') return key.startsWith(`${folder}${target.robotId}/`) && modifiedMs < recordedBeforeMs;
  const recordKey = key.replace(/\.parquet$/, '.json');
  const record = await readSoundJson(store, recordKey, quarantineRecordSchema, () => undefined);
  return record?.robotId === target.robotId && record.receivedMs < recordedBeforeMs;
}

/** Writes the other rows of a segment once on trial: of one whose rows cannot be written nothing may go, as other episodes are in it. */
async function canKeepTheRest(
  ports: FindPorts,
  entry: ObjectEntry,
  request: ErasureRequest,
  hashPath: string,
): Promise<boolean> {
  const source = await soundSource(ports.store, entry);
  if (source === 'gone' || source === undefined) return source === 'gone';
  const filePath = join(ports.directory, `trial-${randomUUID()}.parquet`);
  try {
    await ports.session.run(restSql(source, request, hashPath, filePath));
    return true;
  } catch (error) {
    if (mayBeTheSegments(error)) return false;
    throw error;
  } finally {
    await rm(filePath, { force: true });
  }
}

/** Writes the rows of a segment that stay as a segment of their own. */
export const restSql = (
  { sql, facts }: SoundSource,
  request: ErasureRequest,
  hashPath: string,
  filePath: string,
): string =>
  `COPY (SELECT * EXCLUDE (file_row_number) FROM ${sql} ` +
  `WHERE NOT ${erasedInSegment(request, hashPath, facts)} ORDER BY file_row_number) ` +
  `TO ${sqlText(filePath)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {${footerPairs(facts)}})`;

const footerPairs = ({ footer }: SegmentFacts): string =>
  Object.entries(
    footerMetadata({
      robotId: nobody,
      robotType: '',
      robotTypeDigest: '',
      agentVersion: '',
      clockSkewMs: 0,
      ...footer,
    }),
  )
    .map((pair) => pair.map(sqlText).join(': '))
    .join(', ');

export interface SoundSource {
  readonly sql: string;
  readonly facts: SegmentFacts;
}

/** Of these digests those that a segment has under another robot or site. */
export async function segmentHashesOfOthers(
  ports: FindPorts,
  request: ErasureRequest,
  claimed: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (claimed.size === 0 || ownerOf(request) === undefined) return [];
  const path = await hashFile(ports.directory, 'claimed-in-segments', claimed);
  const found = new Set<string>();
  for (const folder of folders)
    for await (const entry of ports.store.list(folder)) {
      if (!entry.key.endsWith('.parquet')) continue;
      ports.progress({ stage: 'asking whose episodes are', key: entry.key });
      const source = await soundSource(ports.store, entry);
      if (source === undefined || source === 'gone') continue;
      const sql = `SELECT DISTINCT episode_id FROM ${source.sql} WHERE ${isOthersSql(request, path)}`;
      for (const { episode_id: id } of (await rowsIfReadable(ports, sql)) ?? []) found.add(episodeHash(id as string));
    }
  return [...found];
}

/** The rows of a segment as SQL. Undefined: it cannot be read. */
export async function soundSource(
  store: FindPorts['store'],
  entry: ObjectEntry,
): Promise<SoundSource | 'gone' | undefined> {
  const facts = await probeSegment(store, entry);
  const path = await store.localPath(entry.key);
  if (facts === undefined || path === undefined) return 'gone';
  return isSound(facts, path) ? { sql: segmentSource(path, facts), facts } : undefined;
}

/** Undefined where the bytes of a segment cannot be read; whatever else fails is thrown. */
export async function rowsIfReadable({ session }: FindPorts, sql: string): Promise<readonly SqlRow[] | undefined> {
  try {
    return await session.rows(sql);
  } catch (error) {
    if (mayBeTheSegments(error)) return undefined;
    throw error;
  }
}

/** Undefined: it cannot be read. */
async function readSegment(
  ports: FindPorts,
  entry: ObjectEntry,
  request: ErasureRequest,
  hashPath: string,
): Promise<{ readonly rows: number; readonly erased: number; readonly hashes: readonly string[] } | undefined> {
  const source = await soundSource(ports.store, entry);
  if (source === undefined) return undefined;
  if (source === 'gone') return { rows: 0, erased: 0, hashes: [] };
  const isErased = erasedInSegment(request, hashPath, source.facts);
  const rows = await rowsIfReadable(
    ports,
    `SELECT episode_id, count(*)::INTEGER AS rows, (count(*) FILTER (${isErased}))::INTEGER AS erased FROM ${source.sql} GROUP BY episode_id`,
  );
  if (rows === undefined) return undefined;
  const sum = (of: 'rows' | 'erased'): number => rows.reduce((total, row) => total + Number(row[of]), 0);
  const ids = rows.flatMap((row) => (Number(row['erased']) > 0 ? row['episode_id'] : []));
  return {
    rows: sum('rows'),
    erased: sum('erased'),
    hashes: ids.filter((id) => typeof id === 'string').map(episodeHash),
  };
}

/** Whether its rows may be read here: its footer is in order, and its pages announce no more than can be held. */
const isSound = (facts: SegmentFacts, path: string): boolean =>
  facts.form === 'parquet' &&
  facts.columnProblems.length === 0 &&
  pageProblem(path, pageLimitsOf(numbersPerFrame, facts.rows)) === undefined;

/** The rows of a segment with every column of the schema, and `file_row_number`. */
const segmentSource = (path: string, { absentColumns }: SegmentFacts): string =>
  `(SELECT file_row_number, ${segmentSelect(segmentColumns, new Set(absentColumns))} ` +
  `FROM read_parquet(${sqlText(path)}, file_row_number = true, hive_partitioning = false))`;

/** An episode without a start may be as old as what was erased. */
export const erasedInSegment = (request: ErasureRequest, hashPath: string, { footer }: SegmentFacts): string =>
  `coalesce(${isErasedSql(request, hashPath, `(coalesce(started_at, 0)::DOUBLE - ${Math.round((footer.clockSkewMs ?? 0) * 1_000)})`)}, false)`;
