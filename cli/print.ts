import Table from 'cli-table3';

import { oneLine, printable, printableJson } from './printable.ts';

/** Rows for people, aligned, without frames; `(none)` for no rows. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  if (rows.length === 0) {
    process.stdout.write('(none)\n');
    return;
  }
  const bare = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', top: '', 'top-mid': '', 'top-left': '' };
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      ...bare,
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      right: '',
      middle: '',
    },
  });
  table.push(...rows.map((row) => row.map((cell) => (typeof cell === 'string' ? oneLine(cell) : cell))));
  process.stdout.write(`${table.toString()}\n`);
}

/** One JSON document for programs. */
export const printJson = (value: unknown): void => void process.stdout.write(`${printableJson(value, 2)}\n`);

export const say = (line: string): void => void process.stdout.write(`${printable(line)}\n`);
