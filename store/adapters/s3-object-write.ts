import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';

import { failure } from '../failures.ts';
import type { ObjectBody } from '../object-store.ts';
import { bodyFile } from './object-store-guard.ts';
import { headObject, statusOf, type Place } from './s3-connection.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html: a single PUT takes no more. */
const maxPutBytes = 5 * 1024 ** 3;
const firstRetryDelayMs = 100;

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: `If-None-Match: *` answers 412 when the
 * key exists, 409 when another conditional write was under way, which is asked again. The answer to a first try may
 * get lost; the 412 of the next one may then be about our own object: the writer's id in its metadata tells.
 */
export async function writeObject(
  place: Place,
  key: string,
  body: ObjectBody,
  mode: 'replace' | 'create',
): Promise<'created' | 'exists'> {
  const writer = randomUUID();
  const IfNoneMatch = mode === 'create' ? { IfNoneMatch: '*' } : {};
  for (let attempt = 1; ; attempt++) {
    const content = await contentOf(body, key);
    try {
      const input = { Bucket: place.bucket, Key: key, Metadata: { writer }, ...IfNoneMatch, ...content };
      await place.client.send(new PutObjectCommand(input));
      return 'created';
    } catch (error) {
      if (mode === 'create' && statusOf(error) === 412) {
        const isFirstTry = attempt === 1 && error instanceof S3ServiceException && error.$metadata.attempts === 1;
        return !isFirstTry && (await writerOf(place, key)) === writer ? 'created' : 'exists';
      }
      if (mode === 'create' && statusOf(error) === undefined) {
        // a server that refuses before it has read the body may close the connection, and its 412 is lost with it
        const there = await headObject(place, key).catch(() => undefined);
        if (there !== undefined) return there.Metadata?.['writer'] === writer ? 'created' : 'exists';
      }
      if (attempt >= place.maxAttempts || !isWorthAnotherTry(error, content.Body)) throw error;
      await sleep(firstRetryDelayMs * 2 ** (attempt - 1));
    } finally {
      if (content.Body instanceof Readable) content.Body.destroy();
    }
  }
}

/** The SDK retries by itself what it still has in memory, but a stream that was read and a 409 it does not. */
function isWorthAnotherTry(error: unknown, body: Uint8Array | Readable): boolean {
  const status = statusOf(error);
  if (status === 409) return true;
  return body instanceof Readable && (status === undefined || status === 429 || status >= 500);
}

async function contentOf(body: ObjectBody, key: string) {
  if (body instanceof Uint8Array) return { Body: body, ContentLength: body.byteLength };
  const { path, sizeBytes } = await bodyFile(body.filePath, key);
  if (sizeBytes > maxPutBytes) {
    throw failure('InvalidInput', `expected an object of at most ${maxPutBytes} bytes, got ${sizeBytes}`, {
      coordinates: { key },
    });
  }
  return { Body: createReadStream(path), ContentLength: sizeBytes };
}

async function writerOf(place: Place, key: string): Promise<string | undefined> {
  return (await headObject(place, key))?.Metadata?.['writer'];
}
