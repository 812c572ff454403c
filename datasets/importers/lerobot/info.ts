import { z } from 'zod';

import { ImportError, quoted } from '../import-summary.ts';
import { readSourceText } from '../source-files.ts';

const featureSchema = z.looseObject({
  dtype: z.string().max(64),
  shape: z.array(z.int().min(0)).max(8),
  names: z.unknown().optional(),
});

/** What is read of `meta/info.json`; LeRobot writes more. */
const infoSchema = z.looseObject({
  codebase_version: z.string().max(32),
  robot_type: z.string().max(200).nullish(),
  fps: z.number().positive().max(100_000),
  total_episodes: z.int().min(0),
  total_frames: z.int().min(0),
  chunks_size: z.int().min(1).default(1_000),
  video_path: z.string().max(300).nullish(),
  features: z.record(z.string(), z.unknown()),
});

/** One number of a feature: how the map names it, and what the recording calls it. */
export interface LeRobotNumber {
  readonly column: string;
  readonly name: string;
}

export interface LeRobotFeature {
  readonly key: string;
  readonly kind: 'numbers' | 'video' | 'image' | 'other';
  /** Of `numbers`, in their order. */
  readonly numbers: readonly LeRobotNumber[];
  /** Pixels of a `video` or an `image`; undefined where its shape says none. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
}

export interface LeRobotInfo {
  readonly version: 'v2.1' | 'v3.0';
  readonly robotType: string;
  readonly fps: number;
  readonly episodes: number;
  readonly frames: number;
  /** Episodes of version 2.1 that a folder `chunk-…` holds. */
  readonly chunksSize: number;
  /** Where videos are, with `{video_key}` and numbers to fill in. */
  readonly videoPath: string;
  readonly features: readonly LeRobotFeature[];
}

const mostInfoBytes = 4 * 1024 * 1024;
const mostFeatures = 1_000;
/** The most numbers of one feature that can be mapped. */
const mostNumbers = 1_024;

const usualVideoPaths = {
  'v2.1': 'videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4',
  'v3.0': 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
} as const;

/** Where a data set says what it is. */
export const infoFile = (folder: string): string => `${folder}/meta/info.json`;

/** Reads `meta/info.json` of a LeRobot data set, version 2.1 or 3. */
export async function readLeRobotInfo(folder: string): Promise<LeRobotInfo> {
  const file = infoFile(folder);
  const text = await readSourceText(file, mostInfoBytes);
  const parsed = infoSchema.safeParse(parseJson(text, file));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ImportError(
      `expected meta/info.json of LeRobot, got: ${issue?.path.join('.')}: ${issue?.message} [file=${file}]`,
    );
  }
  const { codebase_version: version, features } = parsed.data;
  const known = /^v?2\.1/.test(version) ? 'v2.1' : /^v?3(\.|$)/.test(version) ? 'v3.0' : undefined;
  if (known === undefined) {
    throw new ImportError(
      `expected codebase_version v2.1 or v3.0, got ${quoted(version)}: LeRobot's own converters bring older ones up [file=${file}]`,
    );
  }
  const entries = Object.entries(features);
  if (entries.length > mostFeatures)
    throw new ImportError(`expected at most ${mostFeatures} features, got ${entries.length} [file=${file}]`);
  return {
    version: known,
    robotType: parsed.data.robot_type ?? '',
    fps: parsed.data.fps,
    episodes: parsed.data.total_episodes,
    frames: parsed.data.total_frames,
    chunksSize: parsed.data.chunks_size,
    videoPath: parsed.data.video_path ?? usualVideoPaths[known],
    features: entries.map(([key, value]) => featureOf(key, value, file)),
  };
}

/** JSON of a recording. */
export function parseJson(text: string, file: string, line?: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const where = line === undefined ? '' : `, line=${line}`;
    throw new ImportError(`expected JSON, got ${quoted(text.slice(0, 40))} [file=${file}${where}]`, { cause });
  }
}

const numeric = /^(float16|float32|float64|u?int(8|16|32|64)|bool)$/;

function featureOf(key: string, value: unknown, file: string): LeRobotFeature {
  const parsed = featureSchema.safeParse(value);
  if (!parsed.success)
    throw new ImportError(`expected dtype and shape of feature ${quoted(key)}, got none [file=${file}]`);
  const { dtype, shape, names } = parsed.data;
  if (dtype === 'video' || dtype === 'image') return { key, kind: dtype, numbers: [], size: sizeOf(shape, names) };
  const size = shape.length === 0 ? 1 : (shape[0] ?? 0);
  if (!numeric.test(dtype) || shape.length > 1 || size < 1 || size > mostNumbers)
    return { key, kind: 'other', numbers: [] };
  const named = namesOf(names, size);
  const short = key.replace(/^observation\./, '');
  const numbers = Array.from({ length: size }, (_, index): LeRobotNumber => {
    if (size === 1) return { column: key, name: named?.[0] ?? short };
    return { column: `${key}[${index}]`, name: `${short}.${named?.[index] ?? index}` };
  });
  return { key, kind: 'numbers', numbers };
}

/** Pixels by the names of the sides, else by the side that can be the colours: the last in most data sets, the first in some. */
function sizeOf(shape: readonly number[], names: unknown): LeRobotFeature['size'] {
  const side = (name: string): number | undefined => (Array.isArray(names) ? shape[names.indexOf(name)] : undefined);
  const [named, [first = 0, second = 0, third = 0]] = [{ width: side('width'), height: side('height') }, shape];
  if (named.width !== undefined && named.height !== undefined) return { width: named.width, height: named.height };
  if (shape.length !== 3) return undefined;
  return first <= 4 && third > 4 ? { width: third, height: second } : { width: second, height: first };
}

/** Names of the numbers of a feature: a list, or a list in an object such as `{"motors": […]}`; undefined where they do not fit. */
function namesOf(names: unknown, size: number): readonly string[] | undefined {
  const list: unknown =
    Array.isArray(names) || typeof names !== 'object' || names === null ? names : Object.values(names)[0];
  const isNamed =
    Array.isArray(list) && list.length === size && list.every((name) => typeof name === 'string' && name !== '');
  return isNamed && new Set(list).size === size
    ? (list as readonly string[]).map((name) => name.slice(0, 100))
    : undefined;
}
