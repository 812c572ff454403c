import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Binary, Field, makeData, RecordBatch, RecordBatchFileWriter, Schema, Struct, type Data } from 'apache-arrow';
import sharp from 'sharp';

import { arrowBatch, arrowSchema, type ArrowColumn } from '../../../datasets/arrow-rows.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { pastImageColumn } from '../../../datasets/training-set.ts';
import type { RowBlock } from '../../../policies/rows.ts';

/** A camera whose images a set has. */
export interface SetCamera {
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** Rows of a set, with what stands behind them where it has a horizon. */
export interface SetRows extends RowBlock {
  readonly future?: Int32Array | Float32Array;
  readonly futureFrames?: Int32Array;
  readonly runFrames?: Int32Array;
}

/**
 * Writes blocks as the record batches of a set's Arrow file; `episodes` makes it a held-out set. `cameras` names the blocks' pictures: they
 * become columns `image.<camera>` of JPEG, and where rows have several images of a camera `past_image.<camera>.<n>`; one that is all zeros before the last is left empty.
 */
export async function writeArrowSet(
  filePath: string,
  blocks: readonly SetRows[],
  episodes?: readonly Int32Array[],
  cameras: readonly SetCamera[] = [],
): Promise<void> {
  const [first] = blocks;
  if (first === undefined) throw new Error('expected at least one block');
  const width = (values: { length: number }): number => Math.max(1, values.length / Math.max(1, first.rows));
  const columns: ArrowColumn[] = [
    { name: 'observation', kind: 'float32', size: width(first.observation) },
    first.label instanceof Int32Array
      ? { name: 'label', kind: 'int32' }
      : { name: 'label', kind: 'float32', size: width(first.label) },
    { name: 'task', kind: 'int32' },
    episodes === undefined ? { name: 'weight', kind: 'float32' } : { name: 'episode', kind: 'int32' },
    ...(first.past === undefined ? [] : [{ name: 'past', kind: 'float32' as const, size: width(first.past) }]),
    ...behind(first).map(({ name, values }) => {
      const kind = values instanceof Int32Array ? ('int32' as const) : ('float32' as const);
      return name === 'run_frame' ? { name, kind } : { name, kind, size: width(values) };
    }),
  ];
  const schema = arrowSchema(columns);
  const batches = blocks.map((block, index) => {
    const { rows, observation, label, task, weight, past } = block;
    const before = past === undefined ? [] : [past];
    const values = [
      observation,
      label,
      task,
      episodes?.[index] ?? weight,
      ...before,
      ...behind(block).map((each) => each.values),
    ];
    return arrowBatch(schema, columns, values, rows);
  });
  const seen: RecordBatch[] = [];
  for (const [index, block] of blocks.entries())
    seen.push(cameras.length === 0 ? batches[index]! : await withImages(batches[index]!, block, cameras));
  await pipeline(Readable.from(seen), RecordBatchFileWriter.throughNode(), createWriteStream(filePath));
}

const behind = ({ future, futureFrames, runFrames }: SetRows) =>
  [
    { name: 'future', values: future },
    { name: 'future_frames', values: futureFrames },
    { name: 'run_frame', values: runFrames },
  ].flatMap(({ name, values }) => (values === undefined ? [] : [{ name, values }]));

/** The batch with a column of JPEG for each camera. */
async function withImages(batch: RecordBatch, block: RowBlock, cameras: readonly SetCamera[]): Promise<RecordBatch> {
  const columns: { readonly name: string; readonly data: Data }[] = [];
  for (const [index, { name, width, height }] of cameras.entries()) {
    const size = width * height * 3;
    const pixels = block.pictures![index]!;
    const images = pixels.length / block.rows / size;
    for (let back = 0; back < images; back += 1) {
      const jpegs = await Promise.all(
        Array.from({ length: block.rows }, async (_, row) => {
          const start = ((row + 1) * images - 1 - back) * size;
          const image = pixels.subarray(start, start + size);
          if (back > 0 && image.every((value) => value === 0)) return Buffer.alloc(0);
          return sharp(image, { raw: { width, height, channels: 3 } })
            .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
            .toBuffer();
        }),
      );
      columns.push({
        name: back === 0 ? `image.${name}` : pastImageColumn(name, back),
        data: binaryColumn(jpegs),
      });
    }
  }
  const fields = [...batch.schema.fields, ...columns.map(({ name }) => new Field(name, new Binary(), false))];
  const children = [...batch.data.children, ...columns.map(({ data }) => data)];
  const struct = makeData({ type: new Struct(fields), length: block.rows, nullCount: 0, children });
  return new RecordBatch(new Schema(fields), struct);
}

/** An Arrow column of binary values, one a row. */
export function binaryColumn(values: readonly Uint8Array[]): Data {
  const valueOffsets = new Int32Array(values.length + 1);
  values.forEach(({ length }, row) => (valueOffsets[row + 1] = valueOffsets[row]! + length));
  return makeData({
    type: new Binary(),
    length: values.length,
    nullCount: 0,
    valueOffsets,
    data: Buffer.concat(values),
  });
}

/** A robot type for tests: `observations` readings in ±2, actions as asked for. */
export const testRobotType = (overrides: Partial<RobotType> = {}): RobotType => ({
  id: 'test-bot',
  version: 1,
  description: 'for tests',
  rateHz: 10,
  observations: ['a', 'b', 'c'].map((name) => ({ name, unit: 'm', min: -2, max: 2 })),
  actions: { kind: 'discrete', names: ['left', 'ahead', 'right'] },
  tasks: ['drive', 'park'],
  split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.2 },
  limits: {
    minEpisodeFrames: 1,
    maxEpisodeFrames: 1000,
    maxFrameGapPeriods: 5,
    mayBeConstant: [],
    minAgreementFraction: 0.8,
    maxModelSizeBytes: 1024 * 1024,
  },
  ...overrides,
});
