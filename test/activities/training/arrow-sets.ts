import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { RecordBatchFileWriter } from 'apache-arrow';

import { arrowBatch, arrowSchema, type ArrowColumn } from '../../../datasets/arrow-rows.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import type { RowBlock } from '../../../policies/rows.ts';

/** Writes blocks as the record batches of a set's Arrow file; `episodes` makes it a held-out set. */
export async function writeArrowSet(
  filePath: string,
  blocks: readonly RowBlock[],
  episodes?: readonly Int32Array[],
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
  ];
  const schema = arrowSchema(columns);
  const batches = blocks.map(({ rows, observation, label, task, weight }, index) =>
    arrowBatch(schema, columns, [observation, label, task, episodes?.[index] ?? weight], rows),
  );
  await pipeline(Readable.from(batches), RecordBatchFileWriter.throughNode(), createWriteStream(filePath));
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
