import { appendFileSync, existsSync, fdatasync, fstatSync, readdirSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import type { AgentOptions } from '../agent/index.ts';

const syncToDisk = promisify(fdatasync);

/** Remembers what a robot put on its disk, and can take the rest away as a power cut does. */
export interface CuttablePower {
  readonly sync: NonNullable<AgentOptions['sync']>;
  /** Cuts every spool and log of images back to what was synced and leaves garbage behind it. The agent must be dead. */
  cut(directory: string): void;
}

const garbage = Buffer.from('power went while this was written');

export function cuttablePower(): CuttablePower {
  const syncedBytes = new Map<number, number>();
  return {
    async sync(descriptor) {
      const { ino, size } = fstatSync(descriptor);
      await syncToDisk(descriptor);
      syncedBytes.set(ino, size);
    },
    cut(directory) {
      const folders = ['spool', 'images'].map((name) => path.join(directory, name)).filter((name) => existsSync(name));
      for (const file of folders.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)))) {
        const { ino, size } = statSync(file);
        truncateSync(file, Math.min(size, syncedBytes.get(ino) ?? 0));
        appendFileSync(file, garbage);
      }
    },
  };
}
