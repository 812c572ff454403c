import { FixedSizeList, type Data, type Field, type RecordBatch } from 'apache-arrow';

import type { Future } from '../../policies/chunks.ts';
import type { PolicySizes } from '../../policies/policy-io.ts';
import type { RowBlock } from '../../policies/rows.ts';

export type Corrupt = (message: string, cause?: unknown) => Error;

/** Frames before the present one that a file has. */
export function framesBefore(fields: readonly Field[], { observationSize }: PolicySizes): number {
  const type: unknown = fields.find(({ name }) => name === 'past')?.type;
  return type instanceof FixedSizeList ? Math.floor(type.listSize / observationSize) : 0;
}

/** The readings of the last `history` - 1 frames before the present ones, in memory of their own; nothing where nobody looks back. */
export function pastOf(
  batch: RecordBatch,
  { observationSize }: PolicySizes,
  history: number,
  corrupt: Corrupt,
): Pick<RowBlock, 'past'> {
  if (history === 1) return {};
  const rows = batch.numRows;
  const data = column(batch, 'past');
  const list = data?.children[0];
  const values: unknown = list?.values;
  const width = data?.type instanceof FixedSizeList ? data.type.listSize : 0;
  const wanted = (history - 1) * observationSize;
  if (
    !(values instanceof Float32Array) ||
    width % observationSize !== 0 ||
    width < wanted ||
    values.length < rows * width
  )
    throw corrupt(
      `expected column past of at least ${history - 1} frames of ${observationSize} float32, got ${describe(data)}`,
    );
  const past = new Float32Array(rows * wanted);
  for (let row = 0; row < rows; row += 1)
    past.set(values.subarray((row + 1) * width - wanted, (row + 1) * width), row * wanted);
  return { past };
}

/** The labels of the `horizon` - 1 frames after the rows; undefined where nobody looks ahead. */
export function futureOf(
  batch: RecordBatch,
  { head, actionSize }: PolicySizes,
  horizon: number,
  corrupt: Corrupt,
): Future | undefined {
  if (horizon === 1) return undefined;
  const size = head === 'discrete' ? 1 : actionSize;
  const wanted = (horizon - 1) * size;
  const labels =
    head === 'discrete' ? firstOf(batch, 'future', wanted, Int32Array) : firstOf(batch, 'future', wanted, Float32Array);
  const frames = firstOf(batch, 'future_frames', horizon - 1, Int32Array);
  if (labels === undefined || frames === undefined)
    throw corrupt(
      `expected columns future and future_frames of at least ${horizon - 1} labels of ${size} ${head === 'discrete' ? 'int32' : 'float32'}, got ${describe(column(batch, 'future'))} and ${describe(column(batch, 'future_frames'))}`,
    );
  if (head === 'discrete')
    for (const label of labels)
      if (label < 0 || label >= actionSize)
        throw corrupt(`expected future from 0 to below ${actionSize}, got ${label}`);
  return { labels, frames };
}

/** The first `wanted` numbers of each row of a column of lists, in memory of their own; undefined where it has fewer, or others. */
function firstOf<T extends Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(
  batch: RecordBatch,
  name: string,
  wanted: number,
  kind: new (length: number) => T,
): T | undefined {
  const rows = batch.numRows;
  const data = column(batch, name);
  const values: unknown = data?.children[0]?.values;
  const width = data?.type instanceof FixedSizeList ? data.type.listSize : 0;
  if (!(values instanceof kind) || width < wanted || values.length < rows * width || data?.nullCount !== 0)
    return undefined;
  const first = new kind(rows * wanted);
  for (let row = 0; row < rows; row += 1) first.set(values.subarray(row * width, row * width + wanted), row * wanted);
  return first;
}

export const column = (batch: RecordBatch, name: string): Data | undefined => batch.getChild(name)?.data[0];

export const describe = (data: Data | undefined): string =>
  data === undefined ? 'none' : `${data.length} × ${JSON.stringify(data.type)} with ${data.nullCount} nulls`;
