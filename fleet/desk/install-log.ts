import { z } from 'zod';

import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { writeLogEntry, type LogEntry } from '../../store/append-log.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { gatewayIdSchema, installReportSchema, instantMsSchema, robotIdSchema } from '../protocol/index.ts';
import { inParallel } from '../../store/in-parallel.ts';
import { fleetKeys, logKey, parseLogKey } from './keys.ts';

/** One entry of `fleet/<policy>/installs/<robotId>/<seq>.json`. */
export const installRecordSchema = z.strictObject({
  robotId: robotIdSchema,
  gatewayId: gatewayIdSchema,
  receivedMs: instantMsSchema,
  report: installReportSchema,
});
export type InstallRecord = z.infer<typeof installRecordSchema>;

/**
 * Reports a robot sends again lie at most this far back: it keeps few, and sends them in order. Nobody reads further back, so
 * each log keeps these and no more, however often its robot reports.
 */
const keptReports = 64;
const readsAtOnce = 32;
/** Older entries that one append removes at most: logs of earlier versions were kept whole. */
const removedAtOnce = 1_000;

/** Appends to the install logs of one policy, remembering the end of each; several may write at once. */
export interface InstallLog {
  /** Idempotent by (robot, reportId): gives the place of the first record. */
  append(record: InstallRecord): Promise<number>;
}

export function installLog(store: ObjectStore, policy: string): InstallLog {
  const ends = new Map<string, LogEntry<InstallRecord>[]>();

  async function endOf(robotId: string): Promise<LogEntry<InstallRecord>[]> {
    const log = fleetKeys.installLog(policy, robotId);
    const known = ends.get(robotId) ?? [];
    const keys: string[] = [];
    const last = known.at(-1);
    const options = last === undefined ? {} : { after: logKey(log, last.seq) };
    for await (const { key } of store.list(`${log}/`, options)) if (parseLogKey(key) !== undefined) keys.push(key);
    const later = await inParallel(keys.slice(-keptReports), readsAtOnce, async (key) => {
      const record = await readJson(store, key, installRecordSchema);
      return record === undefined ? [] : [{ seq: parseLogKey(key)?.seq ?? -1, record }];
    });
    await inParallel(keys.slice(0, -keptReports).slice(0, removedAtOnce), readsAtOnce, (key) => store.delete(key));
    const end = [...known, ...later.flat()].slice(-keptReports);
    ends.set(robotId, end);
    return end;
  }

  return {
    async append(record) {
      for (;;) {
        const end = await endOf(record.robotId);
        const found = end.find((entry) => entry.record.report.reportId === record.report.reportId);
        if (found !== undefined) return found.seq;
        const seq = (end.at(-1)?.seq ?? -1) + 1;
        const log = fleetKeys.installLog(policy, record.robotId);
        if ((await writeLogEntry(store, log, seq, record)) === 'exists') continue;
        if (seq >= keptReports) await store.delete(logKey(log, seq - keptReports));
        return seq;
      }
    },
  };
}

/** The last install record of robots, kept up to date at one read a robot and look, however long their logs are. */
export interface InstallReader {
  /** By robot id; robots that never reported are not in it. */
  read(robotIds: readonly string[], onDamage: OnDamage): Promise<ReadonlyMap<string, InstallRecord>>;
}

/** Every so many looks each robot's known entry is asked for as well: is it gone, its log went past what is kept. */
const looksBetweenChecks = 32;

export function installReader(store: ObjectStore, policy: string): InstallReader {
  let ends: Map<string, LogEntry<InstallRecord>> | undefined;
  let looks = 0;

  /** Where each log below the prefix ends, by one listing. */
  async function findEnds(prefix: string, onDamage: OnDamage): Promise<Map<string, LogEntry<InstallRecord>>> {
    const last = new Map<string, { readonly key: string; readonly seq: number }>();
    for await (const { key } of store.list(`${prefix}/`)) {
      const entry = parseLogKey(key);
      if (entry !== undefined) last.set(entry.log, { key, seq: entry.seq });
    }
    const found = await inParallel([...last.values()], readsAtOnce, async ({ key, seq }) => {
      const record = await readSoundJson(store, key, installRecordSchema, onDamage);
      return record === undefined ? [] : [{ seq, record }];
    });
    return new Map(found.flat().map((entry) => [entry.record.robotId, entry]));
  }

  return {
    async read(robotIds, onDamage) {
      const known = (ends ??= await findEnds(fleetKeys.installs(policy), onDamage));
      looks += 1;
      const now = await inParallel([...robotIds.entries()], readsAtOnce, async ([index, robotId]) => {
        const log = fleetKeys.installLog(policy, robotId);
        const last = known.get(robotId);
        if (last !== undefined && (looks + index) % looksBetweenChecks === 0)
          if ((await store.get(logKey(log, last.seq))) === undefined)
            for (const [, end] of await findEnds(log, onDamage)) known.set(robotId, end);
        for (;;) {
          const seq = (known.get(robotId)?.seq ?? -1) + 1;
          const key = logKey(log, seq);
          let isDamaged = false;
          const record = await readSoundJson(store, key, installRecordSchema, (object) => {
            isDamaged = true;
            onDamage(object);
          });
          const before = known.get(robotId)?.record;
          if (record !== undefined) known.set(robotId, { seq, record });
          // A damaged report is passed over: the next ones still tell.
          else if (isDamaged && before !== undefined) known.set(robotId, { seq, record: before });
          else return before;
        }
      });
      return new Map(now.flatMap((record) => (record === undefined ? [] : [[record.robotId, record]])));
    },
  };
}
