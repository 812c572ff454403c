import path from 'node:path';
import { readdir } from 'node:fs/promises';

import sharp from 'sharp';

import { scitosG5Type } from '../../../../datasets/built-in-robot-types.ts';
import type { Camera } from '../../../../datasets/camera.ts';
import type { RobotType } from '../../../../datasets/robot-type.ts';
import { sharpToJpeg } from '../../../../fleet/agent/adapters/sharp-jpeg.ts';
import type { ClipMaker } from '../../../../fleet/agent/images/clip-maker.ts';
import { makeJpegClip } from '../../../../fleet/agent/images/jpeg-clip.ts';
import { openImageLog, parseImageLogName } from '../../../../fleet/agent/images/image-log.ts';

const base: Omit<Camera, 'name'> = {
  width: 32,
  height: 24,
  rateHz: 10,
  colour: 'rgb',
  codec: 'jpeg',
  learned: { width: 16, height: 12 },
  mayLeaveRobot: true,
};
export const front: Camera = { ...base, name: 'front' };
export const side: Camera = { ...base, name: 'side', width: 16, height: 16, colour: 'grey' };
export const inside: Camera = { ...base, name: 'inside', mayLeaveRobot: false };

/** A robot that sees: in front, aside in grey, and inside, which is nobody's business. */
export const seeingType: RobotType = { ...scitosG5Type, cameras: [front, side, inside] };

/** Raw pixels; each `seed` another image. */
export function rawImage({ width, height, colour }: Camera, seed: number): Uint8Array {
  const channels = colour === 'rgb' ? 3 : 1;
  return Uint8Array.from({ length: width * height * channels }, (_, at) => (at * 3 + seed * 37) % 256);
}

const raw = (camera: Camera, seed: number) =>
  sharp(rawImage(camera, seed), {
    raw: { width: camera.width, height: camera.height, channels: camera.colour === 'rgb' ? 3 : 1 },
  });
export const jpegImage = (camera: Camera, seed: number): Promise<Uint8Array> => raw(camera, seed).jpeg().toBuffer();
export const pngImage = (camera: Camera, seed: number): Promise<Uint8Array> => raw(camera, seed).png().toBuffer();

export interface ReadLog {
  readonly episodeId: string;
  readonly camera: string;
  readonly images: readonly { readonly format: string; readonly atUs: number; readonly bytes: Buffer }[];
}

/** Every log of images on a robot's disk. */
export async function readLogs(directory: string): Promise<readonly ReadLog[]> {
  const logs: ReadLog[] = [];
  for (const name of (await readdir(path.join(directory, 'images'))).toSorted()) {
    const { episodeId, camera } = parseImageLogName(name)!;
    const log = await openImageLog(path.join(directory, 'images', name));
    const images: ReadLog['images'][number][] = [];
    for await (const image of log.images()) images.push(image);
    logs.push({ episodeId, camera, images });
    await log.close();
  }
  return logs;
}

/** Makes clips in this process, and never codes them. */
export const plainClipMaker: ClipMaker = {
  check: async () => undefined,
  make: (log, target) => makeJpegClip(log, target, sharpToJpeg),
};
