import sharp, { type Sharp } from 'sharp';

import { ClipError } from '../../datasets/media/clip-format.ts';
import { isPlainJpeg } from '../../datasets/media/jpeg-segments.ts';
import { jpegSize } from '../../datasets/media/jpeg-size.ts';
import type { Clip } from '../../datasets/media/read-clip.ts';
import { codedClipImages } from './ffmpeg-clip-images.ts';
import type { ImageShape, OpenClip } from './open-clip.ts';

/** The same images whatever the machine has: no cache, one thread; and no format but JPEG is ever opened. */
sharp.cache(false);
sharp.concurrency(1);
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadJpegBuffer'] });

/** Quality of JPEG images in training sets, of 100. */
const trainingQuality = 90;
const mostSaid = 2_000;
const strict = { failOn: 'warning', sequentialRead: true } as const;
/** Images that are decoded while one is taken away. */
const imagesAhead = 1;

/**
 * Images of a clip of motion JPEG in a shape, one after another, those that are wanted. Throws ClipError for one that cannot be decoded. A plain JPEG that has
 * the size already is given as it is: those are the pixels that its robot sees.
 */
export async function* jpegClipImages(
  opened: OpenClip,
  shape: ImageShape,
  isWanted: (index: number) => boolean,
): AsyncGenerator<Uint8Array> {
  const wanted = opened.clip.samples.flatMap((_, index) => (isWanted(index) ? [index] : []));
  if (!isJoinable(opened.clip, shape)) {
    yield* singleImages(opened, shape, wanted);
    return;
  }
  for (let start = 0; start < wanted.length; start += joinedAtOnce) {
    const group = wanted.slice(start, start + joinedAtOnce);
    const together = await decodedTogether(opened, shape, group);
    if (together === undefined) yield* singleImages(opened, shape, group);
    else if (shape.form !== 'jpeg') yield* together.map(({ pixels }) => pixels);
    else
      yield* inOrder(together, async ({ jpeg, pixels }) =>
        isPlainJpeg(jpeg) ? jpeg : shaped(sharp(pixels, rawOf(shape)), 'jpeg'),
      );
  }
}

/** Small images of the wanted size are decoded by one pipeline as rows of one picture: a pipeline of its own costs 1 ms for each, whatever its size. */
const joinedAtOnce = 64;
const largestJoined = 128 * 96;

const isJoinable = (clip: Clip, shape: ImageShape): boolean =>
  isOwnSize(clip, shape) && clip.width * clip.height <= largestJoined;

const isOwnSize = ({ width, height }: Clip, shape: ImageShape): boolean =>
  shape.width === width && shape.height === height;

const rawOf = ({ width, height }: Pick<ImageShape, 'width' | 'height'>) =>
  ({ raw: { width, height, channels: 3 } }) as const;

interface DecodedImage {
  readonly jpeg: Buffer;
  readonly pixels: Buffer;
}

/** With their pixels. Undefined where anything is wrong with one of them: one by one they say what. */
async function decodedTogether(
  opened: OpenClip,
  shape: ImageShape,
  indexes: readonly number[],
): Promise<readonly DecodedImage[] | undefined> {
  if (indexes.length < 2) return undefined;
  try {
    const images: Buffer[] = [];
    for (const index of indexes) images.push(await jpegBytes(opened, index));
    const { width, height } = opened.clip;
    const joined = sharp(images, { ...strict, limitInputPixels: width * height, join: { across: 1 } });
    const pixels = await shaped(joined, shape.form === 'grey' ? 'grey' : 'rgb');
    const bytes = width * height * (shape.form === 'grey' ? 1 : 3);
    if (pixels.length !== bytes * images.length) return undefined;
    return images.map((jpeg, place) => ({ jpeg, pixels: pixels.subarray(place * bytes, (place + 1) * bytes) }));
  } catch {
    return undefined;
  }
}

const singleImages = (opened: OpenClip, shape: ImageShape, indexes: readonly number[]): AsyncGenerator<Uint8Array> =>
  inOrder(indexes, (index) => jpegImage(opened, shape, index));

/** What work makes of each, one after the other; some are worked on while one is taken away. */
async function* inOrder<One>(all: Iterable<One>, work: (one: One) => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  const ahead: Promise<Uint8Array>[] = [];
  for (const one of all) {
    const image = work(one);
    // Its error is thrown when its turn comes.
    image.catch(() => undefined);
    ahead.push(image);
    if (ahead.length > imagesAhead) yield (await ahead.shift()) ?? new Uint8Array();
  }
  for (const image of ahead) yield image;
}

/** An image as the clip has it, of the size that the clip says. */
async function jpegBytes({ file, clip }: OpenClip, index: number): Promise<Buffer> {
  const { offset, sizeBytes } = clip.samples[index] ?? { offset: 0, sizeBytes: 0 };
  const { buffer, bytesRead } = await file.read(Buffer.alloc(sizeBytes), 0, sizeBytes, offset);
  if (bytesRead < sizeBytes) throw new ClipError('truncated', `expected ${sizeBytes} bytes of image ${index}`);
  const { width, height } = jpegSize(buffer);
  if (width !== clip.width || height !== clip.height)
    throw new ClipError(
      'otherSize',
      `expected image ${index} of ${clip.width}×${clip.height} pixels as the clip says, got ${width}×${height}`,
    );
  return buffer;
}

/** With fewer pixels starting ffmpeg takes longer than it saves: 30 images of 640 × 480. */
const fewestPixelsForFfmpeg = 30 * 640 * 480;

/** Whether ffmpeg is faster: it has to be started, and gives no image as it is. */
export const isForFfmpeg = (clip: Clip, shape: ImageShape): boolean =>
  clip.codec === 'jpeg' &&
  !isOwnSize(clip, shape) &&
  clip.samples.length * clip.width * clip.height >= fewestPixelsForFfmpeg;

/**
 * Images of a clip of motion JPEG in colour, through ffmpeg, which decodes them in 40 % of the time. Every image's header is read first: ffmpeg
 * would scale one of another size as well. What it refuses may still be an image: `jpegClipImages` has the last word.
 */
export async function* jpegClipImagesByFfmpeg(
  ffmpeg: string,
  opened: OpenClip,
  shape: ImageShape,
  isWanted: (index: number) => boolean,
): AsyncGenerator<Uint8Array> {
  const indexes = [...opened.clip.samples.keys()];
  for (let start = 0; start < indexes.length; start += headersAtOnce)
    await Promise.all(indexes.slice(start, start + headersAtOnce).map((index) => checkHeader(opened, index)));
  yield* codedClipImages(ffmpeg, opened, shape, isWanted);
}

const headersAtOnce = 32;
/** Within them the frame header stands in what cameras write. */
const headBytes = 1024;

/** Of an image of the clip's size it reads no more than it takes to see that. */
async function checkHeader(opened: OpenClip, index: number): Promise<void> {
  const { file, clip } = opened;
  const { offset, sizeBytes } = clip.samples[index] ?? { offset: 0, sizeBytes: 0 };
  const length = Math.min(sizeBytes, headBytes);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead < length || !hasSize(buffer, clip)) await jpegBytes(opened, index);
}

function hasSize(head: Uint8Array, { width, height }: Clip): boolean {
  try {
    const found = jpegSize(head);
    return found.width === width && found.height === height;
  } catch {
    return false;
  }
}

async function jpegImage(opened: OpenClip, shape: ImageShape, index: number): Promise<Uint8Array> {
  const { clip } = opened;
  const buffer = await jpegBytes(opened, index);
  try {
    const image = sharp(buffer, { ...strict, limitInputPixels: clip.width * clip.height });
    if (isOwnSize(clip, shape) && shape.form === 'jpeg' && isPlainJpeg(buffer)) {
      // It is taken as it is, once it decodes.
      await image.raw().toBuffer();
      return buffer;
    }
    // As a robot scales what its policy sees: a model must not learn from other pixels than it gets.
    const scaled = image.resize(shape.width, shape.height, { fit: 'fill', fastShrinkOnLoad: false });
    return await shaped(scaled, shape.form);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ClipError('undecodable', `expected image ${index} to decode, got: ${why.slice(0, mostSaid)}`);
  }
}

async function shaped(image: Sharp, form: ImageShape['form']): Promise<Buffer> {
  if (form === 'grey') return image.greyscale().raw().toBuffer();
  const colour = image.toColourspace('srgb');
  if (form === 'rgb') return colour.removeAlpha().raw().toBuffer();
  return colour.jpeg({ quality: trainingQuality, chromaSubsampling: '4:4:4', optimiseCoding: false }).toBuffer();
}
