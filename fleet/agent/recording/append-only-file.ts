import { closeSync, fdatasync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/** Puts an open file's written bytes on the disk. */
export type SyncDescriptor = (descriptor: number) => Promise<void>;
export const syncToDisk: SyncDescriptor = promisify(fdatasync);

/** A file that only grows, open for writing. */
export interface AppendOnlyFile {
  readonly file: string;
  readonly sizeBytes: () => number;
  /** Bytes that a power cut leaves. */
  readonly syncedBytes: () => number;
  /** Written when it returns: survives the death of the process, not yet a power cut. What cannot be written leaves no trace, and throws. */
  append(bytes: Uint8Array): void;
  /** Resolves when everything appended before the call survives a power cut. Callers at the same time share one sync. */
  sync(): Promise<void>;
  close(): void;
}

/** Starts a file, which must not exist; its name survives a power cut once its folder is synced. */
export const createAppendOnlyFile = (file: string, sync: SyncDescriptor): AppendOnlyFile =>
  appendOnlyOn(openSync(file, 'wx'), file, 0, sync);

/** Opens a file that is there, and cuts off what follows its first `validBytes`. */
export function reopenAppendOnlyFile(file: string, validBytes: number, sync: SyncDescriptor): AppendOnlyFile {
  const descriptor = openSync(file, 'r+');
  ftruncateSync(descriptor, validBytes);
  return appendOnlyOn(descriptor, file, validBytes, sync);
}

function appendOnlyOn(
  descriptor: number,
  file: string,
  startBytes: number,
  syncDescriptor: SyncDescriptor,
): AppendOnlyFile {
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
    if (syncedBytes >= wantedBytes || !isOpen) return;
    await (running ??= flush());
    // A sync that ran already when we came may not have covered our bytes.
    await syncUpTo(wantedBytes);
  }

  return {
    file,
    sizeBytes: () => sizeBytes,
    syncedBytes: () => syncedBytes,
    append(bytes) {
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
      if (!isOpen) return;
      isOpen = false;
      // A descriptor that a sync still uses must not become another file's.
      if (running === undefined) closeSync(descriptor);
      else void running.catch(() => undefined).then(() => closeSync(descriptor));
    },
  };
}
