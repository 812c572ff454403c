import { readFileSync, statSync } from 'node:fs';

import type { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';

const mostBytes = 1024 * 1024;

/**
 * The JSON document in the file that a setting names. Only its owner may read it: `why` says what for. Errors tell setting, file and fields, never
 * what stands in them.
 */
export function readSecretFile<T extends z.ZodType>(
  setting: string,
  file: string,
  { schema, why }: { readonly schema: T; readonly why: string },
): z.output<T> {
  const refusal = (wanted: string): Error => new Error(`settings: ${setting}: ${wanted} [file=${file}]`);
  const status = statSync(file, { throwIfNoEntry: false });
  if (status?.isFile() !== true) throw refusal('expected a JSON file that can be read');
  if ((status.mode & 0o077) !== 0) throw refusal(`expected a file that only its owner can read (chmod 600): ${why}`);
  if (status.size > mostBytes) throw refusal(`expected at most ${mostBytes} bytes, got ${status.size}`);
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw refusal('expected a JSON file that can be read');
  }
  const parsed = schema.safeParse(document);
  if (!parsed.success) throw refusal(describeIssues(parsed.error));
  return parsed.data;
}
