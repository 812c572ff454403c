import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

const headerBytes = 8;
/** Longest payload: far above a frame of the largest robot type, far below what a damaged length could ask to allocate. */
export const maxPayloadBytes = 1024 * 1024;

/**
 * One record of an append-only file: length (uint32 LE), CRC-32 over length and payload (uint32 LE), payload.
 * A payload is never empty, so a tail of zeros, as power cuts leave them, is no record. Only a reader that allows as many bytes takes it.
 */
export function frameRecord(payload: Uint8Array, mostBytes = maxPayloadBytes): Buffer {
  if (payload.length === 0 || payload.length > mostBytes)
    throw new RangeError(`expected a record of 1 to ${mostBytes} bytes, got ${payload.length}`);
  const record = Buffer.allocUnsafe(headerBytes + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.set(payload, headerBytes);
  record.writeUInt32LE(checksum(record.subarray(0, 4), payload), 4);
  return record;
}

/** The whole records at the start of `bytes`, and where they end: what follows was cut short or damaged and counts for nothing. */
export function readRecords(bytes: Buffer): { readonly payloads: readonly Buffer[]; readonly validBytes: number } {
  const payloads: Buffer[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + headerBytes + length;
    if (length === 0 || length > maxPayloadBytes || end > bytes.length) break;
    const payload = bytes.subarray(at + headerBytes, end);
    if (checksum(bytes.subarray(at, at + 4), payload) !== bytes.readUInt32LE(at + 4)) break;
    payloads.push(payload);
    at = end;
  }
  return { payloads, validBytes: at };
}

const checksum = (length: Uint8Array, payload: Uint8Array): number => crc32(payload, crc32(length));

/** The whole records of a file, as `readRecords` reads them, one in memory at a time; with where each payload starts. */
export async function* recordsOf(
  file: FileHandle,
  mostBytes: number,
): AsyncGenerator<{ readonly at: number; readonly payload: Buffer }, void, undefined> {
  const header = Buffer.alloc(headerBytes);
  for (let at = 0; ;) {
    if (!(await isFilled(file, header, at))) return;
    const length = header.readUInt32LE(0);
    if (length === 0 || length > mostBytes) return;
    const payload = Buffer.alloc(length);
    if (!(await isFilled(file, payload, at + headerBytes))) return;
    if (checksum(header.subarray(0, 4), payload) !== header.readUInt32LE(4)) return;
    yield { at: at + headerBytes, payload };
    at += headerBytes + length;
  }
}

async function isFilled(file: FileHandle, bytes: Buffer, at: number): Promise<boolean> {
  for (let filled = 0; filled < bytes.length;) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, at + filled);
    if (bytesRead === 0) return false;
    filled += bytesRead;
  }
  return true;
}
