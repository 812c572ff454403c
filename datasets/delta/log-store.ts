/** What the log needs of an object store; see the store's own port for what each method promises. */
export interface DeltaLogStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, body: Uint8Array | { readonly filePath: string }): Promise<void>;
  /** Of any number of concurrent callers exactly one gets `created`: this is the commit. */
  putIfAbsent(key: string, body: Uint8Array): Promise<'created' | 'exists'>;
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<{ readonly key: string }>;
  localPath(key: string): Promise<string | undefined>;
}

/** What the log needs of an SQL engine to read and write checkpoints, which are Parquet files. */
export interface DeltaLogSql {
  run(sql: string): Promise<void>;
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}
