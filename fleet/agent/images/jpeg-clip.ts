import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

import type { Camera } from '../../../datasets/camera.ts';
import { writeClip, type ImageOfClip } from '../../../datasets/media/write-clip.ts';
import { removeFile } from '../local/durable-files.ts';
import { NoClip, type MadeClip } from './clip-maker.ts';
import { openImageLog, type LoggedImage, type OpenedImageLog } from './image-log.ts';

/** JPEG of an image that came as PNG or raw pixels of the camera's size; throws for what cannot be decoded. */
export type ToJpeg = (camera: Camera, image: Pick<LoggedImage, 'format' | 'bytes'>) => Promise<Uint8Array>;

/** What a clip of motion JPEG is made of: the images that came as JPEG lie in the log, the others, converted, in a file beside the clip. */
interface Found {
  readonly images: readonly (ImageOfClip & { readonly isConverted: boolean })[];
  readonly lostImages: number;
}

/**
 * Writes a log's images as a clip of motion JPEG, one in memory at a time; each is converted once. On disk when it resolves. The same log gives the
 * same bytes, where `toJpeg` does. `onImage` hears of each image that is done.
 */
export async function makeJpegClip(
  file: string,
  target: string,
  toJpeg: ToJpeg,
  onImage: () => void = () => undefined,
): Promise<MadeClip & { readonly camera: Camera }> {
  const log = await openImageLog(file);
  const converted = `${target}.jpegs`;
  const beside = await open(converted, 'wx+');
  try {
    const { head } = log;
    if (head === undefined) throw new NoClip('expected a log of images that says of which camera it is, got none');
    const { camera } = head;
    const found = await convert(log, camera, { toJpeg, beside, onImage });
    const [first] = found.images;
    const last = found.images.at(-1);
    if (first === undefined || last === undefined)
      throw new NoClip(`expected images, got ${found.lostImages} that cannot be decoded and no other`);
    const periodUs = Math.max(1, Math.round(1e6 / camera.rateHz));
    const written = await write(
      target,
      writeClip({ ...camera, periodUs }, found.images, jpegs(log, found, beside, onImage)),
    );
    return {
      camera,
      images: found.images.length,
      lostImages: found.lostImages,
      firstUs: first.atUs,
      durationMs: Math.round((last.atUs + periodUs - first.atUs) / 1000),
      ...written,
    };
  } finally {
    await log.close();
    await beside.close();
    await removeFile(converted);
  }
}

async function convert(
  log: OpenedImageLog,
  camera: Camera,
  { toJpeg, beside, onImage }: { toJpeg: ToJpeg; beside: FileHandle; onImage: () => void },
): Promise<Found> {
  const images: Found['images'][number][] = [];
  let lostImages = 0;
  for await (const { format, atUs, bytes } of log.images()) {
    const isConverted = format !== 'jpeg';
    const jpeg = isConverted ? await toJpeg(camera, { format, bytes }).catch(() => undefined) : bytes;
    if (jpeg === undefined) lostImages += 1;
    else images.push({ atUs, sizeBytes: jpeg.length, isConverted });
    if (isConverted && jpeg !== undefined) await beside.writeFile(jpeg);
    onImage();
  }
  return { images, lostImages };
}

async function* jpegs(
  log: OpenedImageLog,
  { images }: Found,
  beside: FileHandle,
  onImage: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let next = 0;
  let besideAt = 0;
  for await (const { atUs, bytes } of log.images()) {
    const image = images[next];
    // One that could not be decoded.
    if (image?.atUs !== atUs) continue;
    next += 1;
    if (image.isConverted) {
      const { buffer } = await beside.read(Buffer.alloc(image.sizeBytes), 0, image.sizeBytes, besideAt);
      besideAt += image.sizeBytes;
      yield buffer;
    } else yield bytes;
    onImage();
  }
}

async function write(
  target: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  const handle = await open(target, 'wx');
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    for await (const piece of pieces) {
      await handle.writeFile(piece);
      hash.update(piece);
      sizeBytes += piece.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
