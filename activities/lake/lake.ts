import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { holdsTransaction } from '../../datasets/delta/commit.ts';
import type { Snapshot } from '../../datasets/delta/snapshot.ts';
import { lakeTables, type DatasetVersion, type LakeTable } from '../../datasets/dataset-version.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { openTable, type LakeTableLog } from './table.ts';
import { commitFiles, dayOf, scanFiles, type CommittedFiles, type LakeTransaction } from './table-files.ts';
import { writeFiles, type StagedFile } from './write-files.ts';

export type { LakeTransaction } from './table-files.ts';

export interface ScanOptions {
  /** Only rows of these days (`yyyy-mm-dd`). */
  readonly recordedOn?: readonly string[];
  /** Only files that are not part of the table at this other version. */
  readonly absentFrom?: number;
  /** Only files that are part of the table at this other version too. */
  readonly presentIn?: number;
}

export type AppendResult = CommittedFiles;

/** The two tables of the lake, as Delta Lake tables in the object store that any Delta engine can read and write too. */
export interface Lake {
  /** Newest versions. Makes the tables when they are missing; frames are at least as new as the episodes need. */
  currentVersion(): Promise<DatasetVersion>;
  /** A table expression for FROM that reads exactly the files of that version, in the types of `sqlTypes`. */
  scan(table: LakeTable, version: number, options?: ScanOptions): Promise<string>;
  /** Days that have files at that version, ascending. */
  days(table: LakeTable, version: number): Promise<readonly string[]>;
  /**
   * COPYes the relation (a table expression of the session with all columns of the table, in any order) into the table
   * and commits it once. Idempotent by transaction. A writer that dies leaves the table as it was.
   */
  append(
    session: SqlSession,
    table: LakeTable,
    relationSql: string,
    transaction: LakeTransaction,
    operation: string,
  ): Promise<AppendResult>;
  /**
   * The first half of `append`: COPYes the relation into local files, for a `commitStaged` later. Fails where the rows
   * cannot be written, before anything was promised. Undefined when the transaction has been committed already.
   */
  stage(
    session: SqlSession,
    table: LakeTable,
    relationSql: string,
    transaction: LakeTransaction,
  ): Promise<StagedRows | undefined>;
  /** The second half: commits what was staged, once, and takes the local files away. */
  commitStaged(
    table: LakeTable,
    staged: StagedRows | undefined,
    transaction: LakeTransaction,
    operation: string,
  ): Promise<AppendResult>;
  /** Takes away what was staged and will not be committed. */
  discardStaged(staged: StagedRows | undefined): Promise<void>;
  /** Takes all files of these days out of the table; idempotent by transaction; `Conflict` when another writer removed one first. */
  remove(
    table: LakeTable,
    recordedOn: readonly string[],
    transaction: LakeTransaction,
    operation: string,
  ): Promise<AppendResult>;
  /** Last version that `appId` has committed to the table; undefined when it has none. */
  transactionVersion(table: LakeTable, appId: string): Promise<number | undefined>;
  /** Who committed frames under a transaction that episodes never got: a collection between its two commits, or one that ended there. */
  unpairedTransactions(): Promise<readonly string[]>;
}

/** Rows of a table in local files, on their way into it. */
export interface StagedRows {
  readonly directory: string;
  readonly files: readonly StagedFile[];
}

const discardStaged: Lake['discardStaged'] = async (staged) => {
  if (staged !== undefined) await rm(staged.directory, { recursive: true, force: true });
};

export function openLake(ports: {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly stagingDirectory: string;
  readonly newFileId?: () => string;
}): Lake {
  const own = { ...ports, newFileId: ports.newFileId ?? randomUUID };
  const tables: Readonly<Record<LakeTable, LakeTableLog>> = {
    episodes: openTable(own, 'episodes'),
    frames: openTable(own, 'frames'),
  };
  const stage: Lake['stage'] = async (session, table, relationSql, transaction) => {
    const base = await tables[table].latest();
    if (holdsTransaction(base, transaction)) return undefined;
    const fileId = own.newFileId();
    const directory = join(ports.stagingDirectory, fileId);
    try {
      return {
        directory,
        files: await writeFiles(session, tables[table].columns, relationSql, { directory, fileId }),
      };
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  };
  const commitStaged: Lake['commitStaged'] = async (table, staged, transaction, operation) => {
    const base = await tables[table].latest();
    try {
      if (staged === undefined || holdsTransaction(base, transaction)) return nothingNew(base);
      return await commitFiles(own, tables[table], base, { files: staged.files, removes: [], transaction, operation });
    } finally {
      await discardStaged(staged);
    }
  };
  return {
    currentVersion: async () => {
      const versions = { episodes: 0, frames: 0 };
      for (const table of lakeTables) versions[table] = (await tables[table].latest()).version;
      return versions;
    },
    scan: (table, version, options = {}) => scan(ports.store, tables[table], version, options),
    days: async (table, version) => {
      const { files } = await tables[table].at(version);
      return [...new Set([...files.values()].map(dayOf))].toSorted();
    },
    stage,
    commitStaged,
    discardStaged,
    append: async (session, table, relationSql, transaction, operation) => {
      const staged = await stage(session, table, relationSql, transaction);
      return commitStaged(table, staged, transaction, operation);
    },
    remove: (table, recordedOn, transaction, operation) =>
      removeDays(tables[table], recordedOn, transaction, operation),
    transactionVersion: async (table, appId) => (await tables[table].latest()).transactions.get(appId),
    unpairedTransactions: async () => {
      const [episodes, frames] = [await tables.episodes.latest(), await tables.frames.latest()];
      return [...frames.transactions]
        .filter(([appId, version]) => (episodes.transactions.get(appId) ?? -1) < version)
        .map(([appId]) => appId);
    },
  };
}

async function removeDays(
  table: LakeTableLog,
  recordedOn: readonly string[],
  transaction: LakeTransaction,
  operation: string,
): Promise<AppendResult> {
  const base = await table.latest();
  if (holdsTransaction(base, transaction)) return nothingNew(base);
  const removes = [...base.files].filter(([, file]) => recordedOn.includes(dayOf(file))).map(([key]) => key);
  const { version, outcome } = await table.commit(base, { adds: [], removes, transaction, operation });
  return { version, outcome, rows: 0, files: outcome === 'committed' ? removes.length : 0 };
}

const nothingNew = (base: Snapshot): AppendResult => ({
  version: base.version,
  outcome: 'alreadyCommitted',
  rows: 0,
  files: 0,
});

async function scan(store: ObjectStore, table: LakeTableLog, version: number, options: ScanOptions): Promise<string> {
  const { files } = await table.at(version);
  const { recordedOn, absentFrom, presentIn } = options;
  const days = recordedOn && new Set(recordedOn);
  const absent = absentFrom === undefined ? undefined : (await table.at(absentFrom)).files;
  const present = presentIn === undefined ? undefined : (await table.at(presentIn)).files;
  const wanted = [...files].filter(
    ([key, file]) => (days?.has(dayOf(file)) ?? true) && absent?.has(key) !== true && present?.has(key) !== false,
  );
  return scanFiles(store, table, version, wanted);
}
