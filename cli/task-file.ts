import { readFile, stat } from 'node:fs/promises';

import { z } from 'zod';

import { taskIdSchema } from '../datasets/robot-type.ts';
import { longestInstruction, mostTasks } from '../datasets/task-catalogue.ts';
import { describeIssues } from '../store/json-objects.ts';
import { CommandError } from './exit-codes.ts';

export interface TaskLine {
  /** Line of the file, from 1, that the task begins on. */
  readonly line: number;
  readonly id: string;
  readonly instruction: string;
}

/** A file of the longest ids and instructions is shorter than this. */
const mostBytes = 2 * 1024 * 1024;
const mostToldProblems = 20;

const taskSchema = z.strictObject({ id: taskIdSchema, instruction: z.string().trim().min(1).max(longestInstruction) });

/** Tasks of a CSV file with columns `id` and `instruction`, or of JSON lines; every line that is wrong is told, and then none is taken. */
export async function readTaskFile(file: string): Promise<readonly TaskLine[]> {
  const facts = await stat(file).catch(() => undefined);
  if (facts?.isFile() !== true) throw new CommandError('wrong', `expected a file of tasks, got none: ${file}`);
  if (facts.size > mostBytes)
    throw new CommandError('wrong', `${file}: expected at most ${mostBytes} bytes, got ${facts.size}`);
  const text = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '');
  const isJson = text.trimStart().startsWith('{');
  const problems: string[] = [];
  const lines: TaskLine[] = [];
  for (const { line, value } of isJson ? jsonLines(text) : csvRecords(text, file)) {
    const parsed = typeof value === 'string' ? undefined : taskSchema.safeParse(value);
    if (parsed?.success === true) lines.push({ line, ...parsed.data });
    else problems.push(`line ${line}: ${parsed === undefined ? String(value) : describeIssues(parsed.error)}`);
  }
  if (problems.length > 0) throw new CommandError('wrong', `${file}: ${told(problems)}`);
  if (lines.length === 0 || lines.length > mostTasks)
    throw new CommandError('wrong', `${file}: expected 1 to ${mostTasks} tasks, got ${lines.length}`);
  return lines;
}

const told = (problems: readonly string[]): string =>
  [
    ...problems.slice(0, mostToldProblems),
    ...(problems.length > mostToldProblems ? [`and ${problems.length - mostToldProblems} more lines`] : []),
  ].join('\n');

/** What a line says: an object to be checked, or what is wrong with it. */
interface Said {
  readonly line: number;
  readonly value: unknown;
}

function* jsonLines(text: string): Generator<Said> {
  for (const [index, row] of text.split(/\r?\n/).entries()) {
    if (row.trim() === '') continue;
    try {
      const value: unknown = JSON.parse(row);
      yield { line: index + 1, value: typeof value === 'string' ? 'expected an object, got a text' : value };
    } catch {
      yield { line: index + 1, value: 'expected a JSON object, got other text' };
    }
  }
}

/** RFC 4180: fields in quotes may hold commas, quotes (doubled) and line ends. */
function* csvRecords(text: string, file: string): Generator<Said> {
  let heads: readonly string[] | undefined;
  for (const { line, cells } of csvRows(text)) {
    if (heads === undefined) {
      heads = cells.map((cell) => cell.trim().toLowerCase());
      if (heads.toSorted().join() !== 'id,instruction')
        throw new CommandError(
          'wrong',
          `${file}: line ${line}: expected the columns id,instruction, got ${cells.join().slice(0, 100)}`,
        );
      continue;
    }
    const value =
      cells.length === heads.length
        ? { id: cells[heads.indexOf('id')]?.trim(), instruction: cells[heads.indexOf('instruction')] }
        : `expected ${heads.length} fields, got ${cells.length}: put a field with a comma in quotes`;
    yield { line, value };
  }
}

function* csvRows(text: string): Generator<{ readonly line: number; readonly cells: readonly string[] }> {
  const field = /("[^"]*(?:""[^"]*)*"|(?!")[^,\r\n]*)(,|\r?\n|$)/gy;
  let [line, startLine] = [1, 1];
  let cells: string[] = [];
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (match === null)
      throw new CommandError('wrong', `line ${line}: expected fields of CSV, got a quote that is not closed`);
    const [whole, cell = '', end] = match;
    cells.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    line += whole.split('\n').length - 1;
    if (end === ',' && field.lastIndex < text.length) continue;
    if (cells.some((each) => each.trim() !== '')) yield { line: startLine, cells };
    cells = [];
    startLine = line;
  }
}
