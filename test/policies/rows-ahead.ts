import type { RowBlock } from '../../policies/rows.ts';
import { randomStream } from '../../policies/random.ts';

const length = 10;

/**
 * Episodes of ten frames. The first reading of a frame says what is to be done two frames later, the second what one later, the third what now: only a model that looks
 * ahead of what it answers can be right about later steps.
 */
export function rowsAhead(episodes: number, seed: number, isContinuous = false) {
  const random = randomStream(seed, 'rows ahead');
  const rows = length * episodes;
  const todo = Float32Array.from({ length: rows + 2 }, () => 2 * random() - 1);
  const at = (row: number): number => todo[row] ?? 0;
  const isEnd = (row: number, step: number): boolean => (row % length) + step >= length;
  const labelOf = (row: number): number[] => (isContinuous ? [at(row), -at(row)] : [at(row) > 0 ? 2 : 0]);
  const kind = isContinuous ? Float32Array : Int32Array;
  const list = (of: (row: number) => number[]): number[] => Array.from({ length: rows }, (_, row) => of(row)).flat();
  const observation = Float32Array.from(list((row) => [at(row + 2), at(row + 1), at(row)]));
  const ahead = (row: number, step: number): number[] =>
    labelOf(isEnd(row, step) ? row - (row % length) + length - 1 : row + step);
  const pastOf = (row: number, back: number): number[] => {
    const frame = Math.max(row - (row % length), row - back);
    return [...observation.subarray(3 * frame, 3 * frame + 3)];
  };
  const block: RowBlock = {
    rows,
    observation,
    past: Float32Array.from(list((row) => [...pastOf(row, 2), ...pastOf(row, 1)])),
    label: kind.from(list(labelOf)),
    task: new Int32Array(rows),
    weight: new Float32Array(rows).fill(1),
  };
  return {
    ...block,
    future: kind.from(list((row) => [...ahead(row, 1), ...ahead(row, 2)])),
    futureFrames: Int32Array.from(list((row) => [1, 2].map((step) => (isEnd(row, step) ? -1 : (row % length) + step)))),
    runFrames: Int32Array.from({ length: rows }, (_, row) => row % length),
    episodes: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / length)),
  };
}
