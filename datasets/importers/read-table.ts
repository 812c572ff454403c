import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { ImportError } from './import-summary.ts';

export interface TableLine {
  /** 1-based line of the file. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** The file a person meant by a path: the path itself, or the file of that name in the folder. */
export async function fileAt(path: string, name: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const file = found?.isDirectory() === true ? join(path, name) : path;
  const isFile = (await stat(file).catch(() => undefined))?.isFile() === true;
  if (isFile) return file;
  throw new ImportError(`expected ${name} or a folder that holds it, got no such file [path=${file}]`);
}

/** Lines of a text table with their cells, one at a time; blank lines are left out. */
export async function* readTable(path: string, separator: string): AsyncGenerator<TableLine> {
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line++;
    if (text.trim() !== '') yield { line, cells: text.split(separator) };
  }
}

/** A number as the file writes it, or an error that says where. */
export function numberAt(path: string, { line }: TableLine, column: string, text: string | undefined): number {
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new ImportError(`expected a number, got "${text ?? ''}" [path=${path}, line=${line}, column=${column}]`);
}
