import { open, writeFile, type FileHandle } from 'node:fs/promises';

import { appearanceMean, imageAppearance } from '../../datasets/media/clip-appearance.ts';
import { ClipError } from '../../datasets/media/clip-format.ts';
import { imageOfFrame } from '../../datasets/media/image-of-frame.ts';
import { readClip, type Clip } from '../../datasets/media/read-clip.ts';
import type { ClipLook, DecodedClip } from '../ports/clip-decoder.ts';
import type { ClipAnswer, ClipJob } from './clip-child-messages.ts';
import { isForFfmpeg, jpegClipImages, jpegClipImagesByFfmpeg } from './clip-images.ts';
import { codedClipImages } from './ffmpeg-clip-images.ts';
import type { ImageShape, OpenClip } from './open-clip.ts';

/** The process that clip-decoder-process.ts starts: one clip after the other, an answer to each. */
const beatMs = 500;
const writtenAtOnceBytes = 1024 * 1024;
/** Size at which images are looked at, unless they are smaller: enough to see that they are black or do not move. */
const lookWidth = 64;
const lookHeight = 48;
const darkest = 16;
const sameBelow = 0.1;

class DecoderMissing extends Error {}

const say = (answer: ClipAnswer): void => void process.send?.(answer);

async function answerTo(job: ClipJob): Promise<ClipAnswer> {
  const file = await open(job.clipPath);
  try {
    const { size: sizeBytes } = await file.stat();
    const clip = await readClip({ sizeBytes, read: (start, end) => readRange(file, start, end) });
    const opened = { file, path: job.clipPath, clip };
    return job.kind === 'look'
      ? { kind: 'look', look: await lookAt(opened, job.ffmpeg) }
      : { kind: 'decoded', decoded: await decode(opened, job) };
  } finally {
    await file.close();
  }
}

async function readRange(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
  return buffer.subarray(0, bytesRead);
}

function imagesOf(
  opened: OpenClip,
  ffmpeg: string | undefined,
  shape: ImageShape,
  isWanted: (index: number) => boolean = () => true,
): AsyncGenerator<Uint8Array> {
  if (opened.clip.codec === 'jpeg') return jpegClipImages(opened, shape, isWanted);
  if (ffmpeg === undefined) throw new DecoderMissing(opened.clip.codec);
  return codedClipImages(ffmpeg, opened, shape, isWanted);
}

type DecodeJob = Extract<ClipJob, { kind: 'decode' }>;

async function decode(opened: OpenClip, job: DecodeJob): Promise<DecodedClip> {
  const { ffmpeg, images } = job;
  const wanted = wantedOf(opened.clip, job);
  const isWanted = (index: number): boolean => wanted?.has(index) ?? true;
  // The images of sets, some or all, have the same bytes.
  const sizes =
    (ffmpeg !== undefined && images === undefined && isForFfmpeg(opened.clip, job)
      ? await writeImages(jpegClipImagesByFfmpeg(ffmpeg, opened, job, isWanted), job.outPath).catch(ofTheClip)
      : undefined) ?? (await writeImages(imagesOf(opened, ffmpeg, job, isWanted), job.outPath));
  const { codec, width, height, samples } = opened.clip;
  const atUs = samples.filter((_, index) => isWanted(index)).map((sample) => sample.atUs);
  return { codec, width, height, atUs, sizes };
}

function wantedOf({ samples }: Clip, { images, frames }: DecodeJob): ReadonlySet<number> | undefined {
  if (frames === undefined) return images === undefined ? undefined : new Set(images);
  const taken = samples.map(({ atUs }) => atUs);
  const seen = frames.instants.map((instant) => imageOfFrame(taken, instant, frames.periodUs));
  return new Set(seen.filter((image) => typeof image === 'number'));
}

function ofTheClip(error: unknown): undefined {
  if (!(error instanceof ClipError)) throw error;
}

/** Writes images one after another; the bytes of each. */
async function writeImages(images: AsyncGenerator<Uint8Array>, outPath: string): Promise<readonly number[]> {
  const sizes: number[] = [];
  async function* counted(): AsyncGenerator<Uint8Array> {
    let [held, heldBytes]: [Uint8Array[], number] = [[], 0];
    for await (const image of images) {
      sizes.push(image.length);
      beat(sizes.length);
      held.push(image);
      heldBytes += image.length;
      if (heldBytes < writtenAtOnceBytes) continue;
      yield Buffer.concat(held);
      [held, heldBytes] = [[], 0];
    }
    yield Buffer.concat(held);
  }
  await writeFile(outPath, counted());
  return sizes;
}

async function lookAt(opened: OpenClip, ffmpeg: string | undefined): Promise<ClipLook> {
  const { codec, width, height, samples } = opened.clip;
  let [dark, unchanged, seen] = [0, 0, 0];
  let before: Uint8Array | undefined;
  const appearance = appearanceMean();
  const isSmall = width <= lookWidth && height <= lookHeight;
  const size = isSmall ? { width, height } : { width: lookWidth, height: lookHeight };
  for await (const image of imagesOf(opened, ffmpeg, { ...size, form: 'grey' })) {
    if (image.every((value) => value <= darkest)) dark += 1;
    if (before !== undefined && meanDifference(before, image) <= sameBelow) unchanged += 1;
    before = image;
    appearance.add(imageAppearance(image, size.width));
    seen += 1;
    beat(seen);
  }
  return {
    codec,
    width,
    height,
    atUs: samples.map(({ atUs }) => atUs),
    dark,
    unchanged,
    appearance: appearance.mean(),
  };
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += Math.abs((a[at] ?? 0) - (b[at] ?? 0));
  return sum / a.length;
}

let beatenMs = 0;
function beat(images: number): void {
  if (performance.now() - beatenMs < beatMs) return;
  beatenMs = performance.now();
  say({ kind: 'progress', images });
}

process.on('disconnect', () => process.exit(1));
process.on('message', (job: ClipJob) => {
  answerTo(job).then(say, (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ClipError) say({ kind: 'refused', fault: error.fault, message });
    else if (error instanceof DecoderMissing) say({ kind: 'decoderMissing', codec: message });
    else say({ kind: 'failed', message });
  });
});
