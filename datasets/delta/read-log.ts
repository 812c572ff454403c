import { parseCommit } from './actions.ts';
import { readCheckpoint, readLastCheckpoint, type CheckpointReference } from './checkpoint.ts';
import { DeltaLogError } from './delta-log-error.ts';
import { commitKey, logPrefix, parseLogKey } from './log-names.ts';
import type { DeltaLogSql, DeltaLogStore } from './log-store.ts';
import { replay, type Commit, type Snapshot } from './snapshot.ts';

/** How many commit files are read at once. */
const readsAtOnce = 16;

/** Opens an SQL session only when there is a checkpoint to read. */
export type WithSql = <T>(work: (sql: DeltaLogSql) => Promise<T>) => Promise<T>;

/**
 * The newest state of a table, or undefined when there is none. Reads the newest checkpoint and the commits after it, or
 * only the commits after `known` when the caller has an older state.
 */
export async function readLatest(
  store: DeltaLogStore,
  withSql: WithSql,
  root: string,
  known?: Snapshot,
): Promise<Snapshot | undefined> {
  if (known !== undefined) return withCommitsSince(store, root, known);
  const note = await readLastCheckpoint(store, root);
  const base = note && (await snapshotOfCheckpoint(store, withSql, root, note));
  if (base !== undefined) return withCommitsSince(store, root, base);
  return readFromListing(store, withSql, root, undefined);
}

/**
 * The state at `version`. Throws `missing` when the table has no such version, or the log it would take is no longer
 * there.
 */
export async function readVersion(
  store: DeltaLogStore,
  withSql: WithSql,
  root: string,
  version: number,
): Promise<Snapshot> {
  const snapshot = await readFromListing(store, withSql, root, version);
  if (snapshot?.version === version) return snapshot;
  const newest = snapshot === undefined ? 'no version at all' : `none after ${snapshot.version}`;
  throw new DeltaLogError('missing', `expected version ${version} of a Delta table, got ${newest}`, { table: root });
}

async function snapshotOfCheckpoint(
  store: DeltaLogStore,
  withSql: WithSql,
  root: string,
  checkpoint: CheckpointReference,
): Promise<Snapshot | undefined> {
  const actions = await withSql((sql) => readCheckpoint(store, sql, root, checkpoint));
  return actions && replay(root, undefined, [{ version: checkpoint.version, actions }], checkpoint.version);
}

async function withCommitsSince(store: DeltaLogStore, root: string, base: Snapshot): Promise<Snapshot> {
  const versions: number[] = [];
  for await (const { key } of store.list(logPrefix(root), { after: commitKey(root, base.version) })) {
    const file = parseLogKey(root, key);
    if (file?.kind === 'commit') versions.push(file.version);
  }
  return versions.length === 0 ? base : replay(root, base, await readCommits(store, root, versions));
}

/** Without a usable note, or for an older version: looks at the names of the whole log, then reads as little of it as it can. */
async function readFromListing(
  store: DeltaLogStore,
  withSql: WithSql,
  root: string,
  limit: number | undefined,
): Promise<Snapshot | undefined> {
  const commits: number[] = [];
  const partsOf = new Map<string, number>();
  const checkpoints: CheckpointReference[] = [];
  for await (const { key } of store.list(logPrefix(root))) {
    const file = parseLogKey(root, key);
    if (file === undefined || (limit !== undefined && file.version > limit)) continue;
    if (file.kind === 'commit') {
      commits.push(file.version);
      continue;
    }
    const found = (partsOf.get(`${file.version}/${file.parts}`) ?? 0) + 1;
    partsOf.set(`${file.version}/${file.parts}`, found);
    if (found === file.parts) checkpoints.push({ version: file.version, parts: file.parts });
  }
  const checkpoint = checkpoints.at(-1);
  const base = checkpoint && (await snapshotOfCheckpoint(store, withSql, root, checkpoint));
  const rest = commits.filter((version) => base === undefined || version > base.version);
  if (base === undefined && rest.length === 0) return undefined;
  if (base === undefined && rest[0] !== 0) {
    throw new DeltaLogError(
      'missing',
      `expected commit 0 or a checkpoint at or before ${limit ?? rest.at(-1)}, got commits from ${rest[0]} on: the log was cleaned up`,
      { table: root },
    );
  }
  return replay(root, base, await readCommits(store, root, rest), base?.checkpointVersion);
}

async function readCommits(
  store: DeltaLogStore,
  root: string,
  versions: readonly number[],
): Promise<readonly Commit[]> {
  const commits: Commit[] = [];
  for (let start = 0; start < versions.length; start += readsAtOnce) {
    const some = versions.slice(start, start + readsAtOnce);
    commits.push(...(await Promise.all(some.map((version) => readCommit(store, root, version)))));
  }
  return commits;
}

async function readCommit(store: DeltaLogStore, root: string, version: number): Promise<Commit> {
  const coordinates = { table: root, version };
  const bytes = await store.get(commitKey(root, version));
  if (bytes === undefined) {
    throw new DeltaLogError('corrupt', 'expected a commit that was listed a moment ago, got nothing', coordinates);
  }
  return { version, actions: parseCommit(bytes, coordinates) };
}
