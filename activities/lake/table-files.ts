import type { AddFile } from '../../datasets/delta/actions.ts';
import { logPathOf } from '../../datasets/delta/data-paths.ts';
import type { Snapshot } from '../../datasets/delta/snapshot.ts';
import { extendedSchemaString, missingColumns } from '../../datasets/delta/table-schema.ts';
import type { Clock } from '../../store/clock.ts';
import { failure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { whyFileGone } from './rewrite.ts';
import { scanSql } from './scan-sql.ts';
import type { LakeTableLog } from './table.ts';
import type { StagedFile } from './write-files.ts';

/** Makes a change of the lake happen once: at or below the last committed version of its appId it is skipped. */
export interface LakeTransaction {
  readonly appId: string;
  readonly version: number;
}

/** Files moved between the store and this machine at once. */
const transfersAtOnce = 8;

/** Names of the erasures that the table knows; see `Lake.mark`. */
export const erasuresIn = ({ transactions }: Snapshot): string =>
  [...transactions.keys()]
    .filter((appId) => appId.startsWith('erase/'))
    .toSorted()
    .join();

/** The day of a file by the log; every row of the lake has one. */
export function dayOf(file: AddFile): string {
  const day = file.partitionValues['recorded_on'];
  if (typeof day === 'string' && day !== '') return day;
  throw failure('CorruptData', 'expected a recorded_on of every file of the lake, got none', {
    coordinates: { file: file.path },
  });
}

/** A table expression over these files of a version of the table. */
export async function scanFiles(
  store: ObjectStore,
  table: LakeTableLog,
  version: number,
  files: readonly (readonly [key: string, file: AddFile])[],
): Promise<string> {
  const local = await inParallel(files, transfersAtOnce, async ([relativeKey, file]) => {
    const key = `${table.root}/${relativeKey}`;
    const path = await store.localPath(key);
    if (path !== undefined) return { path, recordedOn: dayOf(file) };
    throw await whyFileGone(store, key, version);
  });
  return scanSql(table.columns, local);
}

export interface FileChange {
  readonly files: readonly StagedFile[];
  /** Relative keys of files that go with the same commit. */
  readonly removes: readonly string[];
  readonly transaction: LakeTransaction;
  readonly operation: string;
  /** Erasures that were known to whoever made the rows; another one since makes it a `Conflict`. */
  readonly erasures?: string;
}

export interface CommittedFiles {
  readonly version: number;
  readonly outcome: 'committed' | 'alreadyCommitted';
  /** What this call wrote; 0 when it had been committed before. */
  readonly rows: number;
  readonly files: number;
}

/**
 * Files first, then the commit that makes them part of the table. Files of a change that was there already are taken
 * back; after an error they stay, because the commit may have happened all the same (a vacuum finds them if not).
 */
export async function commitFiles(
  ports: { readonly store: ObjectStore; readonly clock: Clock },
  table: LakeTableLog,
  base: Snapshot,
  { files: staged, removes, transaction, operation, erasures }: FileChange,
): Promise<CommittedFiles> {
  const keyOf = (file: StagedFile): string => `${table.root}/${file.relativeKey}`;
  await inParallel(staged, transfersAtOnce, (file) => ports.store.put(keyOf(file), { filePath: file.filePath }));
  const added = missingColumns(base.metaData.schemaString, table.columns, table.root);
  const schemaString = extendedSchemaString(base.metaData.schemaString, added, table.root);
  const { version, outcome } = await table.commit(base, {
    adds: staged.map((file) => ({
      path: logPathOf(file.relativeKey),
      partitionValues: { recorded_on: file.recordedOn },
      size: file.sizeBytes,
      modificationTime: ports.clock(),
      dataChange: true,
      stats: file.stats,
    })),
    removes,
    ...(added.length === 0 ? {} : { metaData: { ...base.metaData, schemaString } }),
    transaction,
    operation,
    whyNot: (newer) =>
      erasures === undefined || erasuresIn(newer) === erasures
        ? undefined
        : 'expected no erasure since the rows were made, got one: make them again without what it takes',
  });
  if (outcome === 'alreadyCommitted') {
    await inParallel(staged, transfersAtOnce, (file) => ports.store.delete(keyOf(file)));
    return { version, outcome, rows: 0, files: 0 };
  }
  const rows = staged.reduce((sum, file) => sum + file.rowCount, 0);
  return { version, outcome, rows, files: staged.length };
}
