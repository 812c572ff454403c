import { cameraSchema, type Camera } from '../../camera.ts';
import type { TableReader } from '../table.ts';
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
/** Episodes whose videos are tried until one can be read. */
const mostTried = 20;
/** Of the rate: a video that is said to have 30 images a second may have 29.97. */
const sameRate = 0.005;

/** The cameras of a data set, with size and rate as measured in the first video of each that can be read; the others are notes. */
export async function draftCameras(
  folder: string,
  info: LeRobotInfo,
  reader: TableReader,
  source: VideoSource | undefined,
): Promise<DraftedCameras> {
  const features = info.features.filter(({ kind }) => kind === 'video');
  const images = info.features.filter(({ kind }) => kind === 'image').map(({ key }) => key);
  const notes = images.length === 0 ? [] : [`images within the data files are not imported: ${images.join(', ')}`];
  const keys = features.map(({ key }) => key);
  if (features.length === 0) return { cameras: [], notes };
  if (source === undefined)
    return { cameras: [], notes: [...notes, `videos are not imported without an ffmpeg: ${keys.join(', ')}`] };
  const tried = [...(await readEpisodes(folder, info, reader, keys))].slice(0, mostTried);
  const files = new VideoFiles(folder, info, features, source);
  const cameras: { readonly camera: Camera; readonly column: string }[] = [];
  for (const [place, feature] of features.entries()) {
    const found = await firstVideo(files, place, tried);
    const name = nameOf(feature, new Set(cameras.map(({ camera }) => camera.name)));
    const camera = typeof found === 'string' ? found : cameraOf(name, found, info.fps);
    if (typeof camera === 'string') notes.push(`${feature.key} is left out: ${camera}`);
    else if (cameras.length >= mostCameras) notes.push(`${feature.key} is left out: at most ${mostCameras} cameras`);
    else cameras.push({ camera, column: feature.key });
  }
  if (cameras.length > 0)
    notes.push(
      'episodes without the video of a camera are not taken: `"required": false` beside it takes their numbers',
      '`learned` of a camera is what a model sees of it: make it as large as the task needs',
    );
  return { cameras, notes };
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
