import path from 'node:path';

import { readIfThere, removeFile, syncDirectory } from '../local/durable-files.ts';
import {
  createAppendOnlyFile,
  reopenAppendOnlyFile,
  syncToDisk,
  type AppendOnlyFile,
  type SyncDescriptor,
} from './append-only-file.ts';
import { frameRecord, readRecords } from './framed-log.ts';
import { spoolRecordSchema, type SpoolRecord } from './spool-record.ts';

/** An append-only file of records, open for writing. */
export interface Spool extends Omit<AppendOnlyFile, 'append'> {
  /** As {@link AppendOnlyFile.append}. */
  append(record: SpoolRecord): void;
}

/** Starts a spool; the file must not exist. */
export async function createSpool(file: string, sync: SyncDescriptor = syncToDisk): Promise<Spool> {
  const opened = createAppendOnlyFile(file, sync);
  await syncDirectory(path.dirname(file));
  return spoolOn(opened);
}

/** Opens a spool that a dead process left: cuts off what was half written and returns what it holds. */
export async function reopenSpool(
  file: string,
  sync: SyncDescriptor = syncToDisk,
): Promise<{ readonly spool: Spool; readonly records: readonly SpoolRecord[] }> {
  const { records, validBytes } = await readSpool(file);
  return { spool: spoolOn(reopenAppendOnlyFile(file, validBytes, sync)), records };
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

const spoolOn = (opened: AppendOnlyFile): Spool => ({
  ...opened,
  append: (record) => opened.append(frameRecord(Buffer.from(JSON.stringify(record)))),
});
