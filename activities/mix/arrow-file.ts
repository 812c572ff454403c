import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RecordBatchFileWriter, type RecordBatch } from 'apache-arrow';
import {
  arrowBatch,
  arrowSchema,
  type ArrowColumn,
  type BinaryValues,
  type NumberColumn,
} from '../../datasets/arrow-rows.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlChunk } from '../ports/sql.ts';

/** Rows of a record batch. Batches are cut here, not where the engine cuts its chunks, so that bytes do not depend on it. */
const batchRows = 65_536;
/** With images a row is some kilobytes: a batch is held whole by who reads it. */
const imageBatchRows = 256;
/** Wider rows than any without history, whose batches have fewer rows so that they take no more memory. */
const widestRow = 2048;
const batchNumbers = 16 * 1024 * 1024;

/** Bytes behind the three whole numbers that a row has for each of its images, see {@link ImagePlace}. */
export type ReadImage = (place: ImagePlace) => Promise<Uint8Array>;

/** Where an image stands: `block` × 2^30 + `rest` is its first byte, because a chunk carries no wider numbers. */
export interface ImagePlace {
  readonly block: number;
  readonly rest: number;
  readonly size: number;
}

/** Columns of images behind those of numbers: a chunk has three columns for each. */
export interface ImageColumns {
  readonly names: readonly string[];
  readonly read: ReadImage;
}

export interface ArrowFile {
  readonly rows: number;
  readonly sha256: string;
}

/**
 * Writes chunks (columns in the order of `columns`, then three for each column of images) as one Arrow IPC file. Holds two batches in memory at most: the
 * engine waits for the disk. `progress` is told the rows after every batch. No rows make a file of one empty batch.
 */
export async function writeArrowFile(
  filePath: string,
  columns: readonly NumberColumn[],
  chunks: AsyncIterable<SqlChunk>,
  progress: Progress,
  images: ImageColumns = noImages,
): Promise<ArrowFile> {
  const hash = createHash('sha256');
  let rows = 0;
  async function* counted(): AsyncGenerator<RecordBatch> {
    for await (const batch of batchesOf(columns, images, chunks)) {
      rows += batch.numRows;
      progress({ stage: 'writing', rows });
      yield batch;
    }
  }
  await pipeline(
    Readable.from(counted(), { objectMode: true, highWaterMark: 1 }),
    RecordBatchFileWriter.throughNode({ writableHighWaterMark: 1, autoDestroy: true }),
    async function* (source: AsyncIterable<Uint8Array>) {
      for await (const bytes of source) {
        hash.update(bytes);
        yield bytes;
      }
    },
    createWriteStream(filePath),
  );
  return { rows, sha256: hash.digest('hex') };
}

const noImages: ImageColumns = { names: [], read: () => Promise.reject(new Error('expected no column of images')) };

async function* batchesOf(
  numbers: readonly NumberColumn[],
  { names, read }: ImageColumns,
  chunks: AsyncIterable<SqlChunk>,
): AsyncGenerator<RecordBatch> {
  const columns: readonly ArrowColumn[] = [...numbers, ...names.map((name) => ({ name, kind: 'binary' as const }))];
  const schema = arrowSchema(columns);
  const width = numbers.reduce((sum, { size = 1 }) => sum + size, 0);
  const mostRows =
    names.length > 0 ? imageBatchRows : width <= widestRow ? batchRows : Math.max(1, Math.floor(batchNumbers / width));
  const newValues = () =>
    numbers.map(({ kind, size }) => {
      const length = mostRows * (size ?? 1);
      return kind === 'float32' ? new Float32Array(length) : new Int32Array(length);
    });
  const newImages = () => names.map(() => [] as Uint8Array[]);
  let [values, images, filled, isAnyWritten] = [newValues(), newImages(), 0, false];
  const batch = () => arrowBatch(schema, columns, [...values, ...images.map(joined)], filled);
  for await (const chunk of chunks) {
    let taken = 0;
    while (taken < chunk.rowCount) {
      const count = Math.min(chunk.rowCount - taken, mostRows - filled);
      for (const [index, { size = 1 }] of numbers.entries()) {
        const source = chunk.numbers(index).subarray(taken * size, (taken + count) * size);
        values[index]?.set(source, filled * size);
      }
      for (const [camera, held] of images.entries())
        for (const place of placesOf(chunk, numbers.length + 3 * camera, taken, count)) held.push(await read(place));
      taken += count;
      filled += count;
      if (filled < mostRows) continue;
      yield batch();
      [values, images, filled, isAnyWritten] = [newValues(), newImages(), 0, true];
    }
  }
  if (filled > 0 || !isAnyWritten) yield batch();
}

function placesOf(chunk: SqlChunk, column: number, start: number, count: number): readonly ImagePlace[] {
  const [blocks, rests, sizes] = [0, 1, 2].map((at) => chunk.numbers(column + at).slice(start, start + count));
  return Array.from({ length: count }, (_, row) => ({
    block: blocks?.[row] ?? 0,
    rest: rests?.[row] ?? 0,
    size: sizes?.[row] ?? 0,
  }));
}

function joined(parts: readonly Uint8Array[]): BinaryValues {
  const offsets = new Int32Array(parts.length + 1);
  for (const [index, { length }] of parts.entries()) offsets[index + 1] = (offsets[index] ?? 0) + length;
  const bytes = new Uint8Array(offsets.at(-1) ?? 0);
  for (const [index, part] of parts.entries()) bytes.set(part, offsets[index]);
  return { offsets, bytes };
}
