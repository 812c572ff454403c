import { lakeTables, type DatasetVersion, type LakeTable } from '../../datasets/dataset-version.ts';
import { isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { LakeTableLog } from './table.ts';

export interface VacuumOptions {
  /** What left the table later than this stays: a reader may be at it. Milliseconds since 1970 UTC. */
  readonly beforeMs: number;
  readonly dryRun: boolean;
  /** Told of every file before it goes. */
  readonly onFile?: (key: string) => void;
}

export interface VacuumResult {
  readonly files: number;
  readonly bytes: number;
  /** Files that only versions that are pinned have. */
  readonly pinnedFiles: number;
}

/** What {@link Lake.vacuum} does; the newest version is read after the files are listed, so what is committed meanwhile stays. */
export async function vacuumTables(
  store: ObjectStore,
  tables: Readonly<Record<LakeTable, LakeTableLog>>,
  pinned: readonly DatasetVersion[],
  options: VacuumOptions,
): Promise<VacuumResult> {
  let total = { files: 0, bytes: 0, pinnedFiles: 0 };
  for (const table of lakeTables) {
    const one = await vacuumTable(store, tables[table], [...new Set(pinned.map((version) => version[table]))], options);
    total = {
      files: total.files + one.files,
      bytes: total.bytes + one.bytes,
      pinnedFiles: total.pinnedFiles + one.pinnedFiles,
    };
  }
  return total;
}

async function vacuumTable(
  store: ObjectStore,
  table: LakeTableLog,
  pinned: readonly number[],
  { beforeMs, dryRun, onFile }: VacuumOptions,
): Promise<VacuumResult> {
  const candidates: { key: string; relativeKey: string; sizeBytes: number }[] = [];
  for await (const { key, sizeBytes, modifiedMs } of store.list(`${table.root}/`)) {
    const relativeKey = key.slice(table.root.length + 1);
    if (relativeKey.startsWith('_') || modifiedMs >= beforeMs) continue;
    candidates.push({ key, relativeKey, sizeBytes });
  }
  const result = { files: 0, bytes: 0, pinnedFiles: 0 };
  if (candidates.length === 0) return result;
  const { files, tombstones } = await table.latest();
  const left = candidates.filter(
    ({ relativeKey }) =>
      !files.has(relativeKey) && !((tombstones.get(relativeKey)?.deletionTimestamp ?? 0) >= beforeMs),
  );
  if (left.length === 0) return result;
  const needed = new Set<string>();
  for (const version of pinned) for (const key of await filesAt(table, version)) needed.add(key);
  for (const { key, relativeKey, sizeBytes } of left) {
    if (needed.has(relativeKey)) {
      result.pinnedFiles += 1;
      continue;
    }
    onFile?.(key);
    if (!dryRun) await store.delete(key);
    result.files += 1;
    result.bytes += sizeBytes;
  }
  return result;
}

/** Files of a pinned version; none where its log is gone, as nothing could be read of it anyway. */
async function filesAt(table: LakeTableLog, version: number): Promise<Iterable<string>> {
  try {
    return (await table.at(version)).files.keys();
  } catch (error) {
    if (isFailure(error, 'NotFound')) return [];
    throw error;
  }
}
