/** The SQL engine as activities ask for it; its adapter stands in `adapters/`. */

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
  /** A copy of the bytes that a row has in a BLOB column; undefined for NULL. */
  bytes(column: number, row: number): Uint8Array | undefined;
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
