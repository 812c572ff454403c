import { cameraSchema, type Camera } from '../../camera.ts';
import { ImportError } from '../import-summary.ts';
import type { SourceFile } from '../table.ts';
import type { TableReader } from '../table.ts';
import { imageBytes } from './image-bytes.ts';
import { ImagesByRow } from './image-rows.ts';
import type { ImageTable } from './image-table.ts';
import { saidImage } from './images-in-rows.ts';
import type { VideoPorts } from './import-lerobot.ts';
import type { LeRobotFeature, LeRobotInfo } from './info.ts';
import { readEpisodes, type EpisodeMeta } from './meta.ts';
import { VideoFiles } from './video-files.ts';
import type { FoundVideo, VideoSource } from './video-source.ts';

interface DraftedCameras {
  readonly cameras: readonly { readonly camera: Camera; readonly column: string }[];
  readonly notes: readonly string[];
}

/** Cameras that a robot type may have. */
const mostCameras = 8;
/** Pixels along the longer side of what a model sees, unless a person says more. */
const learnedSide = 96;
const leastLearnedSide = 8;
/** Episodes whose videos, and rows whose images, are tried until one can be read. */
const mostTried = 20;
/** Of the rate: a video that is said to have 30 images a second may have 29.97. */
const sameRate = 0.005;

/** What it takes to measure videos and images. */
export type CameraSource = Pick<VideoPorts, 'source' | 'openImages'>;

/**
 * The cameras of a data set, with size and rate as measured in the first video or image of each that can be read; the others are notes. Images within the data
 * files have the data set's rate.
 */
export async function draftCameras(
  folder: string,
  info: LeRobotInfo,
  files: readonly SourceFile[],
  reader: TableReader,
  by: CameraSource | undefined,
): Promise<DraftedCameras> {
  const features = info.features.filter(({ kind }) => kind === 'video' || kind === 'image');
  if (features.length === 0) return { cameras: [], notes: [] };
  if (by === undefined) {
    const keys = features.map(({ key }) => key).join(', ');
    return { cameras: [], notes: [`videos and images are not imported without an ffmpeg: ${keys}`] };
  }
  const found = new Map([
    ...(await firstVideos(folder, info, reader, by.source)),
    ...(await firstImages(folder, info, files, by)),
  ]);
  const notes: string[] = [];
  const cameras: { readonly camera: Camera; readonly column: string }[] = [];
  for (const feature of features) {
    const measured = found.get(feature.key) ?? 'no images';
    const name = nameOf(feature, new Set(cameras.map(({ camera }) => camera.name)));
    const camera = typeof measured === 'string' ? measured : cameraOf(name, measured, info.fps);
    if (typeof camera === 'string') notes.push(`${feature.key} is left out: ${camera}`);
    else if (cameras.length >= mostCameras) notes.push(`${feature.key} is left out: at most ${mostCameras} cameras`);
    else cameras.push({ camera, column: feature.key });
  }
  if (cameras.length > 0)
    notes.push(
      'episodes without the video or the images of a camera are not taken: `"required": false` beside it takes their numbers',
      '`learned` of a camera is what a model sees of it: make it as large as the task needs',
    );
  return { cameras, notes };
}

type Found = readonly [key: string, found: FoundVideo | string];

async function firstVideos(
  folder: string,
  info: LeRobotInfo,
  reader: TableReader,
  source: VideoSource,
): Promise<readonly Found[]> {
  const features = info.features.filter(({ kind }) => kind === 'video');
  if (features.length === 0) return [];
  const keys = features.map(({ key }) => key);
  const tried = [...(await readEpisodes(folder, info, reader, keys))].slice(0, mostTried);
  const files = new VideoFiles(folder, info, features, source);
  const found: Found[] = [];
  for (const [place, key] of keys.entries()) found.push([key, await firstVideo(files, place, tried)]);
  return found;
}

async function firstImages(
  folder: string,
  info: LeRobotInfo,
  files: readonly SourceFile[],
  { openImages }: CameraSource,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const feature of info.features.filter(({ kind }) => kind === 'image')) {
    const table = await openImages();
    try {
      found.push([feature.key, await firstImage(folder, feature, files, table)]);
    } catch (error) {
      if (!(error instanceof ImportError)) throw error;
      found.push([feature.key, error.message]);
    } finally {
      await table.close();
    }
  }
  return found;
}

/** The size of the first image that is what the data set says; an image says no rate. */
async function firstImage(
  folder: string,
  feature: LeRobotFeature,
  [file]: readonly SourceFile[],
  table: ImageTable,
): Promise<FoundVideo | string> {
  let why = 'no images';
  const rows = file === undefined ? 0 : Math.min(mostTried, await table.rowCount(file.path));
  const images = new ImagesByRow(table, file === undefined ? [] : [file], feature.key);
  for await (const stored of images.from(0, rows)) {
    const found = await imageBytes(folder, stored);
    const image = typeof found === 'string' ? found : saidImage(found.bytes, feature);
    if (typeof image !== 'string') return { width: image.width, height: image.height, atUs: new Float64Array() };
    why = image;
  }
  return why;
}

async function firstVideo(
  files: VideoFiles,
  place: number,
  episodes: readonly (readonly [number, EpisodeMeta])[],
): Promise<FoundVideo | string> {
  let why = 'no episodes';
  for (const [index, meta] of episodes) {
    const file = await files.find(place, index, meta);
    if (typeof file !== 'string') return file.found;
    why = file;
  }
  return why;
}

function cameraOf(name: string, { width, height, atUs }: FoundVideo, fps: number): Camera | string {
  const steps = atUs
    .subarray(1)
    .map((at, index) => at - (atUs[index] ?? 0))
    .toSorted();
  const rateHz = 1e6 / (steps[Math.floor(steps.length / 2)] ?? 1e6 / fps);
  const shrink = Math.min(1, learnedSide / Math.max(width, height));
  const learned = (side: number): number => Math.max(leastLearnedSide, Math.round(side * shrink));
  const parsed = cameraSchema.safeParse({
    name,
    width,
    height,
    rateHz: Math.abs(rateHz - fps) <= sameRate * fps ? fps : Math.round(rateHz * 1000) / 1000,
    colour: 'rgb',
    codec: 'h264',
    learned: { width: learned(width), height: learned(height) },
    mayLeaveRobot: true,
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return `${issue?.path.join('.')}: ${issue?.message}`;
}

/** `observation.images.Top view` → top-view; one that is taken gets a number. */
function nameOf({ key }: LeRobotFeature, taken: ReadonlySet<string>): string {
  const last = key.split('.').at(-1) ?? '';
  const plain = last
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 50);
  const name = plain === '' ? 'camera' : plain;
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(free)) return free;
  }
}
