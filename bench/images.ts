import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import sharp from 'sharp';

import { clipDecoderProcess } from '../activities/adapters/clip-decoder-process.ts';
import { DecodedClips } from '../activities/media/decoded-clips.ts';
import { writeClip } from '../datasets/media/write-clip.ts';
import { xorshift } from './images/noise.ts';
import { peakRssOf } from './images/rss.ts';
import { toolPath } from '../tools/tool.ts';

export interface ImagesBenchOptions {
  readonly seed: number;
  /** Clips of the smaller of two measurements of memory, and of each round. */
  readonly clips: number;
  /** Images of a clip. */
  readonly images: number;
  readonly rounds: number;
  readonly progress: (line: string) => void;
}

export interface ImagesBenchResult {
  readonly leg: 'images';
  readonly clips: number;
  readonly imagesPerClip: number;
  /** Images a second of ours: hash of the clip, decoding, scaling, JPEG, kept file. */
  readonly ours: number;
  /** Images a second of ffmpeg: decoding, scaling, raw file; one thread. Ours has ffmpeg decode and scale on one thread, and encodes on another meanwhile. */
  readonly reference: number;
  readonly ratio: number;
  /** Of this process and the decoder's, with so many clips and with four times as many. */
  readonly peakRssBytes: number;
  readonly peakRssBytesOfFourTimes: number;
}

interface Clip {
  readonly path: string;
  readonly sha256: string;
}

const recorded = { width: 640, height: 480 };
const learned = { width: 96, height: 72 };
const fourTimes = 4;

/** How fast clips of a camera become images of training sets, against ffmpeg on the same clips; the medians of the rounds count. */
export async function measureImages(options: ImagesBenchOptions): Promise<ImagesBenchResult> {
  const { seed, clips: count, images, rounds, progress } = options;
  const ffmpeg = await toolPath('ffmpeg');
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-images-'));
  try {
    const clips: Clip[] = [];
    for (let n = 0; n < fourTimes * count; n += 1)
      clips.push(await makeClip(join(directory, `${n}.mp4`), seed + n, images));
    const decoder = clipDecoderProcess({ ffmpeg });
    let folders = 0;
    const decodeAll = async (some: readonly Clip[]): Promise<void> => {
      // A folder of its own, so that nothing is kept from before.
      const decoded = new DecodedClips({ scratchDirectory: join(directory, `scratch-${(folders += 1)}`), decoder });
      for (const clip of some) await (await decoded.open(clip, learned, () => undefined)).close();
    };
    const reference = async (): Promise<void> => {
      for (const { path } of clips.slice(0, count)) await scaleByFfmpeg(ffmpeg, path, join(directory, 'raw'));
    };
    const own: number[] = [];
    const theirs: number[] = [];
    await decodeAll(clips.slice(0, 1));
    for (let round = 0; round < rounds; round += 1) {
      theirs.push((count * images) / (await secondsOf(reference)));
      own.push((count * images) / (await secondsOf(() => decodeAll(clips.slice(0, count)))));
      progress(`round ${round + 1}: ${own.at(-1)?.toFixed(0)} images a second, ffmpeg ${theirs.at(-1)?.toFixed(0)}`);
    }
    const peakRssBytes = await peakRssOf(() => decodeAll(clips.slice(0, count)));
    const peakRssBytesOfFourTimes = await peakRssOf(() => decodeAll(clips));
    const [ours, other] = [median(own), median(theirs)];
    return {
      leg: 'images',
      clips: count,
      imagesPerClip: images,
      ours,
      reference: other,
      ratio: ours / other,
      peakRssBytes,
      peakRssBytesOfFourTimes,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A textured picture with noise that moves, as a camera's. */
async function makeClip(path: string, seed: number, images: number): Promise<Clip> {
  const { width, height } = recorded;
  const random = xorshift(seed);
  const jpegs: Buffer[] = [];
  for (let image = 0; image < images; image += 1) {
    const pixels = Buffer.alloc(width * height * 3);
    for (let at = 0; at < pixels.length; at += 1)
      pixels[at] = 128 + 80 * Math.sin((at % (width * 3)) / 90 + image / 5) + (random() % 24);
    jpegs.push(
      await sharp(pixels, { raw: { width, height, channels: 3 } })
        .jpeg()
        .toBuffer(),
    );
  }
  const known = jpegs.map(({ length }, index) => ({ atUs: index * 33_333, sizeBytes: length }));
  const pieces: Uint8Array[] = [];
  for await (const piece of writeClip({ ...recorded, periodUs: 33_333 }, known, jpegs)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  await writeFile(path, bytes);
  return { path, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function scaleByFfmpeg(ffmpeg: string, from: string, to: string): Promise<void> {
  const filter = `scale=${learned.width}:${learned.height},format=rgb24`;
  const input = ['-nostdin', '-v', 'error', '-threads', '1', '-filter_threads', '1', '-i', from];
  await promisify(execFile)(ffmpeg, [...input, '-fps_mode', 'passthrough', '-vf', filter, '-f', 'rawvideo', '-y', to]);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
