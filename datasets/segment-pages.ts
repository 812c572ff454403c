import type { ParquetRowGroup } from 'parquetjs-lite';

import { segmentColumns } from './columns.ts';
import type { FrameColumns } from './frame-columns.ts';
import type { PagePacking } from './page-packing.ts';
import { PagedColumn } from './paged-column.ts';
import type { SegmentRow } from './segment-row.ts';

/**
 * The rows of a row group as pages, column by column, for the Parquet library to write. They have the bytes that the library would make of the rows, in a fraction of the
 * time: it makes objects and sets of every value, for any schema, and encodes again what all rows of an episode repeat.
 */
export class SegmentPages {
  readonly #columns: readonly PagedColumn[];
  readonly #rowsPerPage: number;
  #rows = 0;

  constructor(packing: PagePacking) {
    this.#columns = segmentColumns.map((column) => new PagedColumn(column, packing));
    this.#rowsPerPage = packing.rowsPerPage ?? Number.POSITIVE_INFINITY;
  }

  /** Rows since the last row group. */
  get rows(): number {
    return this.#rows;
  }

  /** `media`: as a segment holds it. */
  add(row: SegmentRow, media: string | null): void {
    for (const column of this.#columns)
      column.add(column.name === 'media' ? media : row[column.name as keyof SegmentRow]);
    this.#rows += 1;
    if (this.#rows % this.#rowsPerPage === 0) for (const column of this.#columns) column.endPage();
  }

  /** So many frames of an episode from one on, all into the page that is being filled; they share what `first`, the row of its first frame, has beside them. */
  addFrames(first: SegmentRow, media: string | null, frames: FrameColumns, from: number, count: number): void {
    const { observationWidth, actionWidth } = frames;
    const to = from + count;
    const actions = frames.actions.subarray(from * actionWidth, to * actionWidth);
    for (const column of this.#columns) {
      const { name } = column;
      if (name === 'frame_index') column.addNumbers(placesFrom(from, count));
      else if (name === 'timestamp') column.addNumbers(frames.atUs.subarray(from, to));
      else if (name === 'observation')
        column.addLists(frames.observations.subarray(from * observationWidth, to * observationWidth), count);
      else if (name === 'action' || (name === 'expert_action' && first.expert_action !== null))
        column.addLists(actions, count);
      else column.addSame(name === 'media' ? media : first[name as keyof SegmentRow], count);
    }
    this.#rows += count;
  }

  /** What was added since the last row group. */
  takeGroup(): ParquetRowGroup {
    if (this.#rows % this.#rowsPerPage !== 0) for (const column of this.#columns) column.endPage();
    const group = {
      rowCount: this.#rows,
      pages: Object.fromEntries(this.#columns.map((column) => column.takePages())),
    };
    this.#rows = 0;
    return group;
  }
}

function placesFrom(first: number, count: number): Float64Array {
  const places = new Float64Array(count);
  for (let place = 0; place < count; place += 1) places[place] = first + place;
  return places;
}
