import type { ParquetRowBuffer } from 'parquetjs-lite';

import { segmentColumns, type Column } from './columns.ts';
import type { SegmentRow } from './segment-row.ts';

/** A leaf of the segment's schema: which column of a row it holds, and its definition levels. */
interface Leaf {
  readonly name: keyof SegmentRow;
  /** The key of its data in a buffer. */
  readonly key: string;
  readonly isList: boolean;
  /** Level of a value that is there; one less (lists: of an empty list). */
  readonly present: number;
}

const leaves: readonly Leaf[] = segmentColumns.map(({ name, type, nullable }: Column) => {
  const isList = type === 'float32List';
  const key = isList ? `${name},list,element` : name;
  return { name: name as keyof SegmentRow, key, isList, present: (nullable ? 1 : 0) + (isList ? 1 : 0) };
});

/** The library writes 0 for −0. */
const plain = (value: unknown): unknown => (typeof value === 'number' ? value + 0 : value);

/**
 * Adds a row to the buffer of the Parquet library, as its own shredder does for any schema, but for this one alone: that one makes objects and sets of every
 * value of every row, which took most of the time of a recorder. `media`: as a segment holds it.
 */
export function shredRow(row: SegmentRow, media: string | null, buffer: ParquetRowBuffer): void {
  for (const { name, key, isList, present } of leaves) {
    const data = buffer.columnData[key];
    if (data === undefined) throw new Error(`expected column ${key} in the buffer, got none`);
    const value = name === 'media' ? media : row[name];
    if (isList && value !== null) {
      const list = value as ArrayLike<number>;
      // The library keeps the place of an empty list by its levels alone.
      data.count += Math.max(1, list.length);
      data.rlevels.push(0);
      data.dlevels.push(list.length === 0 ? present - 1 : present);
      for (let place = 0; place < list.length; place += 1) data.values.push(plain(list[place]));
      for (let place = 1; place < list.length; place += 1) {
        data.rlevels.push(1);
        data.dlevels.push(present);
      }
      continue;
    }
    data.count += 1;
    data.rlevels.push(0);
    data.dlevels.push(value === null ? 0 : present);
    if (value !== null) data.values.push(plain(value));
  }
  buffer.rowCount += 1;
  buffer.pageRowCount += 1;
}
