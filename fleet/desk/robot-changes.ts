import { z } from 'zod';

import { writeLogEntry } from '../../store/append-log.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { instantMsSchema, robotIdSchema } from '../protocol/index.ts';
import { fleetKeys, logKey, parseLogKey } from './keys.ts';

/** One entry of `robot-changes/<seq>.json`: gateways follow this log, so that a revoked token ends what it opened. */
const robotChangeSchema = z.strictObject({ robotId: robotIdSchema, atMs: instantMsSchema });

/** Tells all gateways that there is a new record of this robot. Written after the record; twice tells it twice. */
export async function noteRobotChange(store: ObjectStore, robotId: string, atMs: number): Promise<void> {
  for (let seq = (await endOf(store)) + 1; ; seq += 1)
    if ((await writeLogEntry(store, fleetKeys.robotChanges, seq, { robotId, atMs })) === 'created') return;
}

/** Follows the log from where it ends at the first look; one read a look when nothing is new. */
export function followRobotChanges(store: ObjectStore): () => Promise<readonly string[]> {
  let seq: number | undefined;
  return async () => {
    seq ??= await endOf(store);
    const changed: string[] = [];
    for (;;) {
      const next = await readJson(store, logKey(fleetKeys.robotChanges, seq + 1), robotChangeSchema);
      if (next === undefined) return changed;
      seq += 1;
      changed.push(next.robotId);
    }
  };
}

/** Seq of the last entry; -1 for none. */
async function endOf(store: ObjectStore): Promise<number> {
  let end = -1;
  for await (const { key } of store.list(`${fleetKeys.robotChanges}/`)) end = parseLogKey(key)?.seq ?? end;
  return end;
}
