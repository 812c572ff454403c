/**
 * The one description of an episode and a frame. zod, Arrow, Parquet (recorder), DuckDB and Delta schemas are all
 * derived from these lists, so a column is added here and nowhere else. Schema changes only add nullable columns.
 */
export type ColumnType =
  | 'string'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'float32List'
  | 'mediaList';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly doc: string;
}

/** A column of a table. */
export const column = <const Name extends string, Type extends ColumnType, Nullable extends boolean = false>(
  name: Name,
  type: Type,
  doc: string,
  nullable = false as Nullable,
): { readonly name: Name; readonly type: Type; readonly nullable: Nullable; readonly doc: string } => ({
  name,
  type,
  nullable,
  doc,
});

/** One recording beside the frames; its bytes lie under `key`. */
export interface Media {
  readonly sha256: string;
  readonly kind: string;
  /** Microseconds since 1970 UTC, by the robot’s clock. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly key: string;
}

interface TypeOfColumn {
  readonly string: string;
  readonly int32: number;
  readonly int64: number;
  readonly float32: number;
  readonly float64: number;
  readonly boolean: boolean;
  readonly timestamp: number;
  readonly date: string;
  readonly float32List: ArrayLike<number>;
  readonly mediaList: readonly Media[];
}

/** A row of these columns in this program: timestamps as microseconds since 1970 UTC (exact until the year 2255), dates as `yyyy-mm-dd`. */
export type RowOf<Columns extends readonly Column[]> = {
  readonly [C in Columns[number] as C['name']]: TypeOfColumn[C['type']] | (C['nullable'] extends true ? null : never);
};

/** What a robot knows of its episode; repeated on every row of a segment. */
export const recordedEpisodeColumns = [
  column('episode_id', 'string', 'ULID made by the robot'),
  column('robot_id', 'string', 'who recorded it'),
  column('robot_type', 'string', 'id of the robot type document'),
  column('robot_type_version', 'int32', 'version of the robot type document'),
  column('site', 'string', 'where the robot works'),
  column('task', 'string', 'one of the robot type’s tasks'),
  column('policy_version', 'string', 'semver of the policy that acted; null for recordings without one', true),
  column('started_at', 'timestamp', 'start, µs UTC, in the lake by the corrected clock'),
  column('duration_ms', 'int64', 'length in milliseconds'),
  column('outcome', 'string', 'success | failure | aborted'),
  column('failure_reason', 'string', 'why it failed or was aborted', true),
  column('intervened', 'boolean', 'a person or a safety system took over'),
  column('latency_p50_ms', 'float64', 'median policy latency', true),
  column('latency_p95_ms', 'float64', '95th percentile of policy latency', true),
  column('frame_count', 'int32', 'frames of the episode'),
  column('media', 'mediaList', 'recordings beside the frames: {sha256, kind, startedAt, durationMs, key}', true),
] as const;

/** One observation and command of an episode. */
export const recordedFrameColumns = [
  column('frame_index', 'int32', '0-based position in the episode'),
  column('timestamp', 'timestamp', 'µs UTC, in the lake by the corrected clock'),
  column('observation', 'float32List', 'one value per observation of the robot type'),
  column('action', 'float32List', 'the command: one index if discrete, else one value per range'),
  column('expert_action', 'float32List', 'what an expert would have done; null unless known', true),
  column('is_correction', 'boolean', 'the expert action was given because the policy was wrong'),
] as const;

/** A segment row: frame and episode columns together. */
export const segmentColumns = [...recordedEpisodeColumns, ...recordedFrameColumns] as const;

/** Table `lake/episodes`, partitioned by `recorded_on`. */
export const lakeEpisodeColumns = [
  ...recordedEpisodeColumns,
  column('received_at', 'timestamp', 'when the segment became visible in landing, µs UTC'),
  column('split', 'string', 'train | validation | heldout'),
  column('recorded_on', 'date', 'UTC day of started_at; partition'),
] as const satisfies readonly Column[];

/** Table `lake/frames`, partitioned by `recorded_on` of the episode. */
export const lakeFrameColumns = [
  column('episode_id', 'string', 'the episode it belongs to'),
  ...recordedFrameColumns,
  column('recorded_on', 'date', 'UTC day of the episode’s start; partition'),
] as const satisfies readonly Column[];

/** Version of the segment schema, in every footer. Readers accept older ones. */
export const segmentSchemaVersion = 1;

/** Keys of a segment's footer metadata. */
export const footerKeys = {
  schemaVersion: 'flywheel.schemaVersion',
  robotId: 'flywheel.robotId',
  robotType: 'flywheel.robotType',
  robotTypeDigest: 'flywheel.robotTypeDigest',
  agentVersion: 'flywheel.agentVersion',
  clockSkewMs: 'flywheel.clockSkewMs',
} as const;

export const outcomes = ['success', 'failure', 'aborted'] as const;
export type Outcome = (typeof outcomes)[number];
export const splits = ['train', 'validation', 'heldout'] as const;
export type Split = (typeof splits)[number];
