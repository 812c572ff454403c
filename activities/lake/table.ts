import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetaData } from '../../datasets/delta/actions.ts';
import { serialiseActions } from '../../datasets/delta/actions.ts';
import { checkpointStatement, publishCheckpoint, readLastCheckpoint } from '../../datasets/delta/checkpoint.ts';
import { commitChange, createTable, type Change, type CommitResult } from '../../datasets/delta/commit.ts';
import { readLatest, readVersion, type WithSql } from '../../datasets/delta/read-log.ts';
import { snapshotActions, type Snapshot } from '../../datasets/delta/snapshot.ts';
import { missingColumns, schemaStringOf } from '../../datasets/delta/table-schema.ts';
import { lakeEpisodeColumns, lakeFrameColumns, type Column } from '../../datasets/columns.ts';
import { factColumns } from '../../datasets/fact-columns.ts';
import { lakeTableRoot, type FactTable, type LakeTable } from '../../datasets/dataset-version.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { withDeltaFailures } from './delta-failures.ts';

export interface LakePorts {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly clock: Clock;
  /** Local folder for files on their way into the store; a run leaves nothing behind. */
  readonly stagingDirectory: string;
  /** Unique names of files; random UUIDs unless told otherwise. */
  readonly newFileId: () => string;
}

/** A checkpoint is written once this many commits have piled up since the last one. */
export const commitsPerCheckpoint = 100;
/** States of older versions kept in memory, newest use last. */
const maxKeptVersions = 8;
/** Removed files stay in checkpoints as long as the table keeps them, so that a vacuum of any engine finds them. */
const tombstoneDays = 365;

export const tableColumns: Readonly<Record<LakeTable | FactTable, readonly Column[]>> = {
  episodes: lakeEpisodeColumns,
  frames: lakeFrameColumns,
  ...factColumns,
};

/**
 * The log is kept: no engine may clean it up or delete removed files early, because trained policies pin old versions.
 * https://docs.delta.io/latest/table-properties.html
 */
const configuration = {
  'delta.logRetentionDuration': 'interval 3650 days',
  'delta.deletedFileRetentionDuration': 'interval 365 days',
  'delta.enableExpiredLogCleanup': 'false',
};

/** One table of the lake: its newest known state, older states, commits and checkpoints. */
export interface LakeTableLog {
  readonly root: string;
  readonly columns: readonly Column[];
  /** The newest state; makes the table when it is missing. */
  latest(): Promise<Snapshot>;
  /** The newest state; undefined where there is no such table. */
  existing(): Promise<Snapshot | undefined>;
  at(version: number): Promise<Snapshot>;
  commit(base: Snapshot, change: Change): Promise<CommitResult>;
}

export function openTable(ports: LakePorts, table: LakeTable | FactTable): LakeTableLog {
  const root = lakeTableRoot(table);
  const columns = tableColumns[table];
  const kept = new Map<number, Snapshot>();
  let newest: Snapshot | undefined;
  const withSql = sqlWhenNeeded(ports.engine);

  const keep = (snapshot: Snapshot): Snapshot => {
    kept.delete(snapshot.version);
    kept.set(snapshot.version, snapshot);
    for (const version of kept.keys()) if (kept.size > maxKeptVersions) kept.delete(version);
    return snapshot;
  };
  const advance = (snapshot: Snapshot): Snapshot => {
    if (newest === undefined || snapshot.version >= newest.version) newest = snapshot;
    return keep(snapshot);
  };
  const existing = async (): Promise<Snapshot | undefined> => {
    const found = await readLatest(ports.store, withSql, root, newest);
    if (found === undefined) return undefined;
    missingColumns(found.metaData.schemaString, columns, root);
    return advance(found);
  };
  const latest = async (): Promise<Snapshot> => {
    const found = await existing();
    if (found !== undefined) return found;
    await createTable(ports.store, root, newMetaData(ports, columns), ports.clock());
    const made = await existing();
    if (made === undefined) throw new Error(`expected table ${root} to exist after it was made`);
    return made;
  };

  return {
    root,
    columns,
    latest: () => withDeltaFailures(latest),
    existing: () => withDeltaFailures(existing),
    at: (version) =>
      withDeltaFailures(async () => {
        const known = kept.get(version);
        return keep(known ?? (await readVersion(ports.store, withSql, root, version)));
      }),
    commit: (base, change) =>
      withDeltaFailures(async () => {
        const readNext = async (known: Snapshot) => (await readLatest(ports.store, withSql, root, known)) ?? known;
        const result = await commitChange(ports.store, base, readNext, change, ports.clock());
        if (result.outcome === 'committed') advance(await checkpointIfDue(ports, result.snapshot));
        return result;
      }),
  };
}

const newMetaData = (ports: LakePorts, columns: readonly Column[]): MetaData => ({
  id: ports.newFileId(),
  format: { provider: 'parquet', options: {} },
  schemaString: schemaStringOf(columns),
  partitionColumns: ['recorded_on'],
  configuration,
  createdTime: ports.clock(),
});

const sqlWhenNeeded =
  (engine: SqlEngine): WithSql =>
  async (work) => {
    const session = await engine.open({ threads: 1 });
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  };

/**
 * Writes a checkpoint when enough commits have piled up. Whoever commits next does it if this writer dies; its failing
 * never undoes the commit, which stands already, so the error is dropped and the next commit tries again.
 */
async function checkpointIfDue(ports: LakePorts, snapshot: Snapshot): Promise<Snapshot> {
  const { version, root, checkpointVersion } = snapshot;
  if (version - (checkpointVersion ?? 0) < commitsPerCheckpoint) return snapshot;
  const directory = join(ports.stagingDirectory, `checkpoint-${ports.newFileId()}`);
  try {
    const others = await readLastCheckpoint(ports.store, root);
    if (others !== undefined && version - others.version < commitsPerCheckpoint) {
      return { ...snapshot, checkpointVersion: others.version };
    }
    await mkdir(directory, { recursive: true });
    const actions = snapshotActions(snapshot, ports.clock() - tombstoneDays * 86_400_000);
    const actionsPath = join(directory, 'actions.json');
    const filePath = join(directory, 'checkpoint.parquet');
    await writeFile(actionsPath, serialiseActions(actions));
    await sqlWhenNeeded(ports.engine)((sql) => sql.run(checkpointStatement(actionsPath, filePath)));
    await publishCheckpoint(ports.store, root, { version, actions: actions.length, filePath });
    return { ...snapshot, checkpointVersion: version };
  } catch {
    return snapshot;
  } finally {
    await rm(directory, { recursive: true, force: true }).catch(() => {});
  }
}
