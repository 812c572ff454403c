import { lakeTables, type FactTable, type LakeTable } from '../../datasets/dataset-version.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { failure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { episodeHash, type ErasureRequest } from '../../store/records/erasures.ts';
import type { Lake } from '../lake/lake.ts';
import { inScanOrder, scanSql, scanWithFilesSql } from '../lake/scan-sql.ts';
import { tableColumns } from '../lake/table.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlSession } from '../ports/sql.ts';
import { hashFile, hasHashSql, isErasedSql, isOthersSql, ownerOf } from './erased-rows.ts';
import type { Found } from './found.ts';

export interface FindPorts {
  readonly store: ObjectStore;
  readonly lake: Lake;
  readonly progress: Progress;
  readonly session: SqlSession;
  readonly directory: string;
}

/** Files that one statement reads. */
const filesAtOnce = 32;

/** Digests of the episodes in the lake that the request names, whatever version has them. */
export async function lakeHashes(
  ports: FindPorts,
  request: ErasureRequest,
  hashes: ReadonlySet<string>,
): Promise<readonly string[]> {
  const path = await hashFile(ports.directory, 'known', hashes);
  const found = new Set<string>();
  const isErased = isErasedSql(request, path, 'epoch_us(started_at)');
  for (const files of await slices(ports, 'episodes'))
    for (const { episode_id: id } of await ports.session.rows(
      `SELECT DISTINCT episode_id FROM ${scanSql(tableColumns.episodes, files)} WHERE ${isErased}`,
    ))
      found.add(episodeHash(id as string));
  return [...found];
}

/** Of these digests those that a row of the lake, of any stored version, has under another robot or site. */
export async function lakeHashesOfOthers(
  ports: FindPorts,
  request: ErasureRequest,
  hashes: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (hashes.size === 0 || ownerOf(request) === undefined) return [];
  const path = await hashFile(ports.directory, 'claimed', hashes);
  const found = new Set<string>();
  for (const files of await slices(ports, 'episodes'))
    for (const { episode_id: id } of await ports.session.rows(
      `SELECT DISTINCT episode_id FROM ${scanSql(tableColumns.episodes, files)} WHERE ${isOthersSql(request, path)}`,
    ))
      found.add(episodeHash(id as string));
  return [...found];
}

/**
 * SQL: whether a row of the table goes. Frames, which do not say whose they are, by the episode; of facts, which are made of telemetry, by robot and site too. The day
 * of the request goes in the first pass only: later ones would meet what is told of it since.
 */
export function erasedInTable(
  table: LakeTable | FactTable,
  request: ErasureRequest,
  hashPath: string,
  isFirst: boolean,
): string {
  if (table === 'episodes') return isErasedSql(request, hashPath, 'epoch_us(started_at)');
  if (table === 'outcomes') return isErasedSql(request, hashPath, 'coalesce(epoch_us(started_at), 0)');
  if (table !== 'fleet_days') return hasHashSql(hashPath);
  const { target, recordedBeforeMs } = request;
  const day = sqlText(new Date(recordedBeforeMs).toISOString().slice(0, 10));
  const named =
    target.kind === 'robot'
      ? `robot_id = ${sqlText(target.robotId)}`
      : target.kind === 'site'
        ? `site = ${sqlText(target.site)}`
        : 'false';
  return `(${named} AND recorded_on ${isFirst ? '<=' : '<'} DATE ${day})`;
}

/** Every data file with rows of these episodes. */
export async function lakeFilesWith(
  ports: FindPorts,
  request: ErasureRequest,
  hashes: ReadonlySet<string>,
  isFirst: boolean,
): Promise<Found['lakeFiles']> {
  const path = await hashFile(ports.directory, 'wanted', hashes);
  const found: Found['lakeFiles'] = [];
  for (const table of [...lakeTables, 'outcomes', 'fleet_days'] as const)
    for (const files of await slices(ports, table)) {
      const rowsByFile = new Map<unknown, number>();
      for (const { file_number: file, rows } of await ports.session.rows(
        `SELECT file_number, count(*)::INTEGER AS rows FROM ${scanWithFilesSql(tableColumns[table], files)}
          WHERE ${erasedInTable(table, request, path, isFirst)} GROUP BY file_number`,
      ))
        rowsByFile.set(file, Number(rows));
      for (const [number, { key, relativeKey }] of inScanOrder(files).entries()) {
        const rows = rowsByFile.get(number);
        if (rows !== undefined) found.push({ table, key, relativeKey, rows });
      }
    }
  return found;
}

async function slices({ store, lake, progress }: FindPorts, table: LakeTable | FactTable) {
  const stored = await lake.storedFiles(table);
  const local = await inParallel(stored, filesAtOnce, async (file) => {
    progress({ stage: 'reading the lake', table, file: file.relativeKey });
    const path = await store.localPath(file.key);
    if (path === undefined && file.isCurrent)
      throw failure('NotFound', 'expected a data file of the lake, got none', { coordinates: { key: file.key } });
    return path === undefined ? [] : [{ ...file, path }];
  });
  const files = local.flat();
  return Array.from({ length: Math.ceil(files.length / filesAtOnce) }, (_, index) =>
    files.slice(index * filesAtOnce, (index + 1) * filesAtOnce),
  );
}
