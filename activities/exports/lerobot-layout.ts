import { dictionary } from '../../domain/dictionary.ts';
import type { Camera } from '../../datasets/camera.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';

/** A feature of a LeRobot data set: a number, or a list of a fixed size. */
export interface NumberFeature {
  readonly key: string;
  readonly dtype: 'float32' | 'int64';
  /** Numbers a frame. */
  readonly size: number;
  readonly names: readonly string[] | null;
  /** Over `f` (frame), `e` (episode), `t` (task), `o` (offset). */
  readonly sql: string;
}

/** What LeRobot has of every frame, in the order of its own writer. */
const own: readonly NumberFeature[] = [
  ['timestamp', 'float32', '((epoch_us(f.timestamp) - epoch_us(e.started_at)) / 1e6)::FLOAT'],
  ['frame_index', 'int64', 'f.frame_index::BIGINT'],
  ['episode_index', 'int64', 'e.number'],
  ['index', 'int64', 'o.first + f.frame_index'],
  ['task_index', 'int64', 't.task_index'],
].map(([key, dtype, sql]) => ({ key, dtype, sql, size: 1, names: null }) as NumberFeature);

function list(key: string, from: string, names: readonly string[]): NumberFeature {
  const sql = names.length === 1 ? `${from}[1]::FLOAT` : `${from}::FLOAT[]`;
  return { key, dtype: 'float32', size: names.length, names, sql };
}

/**
 * The features of a robot type's episodes: observations and actions as one list each. With videos a frame's time is that of its image in them, at the robot
 * type's rate: LeRobot finds the image by it, and takes none that is more than 0.1 ms beside.
 */
export function numbersOf({ observations, actions, rateHz }: RobotType, hasVideos = false): readonly NumberFeature[] {
  const regular = `(f.frame_index / ${rateHz}::DOUBLE)::FLOAT`;
  const ofFrames = own.map((feature) =>
    hasVideos && feature.key === 'timestamp' ? { ...feature, sql: regular } : feature,
  );
  const state = list(
    'observation.state',
    'f.observation',
    observations.map(({ name }) => name),
  );
  if (actions.kind === 'none') return [state, ...ofFrames];
  if (actions.kind === 'continuous')
    return [
      state,
      list(
        'action',
        'f."action"',
        actions.ranges.map(({ name }) => name),
      ),
      ...ofFrames,
    ];
  return [
    state,
    { key: 'action', dtype: 'int64', size: 1, names: ['index'], sql: 'f."action"[1]::BIGINT' },
    ...ofFrames,
  ];
}

/** Statistics of a feature over the rows of a data file, each a list of one value a number. */
export function statistics({ key, size }: NumberFeature): readonly { readonly name: string; readonly sql: string }[] {
  const column = `"${key}"`;
  const places = Array.from({ length: size }, (_, index) => (size === 1 ? column : `${column}[${index + 1}]`));
  const listOf = (of: (place: string) => string): string => `[${places.map(of).join(', ')}]`;
  return [
    { name: 'min', sql: listOf((place) => `min(${place})::DOUBLE`) },
    { name: 'max', sql: listOf((place) => `max(${place})::DOUBLE`) },
    { name: 'mean', sql: listOf((place) => `avg(${place}::DOUBLE)`) },
    { name: 'std', sql: listOf((place) => `stddev_pop(${place}::DOUBLE)`) },
    { name: 'count', sql: '[count(*)]::BIGINT[]' },
  ];
}

/** `meta/info.json`. */
export function lerobotInfo(
  robotType: RobotType,
  features: readonly NumberFeature[],
  totals: { readonly episodes: number; readonly frames: number; readonly tasks: number },
  cameras: readonly Camera[] = [],
): object {
  return {
    codebase_version: 'v3.0',
    robot_type: robotTypeName(robotType),
    total_episodes: totals.episodes,
    total_frames: totals.frames,
    total_tasks: totals.tasks,
    chunks_size: 1000,
    data_files_size_in_mb: 100,
    video_files_size_in_mb: 200,
    fps: robotType.rateHz,
    splits: { train: `0:${totals.episodes}` },
    data_path: 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
    video_path: cameras.length === 0 ? null : 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
    features: dictionary<object>([
      ...features.map(({ key, dtype, size, names }) => [key, { dtype, shape: [size], names }] as const),
      ...cameras.map((camera) => [videoKey(camera), videoFeature(camera, robotType.rateHz)] as const),
    ]),
  };
}

export const videoKey = ({ name }: Camera): string => `observation.images.${name}`;

const videoFeature = ({ width, height }: Camera, fps: number): object => ({
  dtype: 'video',
  shape: [height, width, 3],
  names: ['height', 'width', 'channels'],
  info: {
    'video.height': height,
    'video.width': width,
    'video.codec': 'h264',
    'video.pix_fmt': width % 2 === 1 || height % 2 === 1 ? 'yuv444p' : 'yuv420p',
    'video.is_depth_map': false,
    'video.fps': fps,
    'video.channels': 3,
    has_audio: false,
  },
});

/** What pandas keeps in a Parquet file to know which column is the index of its table. */
export const pandasTasks = JSON.stringify({
  index_columns: ['__index_level_0__'],
  column_indexes: [
    { name: null, field_name: null, pandas_type: 'unicode', numpy_type: 'object', metadata: { encoding: 'UTF-8' } },
  ],
  columns: [
    { name: 'task_index', field_name: 'task_index', pandas_type: 'int64', numpy_type: 'int64', metadata: null },
    { name: null, field_name: '__index_level_0__', pandas_type: 'unicode', numpy_type: 'object', metadata: null },
  ],
  attributes: {},
  creator: { library: 'flywheel', version: '1' },
  pandas_version: '2.2.0',
});
