import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { installReportSchema, type InstallReport } from '../../protocol/index.ts';
import { shiftMs, stampSchema, type Dating, type Stamp } from '../local/dating.ts';
import { namesIn, readJson, removeFile, replaceJson } from '../local/durable-files.ts';

/** Most reports that wait; beyond it the oldest goes, so that a robot in trouble does not fill its disk with complaints. */
const mostReports = 200;

/** As it lies on the disk, with the policy whose version it speaks of; an older agent's has neither that nor a stamp. */
const keptReportSchema = installReportSchema.extend({
  stamp: stampSchema.optional(),
  policy: z.string().optional(),
});
export type KeptReport = z.infer<typeof keptReportSchema>;

/** Install reports until a gateway has them. */
export interface InstallReports {
  readonly count: () => number;
  /** On disk when it resolves. */
  add(report: KeptReport): Promise<void>;
  next(): KeptReport | undefined;
  /** As it is sent: its moment by the gateway's clock, or by the robot's where nobody can tell. */
  readonly dated: (report: KeptReport) => InstallReport;
  acknowledge(report: KeptReport): Promise<void>;
}

export async function openInstallReports(
  directory: string,
  datingOf: (stamp: Stamp) => Dating,
): Promise<InstallReports> {
  await mkdir(directory, { recursive: true });
  const waiting: KeptReport[] = [];
  const fileOf = ({ reportId }: KeptReport): string => path.join(directory, `${reportId}.json`);
  for (const name of await namesIn(directory)) {
    const report = await readJson(path.join(directory, name), keptReportSchema);
    if (report === undefined) await removeFile(path.join(directory, name));
    else waiting.push(report);
  }
  async function acknowledge(report: KeptReport): Promise<void> {
    waiting.splice(waiting.indexOf(report), 1);
    await removeFile(fileOf(report));
  }
  return {
    count: () => waiting.length,
    async add(report) {
      await replaceJson(fileOf(report), report);
      waiting.push(report);
      while (waiting.length > mostReports && waiting[0] !== undefined) await acknowledge(waiting[0]);
    },
    next: () => waiting[0],
    dated(kept) {
      const { stamp, policy: _policy, ...report } = kept;
      const dating: Dating = stamp === undefined ? { kind: 'later' } : datingOf(stamp);
      if (stamp === undefined || dating.kind === 'later') return report;
      const atMs = Math.max(0, Math.round(report.atMs + shiftMs(dating, stamp, report.atMs)));
      return { ...report, atMs, clockSkewMs: 0 };
    },
    acknowledge,
  };
}
