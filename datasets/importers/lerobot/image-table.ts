/** An image as a row of a data file holds it. */
export interface StoredImage {
  /** Undefined where the row has none, or more than an image may have. */
  readonly bytes: Uint8Array | undefined;
  /** Bytes that the row has of it; 0: none. */
  readonly sizeBytes: number;
  /** The file that has it where the row has not; empty: none. */
  readonly path: string;
}

/** Images of rows that stand together, valid until the next ones. */
export interface ImageRows {
  /** Row of the file, from 0. */
  readonly first: number;
  readonly count: number;
  image(index: number): StoredImage;
}

/** Bytes of an image; a larger one is none that a robot records. */
export const mostImageBytes = 16 * 1024 * 1024;

/** Reads images out of data files, one column at a time. Every error is an `ImportError`. */
export interface ImageTable {
  rowCount(file: string): Promise<number>;
  /** The images of a column from a row on, in order, a bounded part of them at a time; only the last call's may be read on. */
  images(file: string, column: string, from: number): AsyncIterable<ImageRows>;
  close(): Promise<void>;
}
