import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import sharp from 'sharp';

import { transcodeArguments } from '../../datasets/media/transcode-arguments.ts';
import { clipSize } from '../console/clip-episodes.ts';
import { clipOf } from '../datasets/media/clips.ts';

const periodUs = 100_000;

/** Bands of an image, black for 0 and white for 1: its number, whatever a coding does to shades. */
export const bands = 8;
const bandWidth = clipSize.width / bands;

/** A clip whose images are told apart by their bands, `count` of them, fewer than 256, ten a second. */
export async function bandedJpegClip(count: number): Promise<Uint8Array> {
  const images = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const isWhite = (at: number): boolean => ((index >> Math.floor((at % clipSize.width) / bandWidth)) & 1) === 1;
      const pixels = Uint8Array.from({ length: clipSize.width * clipSize.height }, (_unused, at) =>
        isWhite(at) ? 255 : 0,
      );
      const jpeg = await sharp(pixels, { raw: { ...clipSize, channels: 1 } })
        .toColourspace('srgb')
        .jpeg()
        .toBuffer();
      return { atUs: index * periodUs, jpeg };
    }),
  );
  return clipOf({ ...clipSize, periodUs }, images);
}

/** The same as a robot codes it; some images stand by themselves, most do not. */
export async function coded(ffmpeg: string, clip: Uint8Array, codec: 'h264' | 'av1'): Promise<Uint8Array> {
  const folder = await mkdtemp(path.join(tmpdir(), 'flywheel-bands-'));
  const [from, to] = [path.join(folder, 'from.mp4'), path.join(folder, 'to.mp4')];
  try {
    await writeFile(from, clip);
    await promisify(execFile)(ffmpeg, [...transcodeArguments({ from, to, codec, ...clipSize, keyEvery: 20 })], {
      env: { ...process.env, SVT_LOG: '1' },
    });
    return await readFile(to);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
