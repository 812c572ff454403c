import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';

import sharp, { type Sharp } from 'sharp';

import { ClipError } from '../../datasets/media/clip-format.ts';
import { jpegSize } from '../../datasets/media/jpeg-size.ts';
import type { Clip } from '../../datasets/media/read-clip.ts';

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
/** Pixels that decoders add to a side for their own use. */
const decoderMargin = 128;

export interface ImageShape {
  readonly width: number;
  readonly height: number;
  readonly form: 'jpeg' | 'rgb' | 'grey';
}

export interface OpenClip {
  readonly file: FileHandle;
  readonly path: string;
  readonly clip: Clip;
}

/** Images of a clip of motion JPEG in a shape, one after another, those that are wanted. Throws ClipError for one that cannot be decoded. */
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
    else if (shape.form !== 'jpeg') yield* together;
    else yield* inOrder(together, (pixels) => shaped(sharp(pixels, rawOf(shape)), 'jpeg'));
  }
}

/** Small images of the wanted size are decoded by one pipeline as rows of one picture: a pipeline of its own costs 1 ms for each, whatever its size. */
const joinedAtOnce = 64;
const largestJoined = 128 * 96;

const isJoinable = ({ width, height }: Clip, shape: ImageShape): boolean =>
  shape.width === width && shape.height === height && width * height <= largestJoined;

const rawOf = ({ width, height }: Pick<ImageShape, 'width' | 'height'>) =>
  ({ raw: { width, height, channels: 3 } }) as const;

/** As pixels. Undefined where anything is wrong with one of them: one by one they say what. */
async function decodedTogether(
  opened: OpenClip,
  shape: ImageShape,
  indexes: readonly number[],
): Promise<readonly Buffer[] | undefined> {
  if (indexes.length < 2) return undefined;
  try {
    const images: Buffer[] = [];
    for (const index of indexes) images.push(await jpegBytes(opened, index));
    const { width, height } = opened.clip;
    const joined = sharp(images, { ...strict, limitInputPixels: width * height, join: { across: 1 } });
    const pixels = await shaped(joined, shape.form === 'grey' ? 'grey' : 'rgb');
    const bytes = width * height * (shape.form === 'grey' ? 1 : 3);
    if (pixels.length !== bytes * images.length) return undefined;
    return images.map((_, place) => pixels.subarray(place * bytes, (place + 1) * bytes));
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

export const isLargeJpegClip = ({ codec, width, height, samples }: Clip): boolean =>
  codec === 'jpeg' && samples.length * width * height >= fewestPixelsForFfmpeg;

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
  for (let index = 0; index < opened.clip.samples.length; index += 1) await jpegBytes(opened, index);
  yield* codedClipImages(ffmpeg, opened, shape, isWanted);
}

async function jpegImage(opened: OpenClip, shape: ImageShape, index: number): Promise<Uint8Array> {
  const { clip } = opened;
  const buffer = await jpegBytes(opened, index);
  try {
    const image = sharp(buffer, { ...strict, limitInputPixels: clip.width * clip.height });
    // As a robot scales what its policy sees: a model must not learn from other pixels than it gets.
    const scaled = image.resize(shape.width, shape.height, { fit: 'fill', fastShrinkOnLoad: false });
    return await shaped(scaled, shape.form);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ClipError('undecodable', `expected image ${index} to decode, got: ${why.slice(0, mostSaid)}`);
  }
}

/**
 * Images of a clip that ffmpeg decodes and scales: all are decoded, because an image may need those before it. ffmpeg opens nothing but this
 * file, with these decoders, and no image of more pixels than the clip says.
 */
export async function* codedClipImages(
  ffmpeg: string,
  { path, clip }: OpenClip,
  shape: ImageShape,
  isWanted: (index: number) => boolean,
): AsyncGenerator<Uint8Array> {
  const pixelBytes = shape.form === 'grey' ? 1 : 3;
  let index = 0;
  for await (const pixels of rawImages(
    ffmpeg,
    ffmpegArguments(path, clip, shape),
    shape.width * shape.height * pixelBytes,
  )) {
    if (index >= clip.samples.length)
      throw new ClipError('damaged', `expected ${clip.samples.length} images as the clip says, got more`);
    if (isWanted(index)) {
      yield shape.form === 'jpeg' ? await shaped(sharp(pixels, rawOf(shape)), 'jpeg') : pixels;
    }
    index += 1;
  }
  if (index < clip.samples.length)
    throw new ClipError('undecodable', `expected ${clip.samples.length} images as the clip says, got ${index}`);
}

async function shaped(image: Sharp, form: ImageShape['form']): Promise<Buffer> {
  if (form === 'grey') return image.greyscale().raw().toBuffer();
  const colour = image.toColourspace('srgb');
  if (form === 'rgb') return colour.removeAlpha().raw().toBuffer();
  return colour.jpeg({ quality: trainingQuality, chromaSubsampling: '4:4:4', optimiseCoding: false }).toBuffer();
}

/**
 * As sharp scales, but for three levels of 255 at most and a third of one on average (decision 087); without the flags colours of neighbours run
 * into each other. https://ffmpeg.org/ffmpeg-scaler.html
 */
const scaling = 'lanczos+accurate_rnd+full_chroma_int+full_chroma_inp';

function ffmpegArguments(path: string, clip: Clip, { width, height, form }: ImageShape): readonly string[] {
  const format = form === 'grey' ? 'gray' : 'rgb24';
  return [
    ...words('-nostdin -hide_banner -loglevel error -protocol_whitelist file,pipe -threads 1 -filter_threads 1'),
    ...words(`-codec_whitelist ${clip.codec === 'jpeg' ? 'mjpeg' : 'h264,libdav1d,libaom-av1,av1'} -noautorotate`),
    ...words(`-max_pixels ${(clip.width + decoderMargin) * (clip.height + decoderMargin)} -xerror -f mov -i`),
    `file:${path}`,
    ...words(`-map 0:v:0 -fps_mode passthrough -vf scale=${width}:${height}:flags=${scaling},format=${format}`),
    ...words('-f rawvideo pipe:1'),
  ];
}

/** What a program writes on its standard output, cut into pieces of one size; ends it when nobody wants more. */
async function* rawImages(program: string, args: readonly string[], bytes: number): AsyncGenerator<Buffer> {
  const child = spawn(program, args, { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, mostSaid)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  try {
    let held = Buffer.alloc(bytes);
    let filled = 0;
    for await (const chunk of child.stdout as AsyncIterable<Buffer>)
      for (let at = 0; at < chunk.length;) {
        const taken = chunk.copy(held, filled, at, at + bytes - filled);
        at += taken;
        filled += taken;
        if (filled < bytes) continue;
        yield held;
        held = Buffer.alloc(bytes);
        filled = 0;
      }
    const code = await ended;
    if (code !== 0 || said !== '')
      throw new ClipError(
        'undecodable',
        `expected a clip that decodes, got: ${said.trim() || `ffmpeg ended with ${code}`}`,
      );
  } finally {
    child.kill('SIGKILL');
  }
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
