import type { ObjectStore } from '../../store/object-store.ts';
import { readJson } from '../../store/json-objects.ts';
import { readLog, readLogNewestFirst } from '../../store/append-log.ts';
import type { OnDamage } from '../../store/damaged-objects.ts';
import { applyAssignment, foldAssignments, noAssignments, type AssignmentState } from './assignment-log.ts';
import { assignmentRecordSchema, type AssignmentRecord } from './assignment-record.ts';
import { fleetKeys, logKey } from './keys.ts';

/** The folded assignment log of one policy, kept up to date at one read a look: what is written never changes. */
export interface AssignmentReader {
  /** The state as of now: reads record seq + 1 until there is none. Concurrent calls share one reading. */
  read(): Promise<AssignmentState>;
}

export function assignmentReader(store: ObjectStore, policy: string): AssignmentReader {
  const log = fleetKeys.assignmentLog(policy);
  let state: AssignmentState | undefined;
  let reading: Promise<AssignmentState> | undefined;

  async function advance(): Promise<AssignmentState> {
    let now = state ?? foldAssignments(await readLog(store, log, assignmentRecordSchema));
    for (;;) {
      const record = await readJson(store, logKey(log, now.seq + 1), assignmentRecordSchema);
      if (record === undefined) break;
      now = applyAssignment(now, { seq: now.seq + 1, record });
    }
    if (now !== noAssignments) state = now;
    return now;
  }

  return {
    async read() {
      reading ??= advance().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

/** One record of the log; undefined: there is none of that number. */
export const readAssignment = (
  store: ObjectStore,
  policy: string,
  seq: number,
): Promise<AssignmentRecord | undefined> =>
  readJson(store, logKey(fleetKeys.assignmentLog(policy), seq), assignmentRecordSchema);

/**
 * Records decided since a moment, oldest first, before them the one that was in force then: at most the last `most`. One that cannot be read is passed over
 * with a word to `onDamage`.
 */
export async function readAssignmentsSince(
  store: ObjectStore,
  policy: string,
  { sinceMs, most }: { readonly sinceMs: number; readonly most: number },
  onDamage: OnDamage,
): Promise<readonly AssignmentRecord[]> {
  const newestFirst: AssignmentRecord[] = [];
  const log = fleetKeys.assignmentLog(policy);
  for await (const record of readLogNewestFirst(store, log, assignmentRecordSchema, onDamage)) {
    newestFirst.push(record);
    if (record.atMs < sinceMs || newestFirst.length === most) break;
  }
  return newestFirst.toReversed();
}
