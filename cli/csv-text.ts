/** One line of a table with the line it begins on, from 1. */
export interface CsvLine {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Cells of comma-separated text (RFC 4180: cells in double quotes may hold commas, quotes twice and line ends). Blank lines are left out, blanks
 * around unquoted cells too. A quote that never ends takes the rest as its cell.
 */
export function readCsv(text: string): readonly CsvLine[] {
  const lines: CsvLine[] = [];
  let [line, begins, cell, isQuoted] = [1, 1, '', false];
  let cells: string[] = [];
  const endCell = (): void => {
    cells.push(isQuoted ? cell : cell.trim());
    [cell, isQuoted] = ['', false];
  };
  const endLine = (): void => {
    endCell();
    if (cells.some((each) => each !== '')) lines.push({ line: begins, cells });
    cells = [];
    begins = line;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character === '\n') line += 1;
    if (character === '"' && cell.trim() === '' && !isQuoted) {
      const end = quoteEnd(text, at + 1);
      const inside = text.slice(at + 1, end);
      line += inside.split('\n').length - 1;
      cell = inside.replaceAll('""', '"');
      isQuoted = true;
      at = end;
    } else if (character === ',') endCell();
    else if (character === '\n') endLine();
    else if (character !== '\r') cell += isQuoted && character.trim() === '' ? '' : character;
  }
  endLine();
  return lines;
}

/** Where the closing quote is. */
function quoteEnd(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    if (text[at] !== '"') continue;
    if (text[at + 1] !== '"') return at;
    at += 1;
  }
  return text.length;
}
