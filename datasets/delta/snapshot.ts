import type { Action, AddFile, MetaData, Protocol, RemoveFile } from './actions.ts';
import { relativeKeyOf } from './data-paths.ts';
import { DeltaLogError } from './delta-log-error.ts';
import { assertReadable } from './protocol.ts';

/** The state of a table at one version. Maps are keyed by the file's key relative to the table's root. */
export interface Snapshot {
  readonly root: string;
  readonly version: number;
  readonly protocol: Protocol;
  readonly metaData: MetaData;
  readonly files: ReadonlyMap<string, AddFile>;
  /** Files that were removed and may still be in the store. */
  readonly tombstones: ReadonlyMap<string, RemoveFile>;
  /** Last version each application has committed. */
  readonly transactions: ReadonlyMap<string, number>;
  /** Version of the checkpoint the state was read from; undefined when it was read from commits alone. */
  readonly checkpointVersion: number | undefined;
}

export interface Commit {
  readonly version: number;
  readonly actions: readonly Action[];
}

/**
 * The state after `commits`, which must follow `base` without a gap (or begin at 0 or a checkpoint when there is no
 * base). Within a commit removes count before adds. Linear in the files of base and commits. Throws `corrupt` at a gap
 * or a missing schema, `unsupported` when the protocol asks for what is not known.
 */
export function replay(
  root: string,
  base: Snapshot | undefined,
  commits: readonly Commit[],
  checkpointVersion: number | undefined = base?.checkpointVersion,
): Snapshot {
  const files = new Map(base?.files);
  const tombstones = new Map(base?.tombstones);
  const transactions = new Map(base?.transactions);
  let { protocol, metaData, version } = base ?? { version: (commits[0]?.version ?? 0) - 1 };
  for (const commit of commits) {
    if (commit.version !== version + 1) {
      throw new DeltaLogError('corrupt', `expected commit ${version + 1}, got ${commit.version}: the log has a gap`, {
        table: root,
      });
    }
    version = commit.version;
    for (const action of commit.actions) {
      if ('protocol' in action) protocol = action.protocol;
      else if ('metaData' in action) metaData = action.metaData;
      else if ('txn' in action) transactions.set(action.txn.appId, action.txn.version);
      else if ('remove' in action) {
        const key = keyInTable(root, action.remove.path, version);
        files.delete(key);
        tombstones.set(key, action.remove);
      }
    }
    for (const action of commit.actions) {
      if (!('add' in action)) continue;
      const key = keyInTable(root, action.add.path, version);
      files.set(key, action.add);
      tombstones.delete(key);
    }
    if (protocol !== undefined) assertReadable(protocol, root);
  }
  if (protocol === undefined || metaData === undefined) {
    throw new DeltaLogError('corrupt', 'expected a protocol and a schema in the Delta log, got none', { table: root });
  }
  return { root, version, protocol, metaData, files, tombstones, transactions, checkpointVersion };
}

function keyInTable(root: string, path: string, version: number): string {
  const key = relativeKeyOf(path);
  if (key !== undefined) return key;
  throw new DeltaLogError('unsupported', `expected data files inside the table, got ${JSON.stringify(path)}`, {
    table: root,
    version,
  });
}

/** Everything that makes up the state, as a checkpoint holds it. Tombstones older than `tombstonesSinceMs` are left out. */
export const snapshotActions = (snapshot: Snapshot, tombstonesSinceMs: number): readonly Action[] => [
  { protocol: snapshot.protocol },
  { metaData: snapshot.metaData },
  ...[...snapshot.transactions].map(([appId, version]) => ({ txn: { appId, version } })),
  ...[...snapshot.tombstones.values()]
    .filter((remove) => (remove.deletionTimestamp ?? 0) >= tombstonesSinceMs)
    .map((remove) => ({ remove })),
  ...[...snapshot.files.values()].map((add) => ({ add })),
];
