import { z } from 'zod';

import { taskIdSchema } from '../datasets/robot-type.ts';
import { longestInstruction, mostTasks } from '../datasets/task-catalogue.ts';
import { describeIssues } from '../domain/describe-issues.ts';
import { readCsv, readTextFile } from './csv-text.ts';
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
  const text = await readTextFile(file, mostBytes);
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

function* csvRecords(text: string, file: string): Generator<Said> {
  const [head, ...rows] = readCsv(text, file);
  const heads = head?.cells.map((cell) => cell.toLowerCase()) ?? [];
  if (head === undefined) return;
  if (heads.toSorted().join() !== 'id,instruction')
    throw new CommandError(
      'wrong',
      `${file}: line ${head.line}: expected the columns id,instruction, got ${head.cells.join().slice(0, 100)}`,
    );
  for (const { line, cells } of rows) {
    const value =
      cells.length === heads.length
        ? { id: cells[heads.indexOf('id')], instruction: cells[heads.indexOf('instruction')] }
        : `expected ${heads.length} fields, got ${cells.length}: put a field with a comma in quotes`;
    yield { line, value };
  }
}
