import { dictionary } from '../dictionary.ts';
import { rowSize, TaskRows } from '../statistics/index.ts';
import type { Cell, Cells, PackedCell, PackedCells } from './cells.ts';

/** Names of tasks, each once, in the order in which cells brought them. Grows; a name keeps its place. */
export class TaskNames {
  readonly list: string[] = [];
  readonly #places = new Map<string, number>();

  placeOf(name: string): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    this.#places.set(name, this.list.length);
    return this.list.push(name) - 1;
  }
}

/** The cells with all their tasks in one table. Takes the cells over: whoever made them does not use them any more. */
export function packCells(cells: Cells, names: TaskNames): PackedCells {
  const lists = Object.values(cells).flatMap((versions) => Object.values(versions));
  const size = lists.reduce((sum, list) => list.reduce((count, { perTask }) => count + sizeOf(perTask), sum), 0);
  const rows = new Float64Array(size * rowSize);
  const table = { names: names.list, rows };
  let end = 0;
  for (const list of lists)
    for (const cell of list) {
      const { perTask } = cell;
      if (perTask === undefined) continue;
      const start = end;
      for (const [name, { successes, episodes }] of Object.entries(perTask)) {
        rows.set([names.placeOf(name), successes, episodes], end * rowSize);
        end += 1;
      }
      // In place: cells that are made by spreading are read thirty times slower.
      (cell as { perTask?: unknown }).perTask = new TaskRows(table, start, end);
    }
  return cells as unknown as PackedCells;
}

const sizeOf = (perTask: Cell['perTask']): number => (perTask === undefined ? 0 : Object.keys(perTask).length);

/** Cells that may be changed without changing these. */
export const unpackCells = (cells: PackedCells): Cells =>
  dictionary(
    Object.entries(cells).map(
      ([robotId, versions]) =>
        [
          robotId,
          dictionary(Object.entries(versions).map(([version, list]) => [version, list.map(unpackCell)] as const)),
        ] as const,
    ),
  );

function unpackCell({ perTask, ...cell }: PackedCell): Cell {
  return perTask === undefined ? cell : { ...cell, perTask: dictionary(perTask.entries()) };
}
