import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import canonicalize from 'canonicalize';

import { camerasOf, type Camera } from '../../camera.ts';
import { deterministicUlid } from '../../deterministic-ulid.ts';
import { FrameColumns } from '../../frame-columns.ts';
import { robotTypeName, type RobotType } from '../../robot-type.ts';
import { ImportError, type ImportInput, type ImportSummary } from '../import-summary.ts';
import { importIdOf } from '../import-tables.ts';
import { clipOfImages, type ClipToLand } from '../episode-clip.ts';
import { landEpisodes } from '../land-episodes.ts';
import type { EpisodeClip, SourceEpisode } from '../source-episode.ts';
import type { TableReader } from '../table.ts';
import { Tally } from '../tally.ts';
import { descriptionFile, readRoomsDescription, roomsLabels, type RoomsDescription } from './description.ts';
import { beamName, roomsCamera } from './draft-rooms.ts';
import { readPng } from './read-png.ts';
import { roomsFrames, type RoomsFrame } from './rooms-frames.ts';

export interface RoomsInput extends ImportInput {
  readonly type: RobotType;
  /** Reads Parquet and text tables. */
  readonly labels: TableReader;
  readonly ranges: TableReader;
  /** JPEG of pixels that were read here. */
  readonly toJpeg: (rgb: Uint8Array, width: number, height: number) => Promise<Uint8Array>;
  readonly landClip: (clip: ClipToLand) => Promise<void>;
  readonly isAgain: boolean;
}

const site = 'simulator';
/** Episodes are shared among so many robots and days, so that whole robot-days can be held out. */
const mostRobots = 20;
const mostDays = 60;
const firstDayUs = Date.parse('2025-01-06T08:00:00Z') * 1000;
const dayUs = 86_400_000_000;
/** Between two episodes of a robot, µs. */
const pauseUs = 2_000_000;
const mostClipBytes = 256 * 1024 * 1024;

/**
 * Imports a data set of `flywheel simulate export`: LIDAR as readings, images as a clip of each episode, the label that the robot type's actions name as
 * what an expert would have said. The same folder and robot type make the same bytes. Memory is that of an episode.
 */
export async function importRooms(input: RoomsInput): Promise<ImportSummary> {
  const { path: folder, type } = input;
  const description = await readRoomsDescription(folder);
  const { camera, label } = fitting(type, description);
  const files = ['dataset.json', 'labels.parquet', 'lidar.csv'].map((name) => ({ path: join(folder, name), name }));
  const read = { rows: 0 };
  const episodes = episodesOf(input, description, { camera, label, names: namesOf(type) }, read);
  const importId = input.isAgain ? undefined : await importIdOf({ format: 'rooms', files, map: null, type });
  const landed = await landEpisodes(input, { importId, type, site, agentVersion: 'importer-rooms', episodes });
  if (read.rows !== description.frames)
    throw new ImportError(
      `expected the ${description.frames} frames that the description says, got ${read.rows} [file=${descriptionFile(folder)}]`,
    );
  return { format: 'rooms', robotType: robotTypeName(type), rows: read.rows, ...landed, ...new Tally().result() };
}

const namesOf = ({ actions }: RobotType): readonly string[] => (actions.kind === 'discrete' ? actions.names : []);

/** The camera and the label column of a robot type that is of this data set; refuses another, in words. */
function fitting(type: RobotType, { camera, lidar, kinds }: RoomsDescription) {
  const label = roomsLabels.find((name) => canonicalize(kinds[name]) === canonicalize(namesOf(type)));
  const own = camerasOf(type).find(({ name }) => name === roomsCamera);
  const problem =
    label === undefined
      ? `actions that are the kinds of ${roomsLabels.join(' or ')} of the data set, in its order`
      : own?.width !== camera.width || own.height !== camera.height
        ? `a camera ${roomsCamera} of ${camera.width} × ${camera.height} pixels`
        : type.observations.length !== lidar.beams ||
            type.observations.some(({ name }, beam) => name !== beamName(beam))
          ? `observations ${beamName(0)} to ${beamName(lidar.beams - 1)}, one for each beam of the LIDAR`
          : undefined;
  if (problem === undefined && own !== undefined && label !== undefined) return { camera: own, label };
  throw new ImportError(
    `expected a robot type with ${problem}, got ${robotTypeName(type)}: \`flywheel robot-types infer rooms\` drafts one`,
  );
}

interface Taught {
  readonly camera: Camera;
  readonly label: (typeof roomsLabels)[number];
  readonly names: readonly string[];
}

async function* episodesOf(
  input: RoomsInput,
  description: RoomsDescription,
  { camera, label, names }: Taught,
  read: { rows: number },
): AsyncGenerator<SourceEpisode> {
  const source = createHash('sha256')
    .update(canonicalize(description) ?? '')
    .digest('hex')
    .slice(0, 8);
  let open: RoomsFrame[] = [];
  const finish = (): Promise<SourceEpisode> =>
    episodeOf(input, description, { camera, source, frames: open, firstRow: read.rows - open.length });
  for await (const frame of roomsFrames(input, description, { label, names })) {
    const [first] = open;
    if (first !== undefined && first.episode !== frame.episode) {
      yield await finish();
      open = [];
    }
    if (frame.frame !== open.length)
      throw new ImportError(`expected frame ${open.length} of episode ${frame.episode}, got ${frame.frame}`);
    open.push(frame);
    read.rows += 1;
  }
  if (open.length > 0) yield await finish();
}

interface Opened {
  readonly camera: Camera;
  readonly source: string;
  readonly frames: readonly RoomsFrame[];
  readonly firstRow: number;
}

async function episodeOf(
  input: RoomsInput,
  description: RoomsDescription,
  { camera, source, frames, firstRow }: Opened,
): Promise<SourceEpisode> {
  const number = frames[0]?.episode ?? 0;
  const robots = Math.min(mostRobots, Math.ceil(description.episodes / 3));
  const robotId = `rooms-${source}-${String(number % robots).padStart(2, '0')}`;
  const startedAtUs = startOf(Math.floor(number / robots), Math.ceil(description.episodes / robots), description);
  const name = `rooms:${source}:${number}`;
  const id = deterministicUlid(name, Math.floor(startedAtUs / 1000));
  const clip = await clipOf(input, { camera, frames, robotId, episodeId: id, startedAtUs });
  return {
    name,
    id,
    robotId,
    task: input.type.tasks[0] ?? '',
    outcome: 'success',
    failureReason: null,
    isDemonstration: true,
    at: { value: String(number), firstRow, rows: frames.length },
    frames: FrameColumns.of(
      frames.map(({ timestampUs, ranges, action }) => ({
        atUs: startedAtUs + timestampUs,
        observation: ranges,
        action: Float32Array.of(action),
      })),
    ),
    clips: [clip],
  };
}

/** The `turn`-th episode of a robot that has `turns`: spread over days, one after the other within a day. */
function startOf(turn: number, turns: number, { framesPerEpisode, rateHz }: RoomsDescription): number {
  const perDay = Math.ceil(turns / mostDays);
  const lengthUs = Math.ceil((framesPerEpisode * 1e6) / rateHz) + pauseUs;
  return firstDayUs + Math.floor(turn / perDay) * dayUs + (turn % perDay) * lengthUs;
}

interface Filmed {
  readonly camera: Camera;
  readonly frames: readonly RoomsFrame[];
  readonly robotId: string;
  readonly episodeId: string;
  readonly startedAtUs: number;
}

async function clipOf(
  input: RoomsInput,
  { camera, frames, robotId, episodeId, startedAtUs }: Filmed,
): Promise<EpisodeClip> {
  const jpegs: Uint8Array[] = [];
  let bytes = 0;
  for (const { image } of frames) {
    const jpeg = await input.toJpeg(await pixelsOf(join(input.path, image), camera), camera.width, camera.height);
    bytes += jpeg.length;
    if (bytes > mostClipBytes)
      throw new ImportError(`expected at most ${mostClipBytes} bytes of images of an episode, got more`);
    jpegs.push(jpeg);
  }
  const images = frames.map(({ timestampUs }, index) => ({
    atUs: startedAtUs + timestampUs,
    jpeg: jpegs[index] ?? new Uint8Array(),
  }));
  const { bytes: whole, clip } = await clipOfImages(camera, images);
  await input.landClip({
    robotId,
    site,
    episodeId,
    camera: camera.name,
    sha256: clip.sha256,
    bytes: whole,
    startedAtUs,
  });
  return clip;
}

/** More than the pixels of an image take in any case. */
const fileSlack = 4096;

async function pixelsOf(file: string, { width, height }: Camera): Promise<Uint8Array> {
  const found = await lstat(file).catch(() => undefined);
  const most = 2 * 3 * width * height + fileSlack;
  if (found?.isFile() !== true || found.size > most)
    throw new ImportError(
      `expected an image of at most ${most} bytes, got ${found?.isFile() === true ? found.size : 'no such file'} [file=${file}]`,
    );
  try {
    return readPng(await readFile(file), width, height);
  } catch (cause) {
    if (cause instanceof TypeError) throw new ImportError(`${cause.message} [file=${file}]`, { cause });
    throw cause;
  }
}
