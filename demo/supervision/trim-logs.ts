import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';

const mostBytes = 20 * 2 ** 20;
const everyMs = 60_000;

/**
 * Keeps logs from growing without end: one above 20 MiB becomes `<name>.1`, in place of the one before, and begins anew. Processes go
 * on writing into the same file, because they only append.
 */
export function trimLogs(directory: string, limitBytes = mostBytes): void {
  for (const name of readdirSync(directory)) {
    const file = path.join(directory, name);
    try {
      if (!name.endsWith('.log') || statSync(file).size <= limitBytes) continue;
      copyFileSync(file, `${file}.1`);
      truncateSync(file);
    } catch {
      // A full disk: the next minute is another try.
    }
  }
}

export const keepLogsShort = (directory: string): NodeJS.Timeout =>
  setInterval(() => trimLogs(directory), everyMs).unref();
