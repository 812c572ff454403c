import { readFile } from 'node:fs/promises';

import type { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';

/** A JSON document that a person names; what is wrong with it is said with the file's name, and never its content: it may hold tokens. */
export async function readJsonFile<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(file, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file}: expected a JSON document, got other text`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`${file}: ${describeIssues(parsed.error)}`);
}
