import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { AddFile } from '../../datasets/delta/actions.ts';
import { logPathOf } from '../../datasets/delta/data-paths.ts';
import { failure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { erasureOfFile } from '../../store/records/erasures.ts';
import type { SqlSession } from '../ports/sql.ts';
import { scanSql } from './scan-sql.ts';
import type { LakePorts, LakeTableLog } from './table.ts';
import { writeFiles } from './write-files.ts';

export interface Rewriting {
  /** SQL over the table's columns: rows that are left out; default: none. */
  readonly dropSql?: string;
  readonly operation: string;
  /** Looks at the files before and after, before anything is committed; its error stops the change. */
  readonly check?: (before: readonly string[], after: readonly string[]) => Promise<void>;
}

export interface RewriteResult {
  /** Keys in the store of files that left the table; whoever reads an older version still needs them. */
  readonly replaced: readonly string[];
  readonly written: number;
  readonly rows: number;
}

export interface StoredFile {
  /** Relative to the table's root, as the log has it. */
  readonly relativeKey: string;
  readonly key: string;
  readonly sizeBytes: number;
  /** Whether the newest version has it. */
  readonly isCurrent: boolean;
  /** By the log where it knows the file, else by its folder. */
  readonly recordedOn: string;
}

const filesAtOnce = 8;

/** What {@link Lake.storedFiles} gives. Listed before the log is read, so that a file that is put meanwhile is not taken for one of no version. */
export async function storedFiles(store: ObjectStore, table: LakeTableLog): Promise<readonly StoredFile[]> {
  const listed: { key: string; relativeKey: string; sizeBytes: number }[] = [];
  for await (const { key, sizeBytes } of store.list(`${table.root}/`)) {
    const relativeKey = key.slice(table.root.length + 1);
    if (!relativeKey.startsWith('_') && relativeKey.endsWith('.parquet')) listed.push({ key, relativeKey, sizeBytes });
  }
  if (listed.length === 0) return [];
  const { files } = await table.latest();
  return listed.map((file) => {
    const day = files.get(file.relativeKey)?.partitionValues['recorded_on'];
    return {
      ...file,
      isCurrent: files.has(file.relativeKey),
      recordedOn: day ?? /recorded_on=(\d{4}-\d{2}-\d{2})\//.exec(file.relativeKey)?.[1] ?? '1970-01-01',
    };
  });
}

/** What {@link Lake.rewrite} does, in one commit: readers see the files from before or those from after. */
export async function rewriteFiles(
  ports: LakePorts,
  table: LakeTableLog,
  session: SqlSession,
  files: readonly string[],
  { dropSql, operation, check }: Rewriting,
): Promise<RewriteResult> {
  const base = await table.latest();
  const removes = files.filter((key) => base.files.has(key));
  if (removes.length === 0) return { replaced: [], written: 0, rows: 0 };
  const local = await inParallel(removes, filesAtOnce, async (relativeKey) => {
    const key = `${table.root}/${relativeKey}`;
    const path = await ports.store.localPath(key);
    if (path === undefined) throw await whyFileGone(ports.store, key, base.version);
    return { path, recordedOn: String(base.files.get(relativeKey)?.partitionValues['recorded_on']) };
  });
  const fileId = ports.newFileId();
  const directory = join(ports.stagingDirectory, fileId);
  try {
    const left = dropSql === undefined ? '' : ` WHERE (${dropSql}) IS NOT TRUE`;
    const relation = `(SELECT * FROM ${scanSql(table.columns, local)}${left})`;
    const staged = await writeFiles(session, table.columns, relation, { directory, fileId });
    await check?.(
      local.map(({ path }) => path),
      staged.map(({ filePath }) => filePath),
    );
    await inParallel(staged, filesAtOnce, (file) =>
      ports.store.put(`${table.root}/${file.relativeKey}`, { filePath: file.filePath }),
    );
    const adds = staged.map((file): AddFile => ({
      path: logPathOf(file.relativeKey),
      partitionValues: { recorded_on: file.recordedOn },
      size: file.sizeBytes,
      modificationTime: ports.clock(),
      dataChange: dropSql !== undefined,
      stats: file.stats,
    }));
    await table.commit(base, { adds, removes, operation, dataChange: dropSql !== undefined });
    const rows = staged.reduce((sum, { rowCount }) => sum + rowCount, 0);
    return { replaced: removes.map((key) => `${table.root}/${key}`), written: staged.length, rows };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** In words: erased on request, or gone by retention or a vacuum. */
export async function whyFileGone(store: ObjectStore, key: string, version: number): Promise<Error> {
  const erasure = await erasureOfFile(store, key);
  const why =
    erasure === undefined
      ? 'retention or a vacuum deleted it, because nothing in use needed it'
      : `erased on request ${erasure.erasureId} of ${new Date(erasure.atMs).toISOString().slice(0, 10)}; the newest version has the remaining rows`;
  return failure('NotFound', `expected a data file of version ${version}, got none: ${why}`, { coordinates: { key } });
}
