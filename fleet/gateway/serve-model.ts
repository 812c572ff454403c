import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

import type { ObjectStore } from '../../store/object-store.ts';
import { etagMatches, etagOf } from '../protocol/index.ts';
import { damaged, fileProof, type FileProof } from './file-proof.ts';
import type { ServedFile } from './model-catalog.ts';
import { WireError } from './wire-error.ts';

export interface ModelAnswer {
  readonly status: 200 | 206 | 304;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | undefined;
}

interface Conditions {
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/** Files of versions, streamed from local paths. */
export interface ModelServer {
  /**
   * A file, or the part asked for (RFC 9110, 13 and 14; one range only). What is wrong with the file is found before there
   * are headers: `damagedFile` for one that is not what its manifest says, `overloaded` for one the store does not give now.
   */
  serve(file: ServedFile, conditions: Conditions): Promise<ModelAnswer>;
}

export function modelServer(store: ObjectStore): ModelServer {
  const prove = fileProof();
  return {
    async serve(file, conditions) {
      const etag = etagOf(file.sha256);
      const headers = { etag, 'accept-ranges': 'bytes', 'cache-control': 'private, immutable, max-age=31536000' };
      if (etagMatches(conditions.ifNoneMatch, etag)) return { status: 304, headers, body: undefined };
      const isRangeAsked = conditions.ifRange === undefined || conditions.ifRange === etag;
      const range = isRangeAsked ? parseRange(conditions.range, file.sizeBytes) : undefined;
      const { start, end } = range ?? { start: 0, end: file.sizeBytes };
      const handle = await openProved(store, file, prove);
      const body = Readable.from(exactly(handle, start, end), { objectMode: false });
      // Also of a body that nobody began to read.
      body.once('close', () => void handle.close());
      const length = { 'content-length': String(end - start) };
      if (range === undefined) return { status: 200, headers: { ...headers, ...length }, body };
      const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${file.sizeBytes}` };
      return { status: 206, headers: { ...headers, ...length, ...contentRange }, body };
    },
  };
}

/** Half-open; undefined for none, or for one that must be ignored (another unit, several ranges, nonsense). */
function parseRange(header: string | undefined, sizeBytes: number): { start: number; end: number } | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (start >= sizeBytes || (first === '' && Number(last) === 0))
    throw new WireError('rangeNotSatisfiable', `expected a range within ${sizeBytes} bytes, got ${header ?? 'none'}`);
  return { start, end };
}

/** A cache may drop its local copy between finding and opening it; then it is fetched once more. */
async function openProved(store: ObjectStore, file: ServedFile, prove: FileProof): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    const path = await store.localPath(file.key);
    if (path === undefined) throw damaged(file, 'expected a file that the manifest names, got none');
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      await prove(handle, file);
      return handle;
    } catch (cause) {
      await handle?.close();
      if (cause instanceof WireError || attempt >= 3) throw cause;
    }
  }
}

/** Bytes `[start, end)` of the file, by the chunk. A file that ends early is an error, never a short answer. */
async function* exactly(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  for (let position = start; position < end;) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
    const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength, position);
    if (bytesRead === 0) throw new Error(`expected bytes up to ${end}, got ${position}: the file was cut meanwhile`);
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

const chunkBytes = 256 * 1024;
