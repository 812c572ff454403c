import { open, type FileHandle } from 'node:fs/promises';

import { FixedSizeList, RecordBatchReader, type AsyncRecordBatchFileReader, type RecordBatch } from 'apache-arrow';

import type { PolicySizes } from '../../policies/policy-io.ts';
import type { PictureCodec } from '../../policies/picture-codec.ts';
import { mapColumns, sliceBlock, type RowBlock, type RowSource } from '../../policies/rows.ts';
import { cameraOfPort, type SeenCamera } from '../../policies/seen-images.ts';
import { pastImageColumn } from '../../datasets/training-set.ts';
import { failure } from '../../store/failures.ts';
import { chunkRows } from '../../policies/chunks.ts';
import { arrowImages, stretchesOf, type Stretch } from './arrow-images.ts';
import { column, describe, framesBefore, futureOf, pastOf, type Corrupt } from './arrow-windows.ts';

export interface ArrowRowSource extends RowSource {
  /** The extra int32 column `episode` of a held-out set, block by block; undefined where the file has none. */
  episodes(block: number): Promise<Int32Array | undefined>;
  /** Its column `robot`, likewise. */
  robots(block: number): Promise<Int32Array | undefined>;
  /** Its column `body`, likewise. */
  bodies(block: number): Promise<Int32Array | undefined>;
  /** Its column `frame`, likewise. */
  frames(block: number): Promise<Int32Array | undefined>;
  /** Its column `run_frame`, likewise. */
  runFrames(block: number): Promise<Int32Array | undefined>;
  /** Whether the file has that column. */
  readonly hasRuns: boolean;
  /** Cameras of which the file has a column of images, whether it was opened with them or not. */
  readonly imageCameras: readonly string[];
  /** Frames of a row that the file has, the present included. */
  readonly history: number;
  /** Images of a row and camera that the file has room for, that of its own frame included. */
  readonly imageHistory: number;
  /** JPEG of one row of a block, by camera; of the cameras it was opened with. */
  encodedImages(block: number, row: number): Promise<ReadonlyMap<string, Uint8Array>>;
  close(): Promise<void>;
}

/** Larger record batches than this would make memory depend on the set. */
const maxBlockRows = 1_048_576;

/**
 * Reads a set's Arrow IPC file one record batch at a time, on the memory the batch was read into; with `cameras`, by name, in blocks of
 * memory of their own with the images decoded, in that order; with `history` above 1, with readings before; with `horizon` above 1, with the labels and weights of all steps; with `imageHistory` above 1, with images before. Fails with `CorruptData` when the file is no such file, misses a column, has nulls or other widths
 * or image sizes than the robot type.
 * https://arrow.apache.org/js/current/classes/AsyncRecordBatchFileReader.html
 */
export async function openArrowRows(
  filePath: string,
  sizes: PolicySizes,
  cameras: readonly string[] = [],
  history = 1,
  imageHistory = 1,
  horizon = 1,
): Promise<ArrowRowSource> {
  const corrupt = (message: string, cause?: unknown) =>
    failure('CorruptData', `${message}, in an Arrow file of training rows`, { cause, coordinates: { filePath } });
  const seen = cameras.map((name) => seenCamera(name, sizes));
  const handle = await open(filePath, 'r');
  try {
    const reader = await openReader(handle, corrupt);
    const readBatch = oneAtATime(async (number) => {
      const batch = await reader.readRecordBatch(number);
      if (batch === null) throw corrupt(`expected record batch ${number}, got none`);
      return batch;
    });
    const batches = seen.length === 0 ? readBatch : keepingLast(readBatch);
    const batchRows: number[] = [];
    for (let number = 0; number < reader.numRecordBatches; number += 1) {
      const { numRows } = await batches(number);
      if (numRows > maxBlockRows) throw corrupt(`expected at most ${maxBlockRows} rows a record batch, got ${numRows}`);
      batchRows.push(numRows);
    }
    const stretches = stretchesOf(batchRows, seen, imageHistory);
    const stretchOf = (block: number): Stretch =>
      stretches[block] ?? fail(corrupt(`expected block ${block} of ${stretches.length}`));
    const numbersOf = async (name: string, block: number): Promise<Int32Array | undefined> => {
      const { batch, start, end } = stretchOf(block);
      const data = column(await batches(batch), name)?.values as unknown;
      if (!(data instanceof Int32Array)) return undefined;
      return seen.length === 0 ? data : data.slice(start, end);
    };
    const images = seen.length === 0 ? undefined : arrowImages(seen, await codecOfSets(), corrupt, imageHistory);
    return {
      blockRows: stretches.map(({ start, end }) => end - start),
      hasRuns: reader.schema.fields.some(({ name }) => name === 'run_frame'),
      history: 1 + framesBefore(reader.schema.fields, sizes),
      imageHistory: imagesOfRows(reader.schema.fields.map(({ name }) => name)),
      imageCameras: reader.schema.fields.flatMap((field) => cameraOfPort(field.name) ?? []),
      async read(block) {
        const stretch = stretchOf(block);
        const batch = await batches(stretch.batch);
        const present = { ...rowBlock(batch, sizes, corrupt), ...pastOf(batch, sizes, history, corrupt) };
        const future = futureOf(batch, sizes, horizon, corrupt);
        const rows = future === undefined ? present : chunkRows(present, future);
        if (images === undefined) return rows;
        const pictures = await images.decoded(block, stretch, batch);
        return { ...copyRows(rows, stretch), pictures };
      },
      episodes: (block) => numbersOf('episode', block),
      robots: (block) => numbersOf('robot', block),
      bodies: (block) => numbersOf('body', block),
      frames: (block) => numbersOf('frame', block),
      runFrames: (block) => numbersOf('run_frame', block),
      async encodedImages(block, row) {
        const { batch, start } = stretchOf(block);
        return images?.encoded(await batches(batch), start + row) ?? new Map();
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Images of a row and camera that a file has columns for. */
function imagesOfRows(columns: readonly string[]): number {
  const cameras = columns.flatMap((name) => cameraOfPort(name) ?? []);
  const has = (back: number): boolean => cameras.every((name) => columns.includes(pastImageColumn(name, back)));
  let images = 1;
  while (cameras.length > 0 && has(images)) images += 1;
  return images;
}

function seenCamera(name: string, { cameras = [] }: PolicySizes): SeenCamera {
  const camera = cameras.find((each) => each.name === name);
  if (camera !== undefined) return camera;
  const known = cameras.map((each) => each.name).join(', ') || 'it has none';
  throw failure('InvalidInput', `expected cameras of the robot type (${known}), got ${name}`);
}

/** Only a process that reads images holds a decoder. */
const codecOfSets = async (): Promise<PictureCodec> => (await import('./sharp-pictures.ts')).sharpPictures;

function fail(error: Error): never {
  throw error;
}

/** Rows of a batch that holds images as well: what is kept of it must not keep them. */
const copyRows = (rows: RowBlock, { start, end }: Stretch): RowBlock => {
  const part = sliceBlock(rows, start, end);
  return mapColumns([part], part.rows, ([values]) => (values ?? fail(new Error('expected a column'))).slice() as never);
};

/** The batch that was asked for last stays: several blocks lie in it. */
function keepingLast(read: (number: number) => Promise<RecordBatch>): (number: number) => Promise<RecordBatch> {
  let last: { readonly number: number; readonly batch: Promise<RecordBatch> } | undefined;
  return (number) => {
    if (last?.number !== number) last = { number, batch: read(number) };
    return last.batch;
  };
}

async function openReader(handle: FileHandle, corrupt: Corrupt): Promise<AsyncRecordBatchFileReader> {
  try {
    const reader = await RecordBatchReader.from(handle);
    if (!reader.isFile()) throw new Error('it has not the marks of an Arrow IPC file');
    return await reader.open({ autoDestroy: false });
  } catch (cause) {
    throw corrupt('expected an Arrow IPC file, got other bytes', cause);
  }
}

/** The reader has one file position: reads must not overlap. */
function oneAtATime<T>(read: (block: number) => Promise<T>): (block: number) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (block) => {
    const next = last.then(() => read(block));
    last = next.catch(() => undefined);
    return next;
  };
}

function rowBlock(batch: RecordBatch, sizes: PolicySizes, corrupt: Corrupt): RowBlock {
  const rows = batch.numRows;
  const numbers = (name: string, width: number, type: 'float32' | 'int32'): Float32Array | Int32Array => {
    const data = column(batch, name);
    const list = data?.children[0];
    const values: unknown = list === undefined ? data?.values : list.values;
    const columnWidth = data?.type instanceof FixedSizeList ? data.type.listSize : 1;
    const isRightType = type === 'float32' ? values instanceof Float32Array : values instanceof Int32Array;
    const array = values as Float32Array | Int32Array;
    if (
      !isRightType ||
      columnWidth !== width ||
      data?.nullCount !== 0 ||
      (list?.nullCount ?? 0) !== 0 ||
      array.length < rows * width
    )
      throw corrupt(`expected column ${name} of ${rows} × ${width} ${type} without nulls, got ${describe(data)}`);
    return array.subarray(0, rows * width);
  };
  const labelType = sizes.head === 'discrete' ? 'int32' : 'float32';
  const hasWeight = batch.schema.fields.some((field) => field.name === 'weight');
  const task = numbers('task', 1, 'int32') as Int32Array;
  const label = numbers('label', sizes.head === 'discrete' ? 1 : sizes.actionSize, labelType);
  const checkIndices = (name: string, values: Float32Array | Int32Array, end: number): void => {
    for (let row = 0; row < values.length; row += 1) {
      const value = values[row] ?? -1;
      if (value < 0 || value >= end)
        throw corrupt(`expected ${name} from 0 to below ${end}, got ${value} at row ${row} of a batch`);
    }
  };
  checkIndices('task', task, sizes.taskCount);
  if (sizes.head === 'discrete') checkIndices('label', label, sizes.actionSize);
  return {
    rows,
    observation: numbers('observation', sizes.observationSize, 'float32') as Float32Array,
    task,
    label,
    weight: hasWeight ? (numbers('weight', 1, 'float32') as Float32Array) : new Float32Array(rows).fill(1),
  };
}
