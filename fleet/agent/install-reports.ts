import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { installReportSchema, type InstallReport } from '../protocol/index.ts';
import { namesIn, readJson, removeFile, replaceJson } from './durable-files.ts';

/** Most reports that wait; beyond it the oldest goes, so that a robot in trouble does not fill its disk with complaints. */
const mostReports = 200;

/** Install reports until a gateway has them. */
export interface InstallReports {
  readonly count: () => number;
  /** On disk when it resolves. */
  add(report: InstallReport): Promise<void>;
  next(): InstallReport | undefined;
  acknowledge(report: InstallReport): Promise<void>;
}

export async function openInstallReports(directory: string): Promise<InstallReports> {
  await mkdir(directory, { recursive: true });
  const waiting: InstallReport[] = [];
  const fileOf = ({ reportId }: InstallReport): string => path.join(directory, `${reportId}.json`);
  for (const name of await namesIn(directory)) {
    const report = await readJson(path.join(directory, name), installReportSchema);
    if (report === undefined) await removeFile(path.join(directory, name));
    else waiting.push(report);
  }
  async function acknowledge(report: InstallReport): Promise<void> {
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
    acknowledge,
  };
}
