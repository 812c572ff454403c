import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';

import { checkKey, checkPrefix, checkRange } from '../object-key.ts';
import type { ByteRange, ObjectEntry, ObjectStore } from '../object-store.ts';
import type { Clock } from '../clock.ts';
import { guarded, storeFailure } from './object-store-guard.ts';
import { connectS3, headObject, orMissing, statusOf, type Place, type S3Connection } from './s3-connection.ts';
import { objectCache, type ObjectCache } from './s3-object-cache.ts';
import { writeObject } from './s3-object-write.ts';

export interface S3ObjectStoreOptions extends S3Connection {
  /** Local copies for `localPath`; see `ObjectCacheOptions`. */
  readonly cacheFolder: string;
  readonly cacheLimitBytes?: number;
  readonly nowMs?: Clock;
}

/** Objects in a bucket of Amazon S3 or a server that speaks its language and honours `If-None-Match: *`. */
export function s3ObjectStore(options: S3ObjectStoreOptions): ObjectStore & { close(): void } {
  const { bucket, nowMs = Date.now } = options;
  const place = connectS3(options);
  const localCopy = objectCache({
    folder: options.cacheFolder,
    limitBytes: options.cacheLimitBytes ?? 20 * 1024 ** 3,
    nowMs,
  });

  return {
    async get(key, range) {
      checkKey(key);
      checkRange(range, key);
      return guarded('read an object', { bucket, key }, () => readObject(place, key, range));
    },
    async put(key, body) {
      checkKey(key);
      await guarded('write an object', { bucket, key }, () => writeObject(place, key, body, 'replace'));
    },
    async putIfAbsent(key, body) {
      checkKey(key);
      return guarded('write an object', { bucket, key }, () => writeObject(place, key, body, 'create'));
    },
    async *list(prefix, { after = '' } = {}) {
      checkPrefix(prefix);
      yield* listObjects(place, prefix, after);
    },
    async delete(key) {
      checkKey(key);
      await guarded('delete an object', { bucket, key }, () => deleteObject(place, key));
    },
    async localPath(key) {
      checkKey(key);
      return guarded('copy an object to a local file', { bucket, key }, () => localPath(place, key, localCopy));
    },
    close: () => place.client.destroy(),
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html; S3 has no empty ranges, 416 is a start past the end. */
async function readObject(place: Place, key: string, range: ByteRange | undefined): Promise<Uint8Array | undefined> {
  const { client, bucket: Bucket } = place;
  if (range !== undefined && range.start === range.end) {
    const head = await headObject(place, key);
    return head === undefined ? undefined : new Uint8Array();
  }
  const last = range === undefined || range.end === Number.POSITIVE_INFINITY ? '' : range.end - 1;
  const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${last}` };
  try {
    const found = await orMissing(client.send(new GetObjectCommand({ Bucket, Key: key, ...Range })));
    return found === undefined ? undefined : ((await found.Body?.transformToByteArray()) ?? new Uint8Array());
  } catch (error) {
    if (statusOf(error) === 416) return new Uint8Array();
    throw error;
  }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html: pages of 1,000 in byte order of the keys. */
async function* listObjects(place: Place, prefix: string, after: string): AsyncGenerator<ObjectEntry> {
  const input = {
    Bucket: place.bucket,
    Prefix: prefix,
    EncodingType: 'url',
    ...(after === '' ? {} : { StartAfter: after }),
  } as const;
  let token: string | undefined;
  try {
    do {
      const continued = token === undefined ? {} : { ContinuationToken: token };
      const page = await place.client.send(new ListObjectsV2Command({ ...input, ...continued }));
      for (const object of page.Contents ?? []) {
        const encoded = object.Key ?? '';
        const key = page.EncodingType === 'url' ? decodeURIComponent(encoded.replaceAll('+', ' ')) : encoded;
        // Other programs mark folders by empty objects with a trailing slash.
        if (key.endsWith('/')) continue;
        yield { key, sizeBytes: object.Size ?? 0, modifiedMs: object.LastModified?.getTime() ?? 0 };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  } catch (error) {
    throw storeFailure('list objects', { bucket: place.bucket, key: prefix }, error);
  }
}

async function deleteObject(place: Place, key: string): Promise<void> {
  await orMissing(place.client.send(new DeleteObjectCommand({ Bucket: place.bucket, Key: key })));
}

/** The object may be replaced or removed between the question and the download: then it is asked again. */
async function localPath(place: Place, key: string, localCopy: ObjectCache): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const head = await headObject(place, key);
    if (head === undefined) return undefined;
    const etag = head.ETag ?? '';
    const object = { store: place.name, key, etag, sizeBytes: head.ContentLength ?? 0 };
    try {
      return await localCopy(object, (path) => download(place, key, etag, path));
    } catch (error) {
      const hasChanged = [404, 412].includes(statusOf(error) ?? 0);
      if (!hasChanged || attempt >= place.maxAttempts) throw error;
    }
  }
}

async function download(place: Place, key: string, etag: string, path: string): Promise<void> {
  const input = { Bucket: place.bucket, Key: key, ...(etag === '' ? {} : { IfMatch: etag }) };
  const { Body } = await place.client.send(new GetObjectCommand(input));
  if (!(Body instanceof Readable)) throw new Error('expected a body to read, got none');
  await pipeline(Body, createWriteStream(path));
}
