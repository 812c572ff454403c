import { appendFile, stat } from 'node:fs/promises';

import { z } from 'zod';

import { readJson, removeFile, replaceJson } from '../local/durable-files.ts';
import { printable } from '../local/printable.ts';
import { createQueue } from '../local/waiting.ts';

/** Beyond this the file begins anew: it is for a person to look at, not a store. */
const mostBytes = 1024 * 1024;
const mostTextLength = 2_000;

/** What no gateway takes, and never will: counted, and written to a file for a person to look at. */
export interface SetAside {
  /** Since the disk was new. */
  readonly count: () => number;
  /** Never throws, and holds up nobody. */
  add(why: string, what: unknown): void;
  /** Resolves when everything is written. */
  written(): Promise<void>;
}

/** `file` holds the latest as JSON lines, `countFile` how many there were. */
export async function openSetAside(file: string, countFile: string, log: (line: string) => void): Promise<SetAside> {
  let count = (await readJson(countFile, z.int().min(0))) ?? 0;
  const oneAfterTheOther = createQueue();

  async function write(line: string): Promise<void> {
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    if (size > mostBytes) await removeFile(file);
    await appendFile(file, `${line}\n`);
    await replaceJson(countFile, count);
  }

  return {
    count: () => count,
    add(why, what) {
      count += 1;
      log(`set aside, because no gateway takes it: ${why}`);
      const line = JSON.stringify({ why: printable(why, mostTextLength), what: textOf(what) });
      oneAfterTheOther(() => write(line)).catch((cause: unknown) => log(`not written: ${String(cause)}`));
    },
    written: () => oneAfterTheOther(async () => undefined),
  };
}

const textOf = (what: unknown): string => printable(JSON.stringify(what) ?? String(what), mostTextLength);
