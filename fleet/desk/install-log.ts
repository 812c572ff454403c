import { z } from 'zod';

import { readLog, writeLogEntry, type LogEntry } from '../../activities/append-log.ts';
import { readJson } from '../../activities/json-objects.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { gatewayIdSchema, installReportSchema, instantMsSchema, robotIdSchema } from '../protocol/index.ts';
import { fleetKeys, parseLogKey } from './keys.ts';

/** One entry of `fleet/<policy>/installs/<robotId>/<seq>.json`. */
export const installRecordSchema = z.strictObject({
  robotId: robotIdSchema,
  gatewayId: gatewayIdSchema,
  receivedMs: instantMsSchema,
  report: installReportSchema,
});
export type InstallRecord = z.infer<typeof installRecordSchema>;

/** Reports a robot sends again lie at most this far back: it keeps few, and sends them in order. */
const rememberedReports = 64;

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
    const later = await readLog(store, log, installRecordSchema, known.at(-1)?.seq);
    const end = [...known, ...later].slice(-rememberedReports);
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
        if ((await writeLogEntry(store, log, seq, record)) === 'created') return seq;
      }
    },
  };
}

/** The last install record of every robot of the policy, by robot id. `seen` spares reading a record again. */
export async function readInstalls(
  store: ObjectStore,
  policy: string,
  seen: Map<string, InstallRecord> = new Map(),
): Promise<ReadonlyMap<string, InstallRecord>> {
  const last = new Map<string, string>();
  for await (const { key } of store.list(`${fleetKeys.installs(policy)}/`)) {
    const entry = parseLogKey(key);
    if (entry !== undefined) last.set(entry.log, key);
  }
  const installs = new Map<string, InstallRecord>();
  for (const key of last.values()) {
    const record = seen.get(key) ?? (await readJson(store, key, installRecordSchema));
    if (record === undefined) continue;
    seen.set(key, record);
    installs.set(record.robotId, record);
  }
  return installs;
}
