import { parseCommit } from './actions.ts';
import { readCheckpoint, readLastCheckpoint, type CheckpointReference } from './checkpoint.ts';
import { DeltaLogError } from './delta-log-error.ts';
import { checkpointKey, commitKey, logPrefix, parseLogKey } from './log-names.ts';
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
  const base = note && (await usableCheckpoint(store, withSql, root, note)).snapshot;
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

/** The state a checkpoint holds; without it, why there is none: the log stands for a checkpoint that cannot be read. */
async function usableCheckpoint(
  store: DeltaLogStore,
  withSql: WithSql,
  root: string,
  checkpoint: CheckpointReference,
): Promise<{ readonly snapshot?: Snapshot; readonly error?: unknown }> {
  try {
    const actions = await withSql((sql) => readCheckpoint(store, sql, root, checkpoint));
    if (actions === undefined) return {};
    return { snapshot: replay(root, undefined, [{ version: checkpoint.version, actions }], checkpoint.version) };
  } catch (error) {
    // What the table needs and this code does not know, the log needs as well.
    if (error instanceof DeltaLogError && error.kind === 'unsupported') throw error;
    return { error };
  }
}

/** The newest of these checkpoints that can be read, and what was wrong with the newer ones. */
async function newestUsable(
  store: DeltaLogStore,
  withSql: WithSql,
  root: string,
  checkpoints: readonly CheckpointReference[],
): Promise<{
  readonly base?: Snapshot;
  readonly damaged: readonly { readonly key: string; readonly error: unknown }[];
}> {
  const damaged: { key: string; error: unknown }[] = [];
  for (const checkpoint of checkpoints.toReversed()) {
    const { snapshot, error } = await usableCheckpoint(store, withSql, root, checkpoint);
    if (snapshot !== undefined) return { base: snapshot, damaged };
    if (error !== undefined) damaged.push({ key: checkpointKey(root, checkpoint.version), error });
  }
  return { damaged };
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
  const { base, damaged } = await newestUsable(store, withSql, root, checkpoints);
  const rest = commits.filter((version) => base === undefined || version > base.version);
  if (base === undefined && rest.length === 0 && damaged.length === 0) return undefined;
  const [broken] = damaged;
  const isWhole = rest.every((version, index) => version === (base === undefined ? 0 : base.version + 1) + index);
  if (broken !== undefined && (!isWhole || (base === undefined && rest.length === 0))) {
    throw new DeltaLogError(
      'corrupt',
      'expected a checkpoint that can be read, or every commit that it stands for, got neither',
      { table: root, object: broken.key },
      broken.error,
    );
  }
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
  const coordinates = { table: root, version, object: commitKey(root, version) };
  const bytes = await store.get(commitKey(root, version));
  if (bytes === undefined) {
    throw new DeltaLogError('corrupt', 'expected a commit that was listed a moment ago, got nothing', coordinates);
  }
  return { version, actions: parseCommit(bytes, coordinates) };
}
