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
