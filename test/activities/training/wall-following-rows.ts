import { readFile } from 'node:fs/promises';

import type { RowBlock } from '../../../policies/rows.ts';

const names = ['Move-Forward', 'Slight-Left-Turn', 'Slight-Right-Turn', 'Sharp-Right-Turn'];
/** Half-open stretches of rows for validation, before the held-out last quarter; at 9 rows a second. */
const validation = [
  [657, 783],
  [1755, 1890],
  [3249, 3384],
] as const;
const heldoutStart = 4086;
const isValidation = (row: number): boolean => validation.some(([start, end]) => row >= start && row < end);

/** The rows of the wall-following recording by split, as blocks. */
export async function wallFollowingRows(
  filePath: string,
): Promise<{ train: RowBlock; validation: RowBlock; heldout: RowBlock }> {
  const lines = (await readFile(filePath, 'utf8')).trim().split(/\r?\n/).slice(1);
  const all = lines.map((line) => {
    const cells = line.split(',');
    return { observation: cells.slice(0, 24).map(Number), label: names.indexOf(cells[24] ?? '') };
  });
  const pick = (wanted: (row: number) => boolean): RowBlock => {
    const rows = all.filter((_, row) => wanted(row));
    return {
      rows: rows.length,
      observation: Float32Array.from(rows.flatMap(({ observation }) => observation)),
      task: new Int32Array(rows.length),
      label: Int32Array.from(rows, ({ label }) => label),
      weight: new Float32Array(rows.length).fill(1),
    };
  };
  return {
    train: pick((row) => row < heldoutStart && !isValidation(row)),
    validation: pick((row) => row < heldoutStart && isValidation(row)),
    heldout: pick((row) => row >= heldoutStart),
  };
}
