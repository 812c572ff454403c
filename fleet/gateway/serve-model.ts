import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

import type { ObjectStore } from '../../activities/ports.ts';
import { etagMatches, etagOf } from '../protocol/index.ts';
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

/** A file of a version, or the part asked for (RFC 9110, 13 and 14; one range only), streamed from a local path. */
export async function serveModel(store: ObjectStore, file: ServedFile, conditions: Conditions): Promise<ModelAnswer> {
  const etag = etagOf(file.sha256);
  const headers = { etag, 'accept-ranges': 'bytes', 'cache-control': 'private, immutable, max-age=31536000' };
  if (etagMatches(conditions.ifNoneMatch, etag)) return { status: 304, headers, body: undefined };
  const isRangeAsked = conditions.ifRange === undefined || conditions.ifRange === etag;
  const range = isRangeAsked ? parseRange(conditions.range, file.sizeBytes) : undefined;
  const { start, end } = range ?? { start: 0, end: file.sizeBytes };
  const body = await openPart(store, file.key, start, end);
  const length = { 'content-length': String(end - start) };
  if (range === undefined) return { status: 200, headers: { ...headers, ...length }, body };
  const contentRange = { 'content-range': `bytes ${start}-${end - 1}/${file.sizeBytes}` };
  return { status: 206, headers: { ...headers, ...length, ...contentRange }, body };
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
async function openPart(store: ObjectStore, key: string, start: number, end: number): Promise<Readable> {
  for (let attempt = 1; ; attempt++) {
    const path = await store.localPath(key);
    if (path === undefined) throw new WireError('notFound', 'expected a file of this version, got none');
    try {
      const handle = await open(path, 'r');
      return createReadStream(path, { fd: handle, start, end: end - 1, highWaterMark: 256 * 1024 });
    } catch (cause) {
      if (attempt >= 3) throw cause;
    }
  }
}
