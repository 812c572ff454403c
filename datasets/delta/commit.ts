import { serialiseActions, type Action, type AddFile, type CommitInfo, type MetaData } from './actions.ts';
import { relativeKeyOf } from './data-paths.ts';
import { DeltaLogError } from './delta-log-error.ts';
import { commitKey } from './log-names.ts';
import type { DeltaLogStore } from './log-store.ts';
import { assertWritable, ownProtocol } from './protocol.ts';
import { replay, type Snapshot } from './snapshot.ts';

/** One change of a table. `transaction` makes it happen once: at or below the last version of its appId it is skipped. */
export interface Change {
  readonly adds: readonly AddFile[];
  /** Relative keys of files to take out; each must be in the table when the change is committed. */
  readonly removes: readonly string[];
  readonly metaData?: MetaData;
  readonly transaction?: { readonly appId: string; readonly version: number };
  /** Name of the operation in the table's history, e.g. `WRITE`. */
  readonly operation: string;
  /** False: the same rows in other files, for readers that follow changes. Default: true. */
  readonly dataChange?: boolean;
  /** Asked of every state the change would follow; a sentence says why it must not: it ends as `conflict`. */
  readonly whyNot?: (base: Snapshot) => string | undefined;
}

export interface CommitResult {
  readonly version: number;
  readonly outcome: 'committed' | 'alreadyCommitted';
  /** The state at `version`. */
  readonly snapshot: Snapshot;
}

/** A writer that loses this often in a row is not racing, it is failing. */
const maxAttempts = 10_000;

/** True when the table already holds this transaction, or a later one of the same application. */
export const holdsTransaction = (
  snapshot: Snapshot,
  transaction: { readonly appId: string; readonly version: number } | undefined,
): boolean => transaction !== undefined && (snapshot.transactions.get(transaction.appId) ?? -1) >= transaction.version;

/**
 * Commits a change on top of the newest version. A lost race reads what the winners wrote and goes again; when a winner
 * has removed a file that this change removes too, or has changed the schema it was made for, it ends as `conflict`. A
 * winner that turns out to be this very commit (its answer got lost) counts as committed.
 */
export async function commitChange(
  store: DeltaLogStore,
  snapshot: Snapshot,
  readNext: (known: Snapshot) => Promise<Snapshot>,
  change: Change,
  nowMs: number,
): Promise<CommitResult> {
  const schemaAtStart = snapshot.metaData.schemaString;
  let base = snapshot;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    if (holdsTransaction(base, change.transaction))
      return { version: base.version, outcome: 'alreadyCommitted', snapshot: base };
    if (base.metaData.schemaString !== schemaAtStart) {
      throw new DeltaLogError('conflict', 'expected the schema this change was made for, got one changed meanwhile', {
        table: base.root,
        version: base.version,
      });
    }
    const why = change.whyNot?.(base);
    if (why !== undefined) throw new DeltaLogError('conflict', why, { table: base.root, version: base.version });
    assertWritable(base.protocol, base.metaData, base.root);
    const version = base.version + 1;
    const actions = actionsOf(base, change, nowMs);
    const bytes = serialiseActions([...actions, commitInfo(change.operation, change.removes.length === 0, nowMs)]);
    const key = commitKey(base.root, version);
    const isCommitted = (await store.putIfAbsent(key, bytes)) === 'created' || isSame(await store.get(key), bytes);
    if (isCommitted) {
      return { version, outcome: 'committed', snapshot: replay(base.root, base, [{ version, actions }]) };
    }
    base = await readNext(base);
  }
  throw new DeltaLogError('conflict', `expected to win a commit within ${maxAttempts} attempts`, { table: base.root });
}

const isSame = (found: Uint8Array | undefined, bytes: Uint8Array): boolean =>
  found !== undefined && Buffer.compare(found, bytes) === 0;

function actionsOf(base: Snapshot, change: Change, nowMs: number): readonly Action[] {
  const removes = change.removes.map((key): Action => {
    const file = base.files.get(key);
    if (file === undefined) {
      throw new DeltaLogError('conflict', 'expected to remove a file of the table, got one that is no longer in it', {
        table: base.root,
        version: base.version,
        file: key,
      });
    }
    const { path, partitionValues, size } = file;
    const { dataChange = true } = change;
    const meta = { deletionTimestamp: nowMs, dataChange, extendedFileMetadata: true, partitionValues, size };
    return { remove: { path, ...meta } };
  });
  const added = change.adds.find(({ path }) => base.files.has(relativeKeyOf(path) ?? path));
  if (added !== undefined) {
    throw new DeltaLogError('conflict', 'expected a new file, got one that is in the table already', {
      table: base.root,
      file: added.path,
    });
  }
  return [
    ...(change.transaction === undefined ? [] : [{ txn: { ...change.transaction, lastUpdated: nowMs } }]),
    ...(change.metaData === undefined ? [] : [{ metaData: change.metaData }]),
    ...removes,
    ...change.adds.map((add) => ({ add })),
  ];
}

const commitInfo = (operation: string, isBlindAppend: boolean, nowMs: number): CommitInfo => ({
  commitInfo: {
    timestamp: nowMs,
    operation,
    operationParameters: isBlindAppend ? { mode: 'Append' } : {},
    isBlindAppend,
    engineInfo: 'flywheel',
  },
});

/** Makes the table with an empty version 0, unless somebody else is first, which is as good. */
export async function createTable(
  store: DeltaLogStore,
  root: string,
  metaData: MetaData,
  nowMs: number,
): Promise<void> {
  const actions = [{ protocol: ownProtocol }, { metaData }, commitInfo('CREATE TABLE', true, nowMs)];
  await store.putIfAbsent(commitKey(root, 0), serialiseActions(actions));
}
