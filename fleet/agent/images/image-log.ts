import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';

import { z } from 'zod';

import { cameraSchema, type Camera } from '../../../datasets/camera.ts';
import { ulidSchema } from '../../protocol/index.ts';
import { createAppendOnlyFile, type AppendOnlyFile, type SyncDescriptor } from '../recording/append-only-file.ts';
import { frameRecord, recordsOf } from '../recording/framed-log.ts';
import { imageFormats, type ImageFormat } from './image-format.ts';

/** Longest record of a log of images; numbers have a log of their own, with a limit of theirs. */
export const maxImageRecordBytes = 64 * 1024 * 1024;
/** Before the bytes of an image: its format, and its instant as a float64 (LE). */
const prefixBytes = 9;

/** First record of a log: whose images follow. The robot type may have changed by the time they become a clip. */
const headSchema = z.object({ episodeId: ulidSchema, camera: cameraSchema });
export type ImageLogHead = z.infer<typeof headSchema>;

/** The images of one camera in one episode, in the order they came. */
export interface ImageLog extends Pick<AppendOnlyFile, 'file' | 'sizeBytes' | 'sync' | 'close'> {
  readonly images: () => number;
  /** As {@link AppendOnlyFile.append}; `atUs` is later than the image's before. */
  append(format: ImageFormat, atUs: number, bytes: Uint8Array): void;
}

export const imageLogName = (episodeId: string, camera: string): string => `${episodeId}.${camera}.images`;

/** Episode and camera from the name of a log; undefined for any other file. */
export function parseImageLogName(name: string): { readonly episodeId: string; readonly camera: string } | undefined {
  const [, episodeId, camera] = /^([0-9A-HJKMNP-TV-Z]{26})\.([a-z0-9][a-z0-9-]{0,62})\.images$/.exec(name) ?? [];
  return episodeId === undefined || camera === undefined ? undefined : { episodeId, camera };
}

/** Bytes that an image of `size` bytes takes in a log. */
export const imageRecordBytes = (size: number): number => 8 + prefixBytes + size;

/** Starts a log; the file must not exist. */
export function createImageLog(file: string, episodeId: string, camera: Camera, sync: SyncDescriptor): ImageLog {
  const opened = createAppendOnlyFile(file, sync);
  let images = 0;
  try {
    opened.append(frameRecord(Buffer.from(JSON.stringify({ episodeId, camera }))));
  } catch (cause) {
    opened.close();
    rmSync(file, { force: true });
    throw cause;
  }
  return {
    ...opened,
    images: () => images,
    append(format, atUs, bytes) {
      const payload = Buffer.allocUnsafe(prefixBytes + bytes.length);
      payload.writeUInt8(imageFormats.indexOf(format), 0);
      payload.writeDoubleLE(atUs, 1);
      payload.set(bytes, prefixBytes);
      opened.append(frameRecord(payload, maxImageRecordBytes));
      images += 1;
    },
  };
}

export interface LoggedImage {
  readonly format: ImageFormat;
  readonly atUs: number;
  readonly bytes: Buffer;
}

/** What a log holds. */
export interface OpenedImageLog {
  /** Undefined where not even that was written whole. */
  readonly head: ImageLogHead | undefined;
  /** From the first to the last whole one, one in memory at a time; may be asked for again. */
  images(): AsyncGenerator<LoggedImage, void, undefined>;
  close(): Promise<void>;
}

export async function openImageLog(file: string): Promise<OpenedImageLog> {
  const handle = await open(file, 'r');
  try {
    const first = await recordsOf(handle, maxImageRecordBytes).next();
    const head = first.done === true ? undefined : headOf(first.value.payload);
    return { head, images: () => imagesIn(handle), close: () => handle.close() };
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

function headOf(payload: Buffer): ImageLogHead | undefined {
  try {
    return headSchema.parse(JSON.parse(payload.toString('utf8')));
  } catch {
    return undefined;
  }
}

async function* imagesIn(handle: Awaited<ReturnType<typeof open>>): AsyncGenerator<LoggedImage, void, undefined> {
  let isHead = true;
  for await (const { payload } of recordsOf(handle, maxImageRecordBytes)) {
    const format = imageFormats[payload[0] ?? -1];
    if (!isHead && format !== undefined && payload.length > prefixBytes)
      yield { format, atUs: payload.readDoubleLE(1), bytes: payload.subarray(prefixBytes) };
    isHead = false;
  }
}

/** How many images a log holds; 0 for what cannot be read. */
export async function countImages(file: string): Promise<number> {
  const log = await openImageLog(file);
  try {
    let count = 0;
    for await (const { bytes } of log.images()) if (bytes.length > 0) count += 1;
    return count;
  } finally {
    await log.close();
  }
}
