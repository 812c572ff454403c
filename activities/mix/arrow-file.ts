import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RecordBatchFileWriter, type RecordBatch } from 'apache-arrow';
import { arrowBatch, arrowSchema, type ArrowColumn } from '../../datasets/arrow-rows.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlChunk } from '../ports/sql.ts';

/** Rows of a record batch. Batches are cut here, not where the engine cuts its chunks, so that bytes do not depend on it. */
const batchRows = 65_536;

export interface ArrowFile {
  readonly rows: number;
  readonly sha256: string;
}

/**
 * Writes chunks (columns in the order of `columns`) as one Arrow IPC file. Holds two batches in memory at most: the
 * engine waits for the disk. `progress` is told the rows after every batch. No rows make a file of one empty batch.
 */
export async function writeArrowFile(
  filePath: string,
  columns: readonly ArrowColumn[],
  chunks: AsyncIterable<SqlChunk>,
  progress: Progress,
): Promise<ArrowFile> {
  const hash = createHash('sha256');
  let rows = 0;
  const schema = arrowSchema(columns);
  async function* counted(): AsyncGenerator<RecordBatch> {
    for await (const batch of batchesOf(schema, columns, chunks)) {
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

async function* batchesOf(
  schema: ReturnType<typeof arrowSchema>,
  columns: readonly ArrowColumn[],
  chunks: AsyncIterable<SqlChunk>,
): AsyncGenerator<RecordBatch> {
  const newValues = () =>
    columns.map(({ kind, size }) => {
      const length = batchRows * (size ?? 1);
      return kind === 'float32' ? new Float32Array(length) : new Int32Array(length);
    });
  let values = newValues();
  let filled = 0;
  let isAnyWritten = false;
  for await (const chunk of chunks) {
    let taken = 0;
    while (taken < chunk.rowCount) {
      const count = Math.min(chunk.rowCount - taken, batchRows - filled);
      for (const [index, { size = 1 }] of columns.entries()) {
        const source = chunk.numbers(index).subarray(taken * size, (taken + count) * size);
        values[index]?.set(source, filled * size);
      }
      taken += count;
      filled += count;
      if (filled < batchRows) continue;
      yield arrowBatch(schema, columns, values, filled);
      isAnyWritten = true;
      values = newValues();
      filled = 0;
    }
  }
  if (filled > 0 || !isAnyWritten) yield arrowBatch(schema, columns, values, filled);
}
