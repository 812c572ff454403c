import { closeSync, fdatasync, ftruncateSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { readIfThere, removeFile, syncDirectory } from '../local/durable-files.ts';
import { frameRecord, readRecords } from './framed-log.ts';
import { spoolRecordSchema, type SpoolRecord } from './spool-record.ts';

/** Puts an open file's written bytes on the disk. */
export type SyncDescriptor = (descriptor: number) => Promise<void>;
export const syncToDisk: SyncDescriptor = promisify(fdatasync);

/** An append-only file of records, open for writing. */
export interface Spool {
  readonly file: string;
  readonly sizeBytes: () => number;
  /** Bytes that a power cut leaves. */
  readonly syncedBytes: () => number;
  /** Written when it returns: survives the death of the process, not yet a power cut. What cannot be written leaves no trace, and throws. */
  append(record: SpoolRecord): void;
  /** Resolves when everything appended before the call survives a power cut. Callers at the same time share one sync. */
  sync(): Promise<void>;
  close(): void;
}

/** Starts a spool; the file must not exist. */
export async function createSpool(file: string, sync: SyncDescriptor = syncToDisk): Promise<Spool> {
  const descriptor = openSync(file, 'wx');
  await syncDirectory(path.dirname(file));
  return spoolOn(descriptor, file, 0, sync);
}

/** Opens a spool that a dead process left: cuts off what was half written and returns what it holds. */
export async function reopenSpool(
  file: string,
  sync: SyncDescriptor = syncToDisk,
): Promise<{ readonly spool: Spool; readonly records: readonly SpoolRecord[] }> {
  const { records, validBytes } = await readSpool(file);
  const descriptor = openSync(file, 'r+');
  ftruncateSync(descriptor, validBytes);
  return { spool: spoolOn(descriptor, file, validBytes, sync), records };
}

/** All whole records of a spool, but those that only another agent version knows; a missing file is an empty one. */
export async function readSpool(file: string): Promise<{ records: readonly SpoolRecord[]; validBytes: number }> {
  const { payloads, validBytes } = readRecords((await readIfThere(file)) ?? Buffer.alloc(0));
  return { records: payloads.flatMap((payload) => parseRecord(payload.toString('utf8'))), validBytes };
}

function parseRecord(text: string): readonly SpoolRecord[] {
  const parsed = spoolRecordSchema.safeParse(JSON.parse(text));
  return parsed.success ? [parsed.data] : [];
}

export async function removeSpool(file: string): Promise<void> {
  await removeFile(file);
  await syncDirectory(path.dirname(file));
}

function spoolOn(descriptor: number, file: string, startBytes: number, syncDescriptor: SyncDescriptor): Spool {
  let sizeBytes = startBytes;
  let syncedBytes = 0;
  let running: Promise<void> | undefined;
  let isOpen = true;

  const flush = async (): Promise<void> => {
    const uptoBytes = sizeBytes;
    try {
      await syncDescriptor(descriptor);
      syncedBytes = uptoBytes;
    } finally {
      running = undefined;
    }
  };

  async function syncUpTo(wantedBytes: number): Promise<void> {
    if (syncedBytes >= wantedBytes) return;
    await (running ??= flush());
    // A sync that ran already when we came may not have covered our bytes.
    await syncUpTo(wantedBytes);
  }

  return {
    file,
    sizeBytes: () => sizeBytes,
    syncedBytes: () => syncedBytes,
    append(record) {
      const bytes = frameRecord(Buffer.from(JSON.stringify(record)));
      let written = 0;
      try {
        while (written < bytes.length)
          written += writeSync(descriptor, bytes, written, bytes.length - written, sizeBytes + written);
      } catch (cause) {
        ftruncateSync(descriptor, sizeBytes);
        throw cause;
      }
      sizeBytes += bytes.length;
    },
    sync: () => syncUpTo(sizeBytes),
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}
