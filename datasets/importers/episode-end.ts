import type { BatchColumns } from './batch-columns.ts';
import type { ImportMap } from './import-map.ts';

type Boundary = ImportMap['episodes']['by'];

/** What the end of an episode is told by. */
interface Course {
  readonly task: string;
  readonly value: string;
  readonly rows: number;
  readonly lastUs: number;
}

/** Whether an open episode ends before a row, by the map and by its task. */
export function endsBefore(
  by: Boundary,
  open: Course,
  next: Pick<Course, 'task' | 'value'> & { readonly atUs: number },
): boolean {
  if (open.task !== next.task) return true;
  if (by.kind === 'column') return open.value !== next.value;
  if (by.kind === 'gap') return isGap(by, open.lastUs, next.atUs);
  return by.kind === 'rows' && open.rows >= by.rows;
}

/** The end of the rows from one on that are alike and belong to the open episode of the row before them. */
export function endOfAlike(by: Boundary, open: Course, columns: BatchColumns, from: number): number {
  const end = columns.alikeUntil(from);
  if (by.kind === 'rows') return Math.min(end, from + by.rows - open.rows);
  if (by.kind !== 'gap') return end;
  for (let [row, lastUs] = [from, open.lastUs]; row < end; row += 1) {
    const atUs = columns.atUs[row] ?? 0;
    if (isGap(by, lastUs, atUs)) return row;
    lastUs = atUs;
  }
  return end;
}

/** A time that begins again is another episode; one that is a little behind is for validation to judge. */
const isGap = ({ longerThanS }: Extract<Boundary, { kind: 'gap' }>, beforeUs: number, atUs: number): boolean =>
  Math.abs(atUs - beforeUs) > longerThanS * 1e6;
