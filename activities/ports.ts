/** What activities need from the outside, in their own words. One adapter a vendor stands in `adapters/`. */

/** Bytes in memory, or a finished file that will not change any more (an adapter may hard-link it). */
export type ObjectBody = Uint8Array | { readonly filePath: string };

/** Half-open byte range `[start, end)`; `end` past the object's end means its end. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  /** When the object became visible, milliseconds since 1970 UTC by the store's clock. */
  readonly modifiedMs: number;
}

/**
 * A flat store of immutable-by-convention objects. Keys are `/`-separated, ≤ 1,024 bytes, without empty, `.` or `..`
 * segments, and what `object-key.ts` says beyond (refused with `InvalidInput`). A writer that dies leaves nothing visible. Every method fails with
 * `StoreUnavailable` (retryable) when the store cannot be reached or is full.
 */
export interface ObjectStore {
  /** The bytes, or undefined when there is no such object. */
  get(key: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  /** Makes the object visible at once and whole, replacing what was there. */
  put(key: string, body: ObjectBody): Promise<void>;
  /** Of any number of concurrent callers exactly one gets `created`; the others' bytes are discarded. */
  putIfAbsent(key: string, body: ObjectBody): Promise<'created' | 'exists'>;
  /** All objects whose key starts with `prefix`, in ascending byte order of key, those after `after` only. */
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<ObjectEntry>;
  /** Removes the object; removing what is not there is no error. */
  delete(key: string): Promise<void>;
  /** A local file with the object's bytes, for engines that need one; read-only; undefined when there is no such object. */
  localPath(key: string): Promise<string | undefined>;
}

/** One value of a SQL row: integers beyond 2^53 come as bigint, timestamps as microseconds since 1970 UTC (bigint), dates as `yyyy-mm-dd`. */
export type SqlValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly SqlValue[]
  | { readonly [name: string]: SqlValue };
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** One chunk (≤ 2,048 rows) of a result, column by column, without a row object. */
export interface SqlChunk {
  readonly rowCount: number;
  /** Numbers of a FLOAT, DOUBLE, INTEGER or FLOAT[n] column (n values a row, flattened); valid until the next chunk; no NULL allowed. */
  numbers(column: number): Float32Array | Float64Array | Int32Array;
  strings(column: number): readonly string[];
}

/** A session on an in-memory SQL engine. Not safe for concurrent statements. */
export interface SqlSession {
  run(sql: string): Promise<void>;
  rows(sql: string): Promise<readonly SqlRow[]>;
  chunks(sql: string): AsyncIterable<SqlChunk>;
  /** Stops the statement that runs, which then fails with `EngineFailed`; for cancellation. */
  interrupt(): void;
  close(): Promise<void>;
}

export interface SqlSessionOptions {
  readonly threads?: number;
  readonly memoryLimitMiB?: number;
}

export interface SqlEngine {
  open(options?: SqlSessionOptions): Promise<SqlSession>;
}

/** Wall clock, milliseconds since 1970 UTC. */
export type Clock = () => number;

/** Called between units of work of a long activity: reports progress and throws when the activity was cancelled. */
export type Progress = (details: Readonly<Record<string, unknown>>) => void;
