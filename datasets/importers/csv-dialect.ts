import { plainUnit } from './column-name.ts';
import { anyBlanks, splitLine } from './csv-lines.ts';
import { ImportError } from './import-summary.ts';
import { isNoValue, numberOfText, withoutGroups } from './table.ts';
import { guessTextEncoding, type TableEncoding } from './text-encoding.ts';
import { filePieces } from './text-file.ts';

/** How a text table is written, guessed from its beginning. */
export interface CsvDialect {
  readonly separator: string;
  readonly decimal: '.' | ',';
  readonly header: 'present' | 'absent';
  /** Lines of text above the header, or above the first row where there is none. */
  readonly linesAbove: number;
  /** Lines of text between header and rows, e.g. of units. */
  readonly linesBelow: number;
  /** Names by place, where the header names none or one twice. */
  readonly columns: readonly string[] | undefined;
  /** Unit by name of the column, where a line below the header says it. */
  readonly units: ReadonlyMap<string, string>;
}

const sampleBytes = 256 * 1024;
const mostLines = 200;
const separators = [',', ';', '\t', '|', ' ', anyBlanks] as const;
/** Rows that are compared with the header. */
const rowsCompared = 20;
const longestUnit = 12;

/** What is given is not guessed. */
export interface GivenDialect {
  readonly separator?: string | undefined;
  readonly decimal?: '.' | ',' | undefined;
  readonly encoding?: TableEncoding | undefined;
}

/** Reads the beginning of a file and guesses. */
export async function guessCsvDialect(
  file: string,
  given: GivenDialect = {},
): Promise<CsvDialect & { readonly encoding: TableEncoding }> {
  const beginning = await beginningOf(file);
  const encoding = given.encoding ?? guessTextEncoding(beginning);
  const text = new TextDecoder(encoding).decode(beginning);
  if (text.includes('\0'))
    throw new ImportError(
      `expected a text table, got a file with bytes that are no text: is it of another format? [file=${file}]`,
    );
  return { encoding, ...dialectOf(text, given, beginning.length < sampleBytes) };
}

/** At most {@link sampleBytes}. */
async function beginningOf(file: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of filePieces(file)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= sampleBytes) break;
  }
  return Buffer.concat(pieces).subarray(0, sampleBytes);
}

/** `isWhole`: the text is the whole file, so that its last line is not cut. */
export function dialectOf(text: string, given: GivenDialect, isWhole: boolean): CsvDialect {
  const all = text.split(/\r\n|\n|\r/, mostLines + 1);
  if (!isWhole || all.length > mostLines) all.pop();
  const lines = all.filter((line) => line.trim() !== '');
  const chosen = given.separator ?? bestSeparator(lines);
  const rows = lines.map((line) => cellsOf(line, chosen)).filter((cells) => cells.some((cell) => cell !== ''));
  const width = widthOf(rows);
  const decimal = given.decimal ?? decimalOf(rows, chosen);
  const isNumber = (cell: string): boolean => !Number.isNaN(numberIn(cell, decimal));
  const commented = commentedHeader(rows, width, isNumber);
  if (commented !== undefined)
    return { separator: chosen, decimal, header: 'absent', linesBelow: 0, units: new Map(), ...commented };
  const top = topOf(rows, width, isNumber);
  const first = rows[top] ?? [];
  const rest = rows.slice(top + 1, top + 1 + rowsCompared);
  const hasHeader = isHeader(first, rest, isNumber);
  const [below = [], ...data] = rest;
  const hasUnits = hasHeader && isUnitLine(below, data, isNumber);
  const names = hasHeader ? first : first.map(() => '');
  return {
    separator: chosen,
    decimal,
    header: hasHeader ? 'present' : 'absent',
    linesAbove: top,
    linesBelow: hasUnits ? 1 : 0,
    columns: hasHeader && !hasTwice(names) ? undefined : uniqueNames(names),
    units: new Map(
      hasUnits
        ? names.flatMap((name, place) => (below[place] ? [[name, plainUnit(unbracketed(below[place]))]] : []))
        : [],
    ),
  };
}

/** More than one blank in a row, or one at the beginning: texts within cells rarely have that. */
const aligned = /^ | {2}| \t|\t /;

/** The one between whose cells most lines are alike and most cells are numbers; a comma where none is. */
function bestSeparator(lines: readonly string[]): string {
  let best: { readonly separator: string; readonly score: number } = { separator: ',', score: 0 };
  const areAligned = 2 * lines.filter((line) => aligned.test(line)).length >= lines.length;
  for (const separator of separators) {
    if (separator === anyBlanks && !areAligned) continue;
    const rows = lines.map((line) => cellsOf(line, separator));
    const width = widthOf(rows);
    if (width < 2) continue;
    const alike = rows.filter((cells) => cells.length === width);
    const cells = alike.slice(1).flat();
    const filled = cells.filter((cell) => cell !== '');
    const numbers = filled.filter((cell) => !Number.isNaN(numberIn(cell, ',')));
    const score = (alike.length / rows.length) * (0.1 + numbers.length / Math.max(1, filled.length));
    if (score > best.score * 1.01) best = { separator, score };
  }
  return best.separator;
}

const isComment = ([mark = '']: readonly string[]): boolean => /^(?:[#%;!]|\/\/)$/.test(mark);

/** Names that stand in a comment right above the rows, as in `# t x v`: no line of the table, which has as many cells without its mark. */
function commentedHeader(
  rows: readonly (readonly string[])[],
  width: number,
  isNumber: (cell: string) => boolean,
): Pick<CsvDialect, 'columns' | 'linesAbove'> | undefined {
  const linesAbove = rows.findIndex((cells) => !isComment(cells));
  const names = rows[linesAbove - 1]?.slice(1) ?? [];
  const isTable = rows[linesAbove]?.length === width && rows[linesAbove].some(isNumber);
  if (!isTable || names.length !== width || names.some(isNumber)) return undefined;
  return { columns: uniqueNames(names), linesAbove };
}

/** Place of the first line of the table: the first one as wide as most, or a header right above it that lacks the end of it. */
function topOf(rows: readonly (readonly string[])[], width: number, isNumber: (cell: string) => boolean): number {
  const first = Math.max(
    0,
    rows.findIndex((cells) => cells.length === width),
  );
  const above = rows[first - 1];
  const isHeader = above !== undefined && above.length >= Math.max(2, width - 1) && !above.some(isNumber);
  return isHeader && (rows[first] ?? []).some(isNumber) ? first - 1 : first;
}

function decimalOf(rows: readonly (readonly string[])[], separator: string): '.' | ',' {
  if (separator === ',') return '.';
  const cells = rows.flat();
  const count = (decimal: '.' | ',', number: RegExp): number =>
    cells.filter((cell) => number.test(cell) || withoutGroups(cell, decimal) !== undefined).length;
  const commas = count(',', /^[+-]?\d*,\d+(?:[eE][+-]?\d+)?$/);
  return commas > count('.', /^[+-]?\d*\.\d+(?:[eE][+-]?\d+)?$/) ? ',' : '.';
}

const numberIn = (cell: string, decimal: '.' | ','): number =>
  numberOfText(withoutGroups(cell, decimal) ?? (decimal === ',' ? cell.replace(',', '.') : cell));

/** A line whose cells are no numbers where numbers follow; or the numbers of the columns in their order, as some programs write them. */
function isHeader(
  first: readonly string[],
  rest: readonly (readonly string[])[],
  isNumber: (cell: string) => boolean,
): boolean {
  const places = first.map((_, place) => place);
  if (first.length > 1 && [0, 1].some((from) => places.every((place) => first[place] === String(place + from))))
    return true;
  return !places.some((place) => isNumber(first[place] ?? '') && rest.some((cells) => isNumber(cells[place] ?? '')));
}

const isUnit = (cell: string): boolean => cell === '' || cell === '-' || !isNoValue(cell);

/** Below a header, a line without any number where the lines after it have some: `s;rad;rad`. */
function isUnitLine(
  below: readonly string[],
  data: readonly (readonly string[])[],
  isNumber: (cell: string) => boolean,
): boolean {
  const isTextAlone = below.every((cell) => !isNumber(cell) && isUnit(cell) && cell.length <= longestUnit);
  const numberPlaces = below.flatMap((cell, place) =>
    cell !== '' && data.some((cells) => isNumber(cells[place] ?? '')) ? [place] : [],
  );
  return isTextAlone && numberPlaces.length > 0;
}

const unbracketed = (text: string): string => text.replace(/^[[(](.*)[\])]$/, '$1');

const hasTwice = (names: readonly string[]): boolean => {
  const named = names.filter((name) => name !== '');
  return new Set(named).size < named.length;
};

/** Names by place: what has none is `column-3`, what comes again is `x (2)`. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name, place) => {
    const plain = name === '' ? `column-${place + 1}` : name;
    let free = plain;
    for (let number = 2; taken.has(free); number += 1) free = `${plain} (${number})`;
    taken.add(free);
    return free;
  });
}

/** Cells of a line, with quotes as in RFC 4180; a quote that is not closed ends with the line. */
function cellsOf(line: string, separator: string): readonly string[] {
  if (!line.includes('"')) return splitLine(line, separator).map((cell) => cell.trim());
  const cells: string[] = [];
  let [cell, isQuoted] = ['', false];
  for (const character of line) {
    if (character === '"') isQuoted = !isQuoted;
    else if (isBetween(character, separator) && !isQuoted) {
      cells.push(cell.trim());
      cell = '';
    } else cell += character;
  }
  cells.push(cell.trim());
  return separator === anyBlanks ? cells.filter((text) => text !== '') : cells;
}

const isBetween = (character: string, separator: string): boolean =>
  separator === anyBlanks ? character === ' ' || character === '\t' : character === separator;

/** Cells that most lines have; lines of a single one are text around a table, unless there are no others. */
const widthOf = (rows: readonly (readonly string[])[]): number => {
  const widths = rows.map((cells) => cells.length);
  return commonest(widths.some((width) => width > 1) ? widths.filter((width) => width > 1) : widths);
};

function commonest(numbers: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  let best = 0;
  for (const [number, count] of counts) if (count > (counts.get(best) ?? 0)) best = number;
  return best;
}
