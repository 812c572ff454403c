import path from 'node:path';

import { namesIn } from '../local/durable-files.ts';
import type { SyncDescriptor } from './append-only-file.ts';
import { createSpool, readSpool, removeSpool, reopenSpool, type Spool } from './spool.ts';
import type { RecordOf, SpoolRecord } from './spool-record.ts';
import { contentOf, type SpoolContent, type SpooledEpisode } from './spooled-episodes.ts';

const namePattern = /^(\d{12})\.spool$/;

/** The numbered spools of a robot: one is written, finished ones wait to become segments. */
export interface Spooler {
  append(record: SpoolRecord): void;
  sync(): Promise<void>;
  readonly current: () => Pick<Spool, 'file' | 'sizeBytes' | 'syncedBytes'>;
  /** Numbers of the finished spools, oldest first. */
  finished(): readonly string[];
  sizeBytes(): number;
  /** Starts the next spool as soon as `mayRotate` still says so; the old one is finished then. */
  rotate(mayRotate: () => boolean): Promise<void>;
  /** Appends records, the seal last, to a finished spool, on disk when it resolves; one that is sealed stays as it is. */
  seal(number: string, records: readonly (RecordOf<'clips'> | RecordOf<'seal'>)[]): Promise<SpoolContent>;
  content(number: string): Promise<SpoolContent>;
  remove(number: string): Promise<void>;
  close(): void;
}

export interface SpoolerPorts {
  readonly directory: string;
  readonly sync: SyncDescriptor;
  /** Lowest number that no other file of the robot uses. */
  readonly firstNumber: number;
  /** How an episode ends that was open when the last process died. */
  readonly endOf: (open: Omit<SpooledEpisode, 'end'>) => RecordOf<'end'>;
}

/** Opens the folder of spools, by their numbers: what a dead process left is cut to its last whole record and its open episode ended. */
export async function openSpooler(
  ports: SpoolerPorts,
): Promise<{ readonly spooler: Spooler; readonly left: ReadonlyMap<string, SpoolContent> }> {
  const fileOf = (number: string): string => path.join(ports.directory, `${number}.spool`);
  const sizes = new Map<string, number>();
  const left = new Map<string, SpoolContent>();
  for (const name of await namesIn(ports.directory)) {
    const number = namePattern.exec(name)?.[1];
    if (number === undefined) continue;
    const { content, sizeBytes } = await recover(fileOf(number), ports);
    sizes.set(number, sizeBytes);
    left.set(number, content);
  }
  let next = Math.max(ports.firstNumber, ...[...sizes.keys()].map((number) => Number(number) + 1));
  const create = async (): Promise<Spool> => createSpool(fileOf(String(next++).padStart(12, '0')), ports.sync);
  let current = await create();
  let spare: Spool | undefined;
  const spooler: Spooler = {
    append: (record) => current.append(record),
    sync: () => current.sync(),
    current: () => current,
    finished: () => [...sizes.keys()].toSorted(),
    sizeBytes: () => current.sizeBytes() + [...sizes.values()].reduce((sum, size) => sum + size, 0),
    async rotate(mayRotate) {
      if (current.sizeBytes() === 0) return;
      spare ??= await create();
      const finished = current;
      await finished.sync();
      if (!mayRotate() || finished !== current || finished.syncedBytes() < finished.sizeBytes()) return;
      current = spare;
      spare = undefined;
      finished.close();
      sizes.set(spoolNumberOf(finished), finished.sizeBytes());
    },
    async seal(number, last) {
      const { spool, records } = await reopenSpool(fileOf(number), ports.sync);
      try {
        const content = contentOf(records);
        if (content.seal !== undefined) return content;
        for (const record of last) spool.append(record);
        await spool.sync();
        return contentOf([...records, ...last]);
      } finally {
        spool.close();
      }
    },
    content: async (number) => contentOf((await readSpool(fileOf(number))).records),
    async remove(number) {
      await removeSpool(fileOf(number));
      sizes.delete(number);
    },
    close() {
      current.close();
      spare?.close();
    },
  };
  return { spooler, left };
}

export const spoolNumberOf = (spool: Pick<Spool, 'file'>): string => path.basename(spool.file, '.spool');

async function recover(file: string, ports: SpoolerPorts): Promise<{ content: SpoolContent; sizeBytes: number }> {
  const { spool, records } = await reopenSpool(file, ports.sync);
  try {
    const content = contentOf(records);
    if (content.open === undefined) return { content, sizeBytes: spool.sizeBytes() };
    const end = ports.endOf(content.open);
    spool.append(end);
    await spool.sync();
    return { content: contentOf([...records, end]), sizeBytes: spool.sizeBytes() };
  } finally {
    spool.close();
  }
}
