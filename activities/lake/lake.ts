import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { holdsTransaction } from '../../datasets/delta/commit.ts';
import type { Snapshot } from '../../datasets/delta/snapshot.ts';
import { lakeTables, type DatasetVersion, type FactTable, type LakeTable } from '../../datasets/dataset-version.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { rewriteFiles, storedFiles, type RewriteResult, type Rewriting, type StoredFile } from './rewrite.ts';
import { commitFiles, dayOf, erasuresIn, scanFiles, type CommittedFiles, type LakeTransaction } from './table-files.ts';
import { openTable, type LakeTableLog } from './table.ts';
import { touchedVersions } from './touched.ts';
import { vacuumTables, type VacuumOptions, type VacuumResult } from './vacuum.ts';
import { writeFiles, type StagedFile } from './write-files.ts';

export interface ScanOptions {
  /** Only rows of these days (`yyyy-mm-dd`). */
  readonly recordedOn?: readonly string[];
  /** Only files that are not part of the table at this other version. */
  readonly absentFrom?: number;
  /** Only files that are part of the table at this other version too. */
  readonly presentIn?: number;
}

export type { LakeTransaction } from './table-files.ts';

export type AppendResult = CommittedFiles;

/** Rows of a table in local files, on their way into it. */
export interface StagedRows {
  readonly directory: string;
  readonly files: readonly StagedFile[];
  /** Erasures that were known to whoever made the rows. */
  readonly erasures: string;
}

/** The two tables of the lake, as Delta Lake tables in the object store that any Delta engine can read and write too. */
export interface Lake {
  /** Newest versions. Makes the tables when they are missing; frames are at least as new as the episodes need. */
  currentVersion(): Promise<DatasetVersion>;
  /** A table expression for FROM that reads exactly the files of that version, in the types of `sqlTypes`. */
  scan(table: LakeTable, version: number, options?: ScanOptions): Promise<string>;
  /** Days that have files at that version, ascending. */
  days(table: LakeTable, version: number): Promise<readonly string[]>;
  /** The same with the size of their files. */
  daySizes(table: LakeTable, version: number): Promise<readonly DaySize[]>;
  /**
   * Deletes data files that neither the newest version nor one of `pinned` has, and that left the table, or were put beside it,
   * before `beforeMs`. Idempotent. In a dry run it only counts.
   */
  vacuum(pinned: readonly DatasetVersion[], options: VacuumOptions): Promise<VacuumResult>;
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
   * cannot be written, before anything was promised. Undefined when the transaction has been committed already. `erasures`: what
   * {@link Lake.erasures} gave before the rows were made; default: those of now.
   */
  stage(
    session: SqlSession,
    table: LakeTable,
    relationSql: string,
    transaction: LakeTransaction,
    erasures?: string,
  ): Promise<StagedRows | undefined>;
  /** The erasures that are marked in the table, as one text. Whoever makes rows reads it before the tombstones: one that comes later is a `Conflict`. */
  erasures(table: LakeTable): Promise<string>;
  /** The second half: commits what was staged, once, and takes the local files away. */
  commitStaged(
    table: LakeTable,
    staged: StagedRows | undefined,
    transaction: LakeTransaction,
    operation: string,
  ): Promise<AppendResult>;
  /**
   * Makes the files of the table anew, as `rewriteFiles` says: without the rows that `dropSql` names, or merged. Gives the files that
   * left the table, which stay where they are. Files that are no longer in the table are passed over; `Conflict` when another writer takes one meanwhile.
   */
  rewrite(
    session: SqlSession,
    table: LakeTable | FactTable,
    files: readonly string[],
    rewriting: Rewriting,
  ): Promise<RewriteResult>;
  /** Every data file of a table that lies in the store, those of no version too, with whether the newest version has it. */
  storedFiles(table: LakeTable | FactTable): Promise<readonly StoredFile[]>;
  /**
   * Asks of a version whether the table may have had rows of these files (relative keys): it had one of them, or one that is no longer
   * stored, whose rows were put into other files or went; nobody can tell either where the log is gone.
   */
  touched(table: LakeTable, files: readonly string[]): Promise<(version: number) => Promise<boolean>>;
  /** Keys in the store of files that a dataset version has and the store has not. `NotFound` where the log no longer tells. */
  missingFiles(version: DatasetVersion): Promise<readonly string[]>;
  /** Commits the transaction alone: what was staged before does not follow it, where its appId begins with `erase/`. Makes no table of facts. */
  mark(table: LakeTable | FactTable, transaction: LakeTransaction, operation: string): Promise<void>;
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

export interface DaySize {
  readonly day: string;
  readonly files: number;
  readonly bytes: number;
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
  const all = { ...tables, outcomes: openTable(own, 'outcomes'), fleet_days: openTable(own, 'fleet_days') };
  const stage: Lake['stage'] = async (session, table, relationSql, transaction, erasures) => {
    const base = await tables[table].latest();
    if (holdsTransaction(base, transaction)) return undefined;
    const fileId = own.newFileId();
    const directory = join(ports.stagingDirectory, fileId);
    try {
      const files = await writeFiles(session, tables[table].columns, relationSql, { directory, fileId });
      return { directory, files, erasures: erasures ?? erasuresIn(base) };
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  };
  const commitStaged: Lake['commitStaged'] = async (table, staged, transaction, operation) => {
    const base = await tables[table].latest();
    try {
      if (staged === undefined || holdsTransaction(base, transaction)) return nothingNew(base);
      const { files, erasures } = staged;
      return await commitFiles(own, tables[table], base, { files, removes: [], transaction, operation, erasures });
    } finally {
      await discardStaged(staged);
    }
  };
  return {
    ...lakeReading(ports.store, tables),
    stage,
    commitStaged,
    discardStaged,
    append: async (session, table, relationSql, transaction, operation) => {
      const staged = await stage(session, table, relationSql, transaction);
      return commitStaged(table, staged, transaction, operation);
    },
    storedFiles: (table) => storedFiles(ports.store, all[table]),
    rewrite: (session, table, files, rewriting) => rewriteFiles(own, all[table], session, files, rewriting),
    mark: async (table, transaction, operation) => {
      const base = table in tables ? await all[table].latest() : await all[table].existing();
      if (base !== undefined) await all[table].commit(base, { adds: [], removes: [], transaction, operation });
    },
    remove: (table, recordedOn, transaction, operation) =>
      removeDays(tables[table], recordedOn, transaction, operation),
  };
}

type LakeTables = Readonly<Record<LakeTable, LakeTableLog>>;

/** What only reads, and the vacuum, which changes no version. */
const lakeReading = (store: ObjectStore, tables: LakeTables) =>
  ({
    currentVersion: () => currentVersion(tables),
    scan: (table, version, options = {}) => scanTable(store, tables[table], version, options),
    days: async (table, version) => {
      const { files } = await tables[table].at(version);
      return [...new Set([...files.values()].map(dayOf))].toSorted();
    },
    daySizes: async (table, version) => daySizes((await tables[table].at(version)).files),
    vacuum: (pinned, options) => vacuumTables(store, tables, pinned, options),
    erasures: async (table) => erasuresIn(await tables[table].latest()),
    touched: (table, files) => touchedVersions(store, tables[table], files),
    missingFiles: async (version) => {
      const missing: string[] = [];
      for (const table of lakeTables) {
        const { root } = tables[table];
        const stored = new Set((await storedFiles(store, tables[table])).map(({ key }) => key));
        for (const key of (await tables[table].at(version[table])).files.keys())
          if (!stored.has(`${root}/${key}`)) missing.push(`${root}/${key}`);
      }
      return missing;
    },
    transactionVersion: async (table, appId) => (await tables[table].latest()).transactions.get(appId),
    unpairedTransactions: async () => {
      const [episodes, frames] = [await tables.episodes.latest(), await tables.frames.latest()];
      return [...frames.transactions]
        .filter(([appId, version]) => (episodes.transactions.get(appId) ?? -1) < version)
        .map(([appId]) => appId);
    },
  }) satisfies Partial<Lake>;

/** A pair in which every episode has its frames: read again where episodes changed meanwhile, as they leave the lake before their frames. */
async function currentVersion(tables: Readonly<Record<LakeTable, LakeTableLog>>): Promise<DatasetVersion> {
  for (let episodes = (await tables.episodes.latest()).version; ;) {
    const frames = (await tables.frames.latest()).version;
    const again = (await tables.episodes.latest()).version;
    if (again === episodes) return { episodes, frames };
    episodes = again;
  }
}

function daySizes(files: Snapshot['files']): readonly DaySize[] {
  const days = new Map<string, DaySize>();
  for (const file of files.values()) {
    const day = dayOf(file);
    const known = days.get(day) ?? { day, files: 0, bytes: 0 };
    days.set(day, { day, files: known.files + 1, bytes: known.bytes + file.size });
  }
  return [...days.values()].toSorted((a, b) => (a.day < b.day ? -1 : 1));
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

/** A table expression over the files of a version of one table. */
export async function scanTable(
  store: ObjectStore,
  table: LakeTableLog,
  version: number,
  options: ScanOptions,
): Promise<string> {
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
