import type { z } from 'zod';

import { pathText } from '../datasets/robot-type-check/path-text.ts';
import { readStrictJson } from '../datasets/robot-type-check/strict-json.ts';
import { importMapSchema, type ImportMap } from '../datasets/importers/import-map.ts';
import { CommandError } from './exit-codes.ts';
import { readTextFile } from './csv-text.ts';
import { plainIssue } from './plain-issue.ts';

const maxMapBytes = 1024 * 1024;
const mostListed = 20;

/** The import map in a file; `wrong` with every problem of it, each with its field. */
export async function readImportMap(file: string): Promise<ImportMap> {
  const { value, problems } = readStrictJson(await readTextFile(file, maxMapBytes));
  if (problems.length > 0)
    throw wrong(
      file,
      problems.map(({ path, expected, got }) => `${path || 'the document'}: expected ${expected}, got ${got}`),
    );
  const parsed = importMapSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw wrong(file, [...parsed.error.issues.flatMap(linesOf), ...hints]);
}

/** Where a map comes from, for whoever wrote one by hand. */
const hints = ['(`flywheel robot-types infer` drafts a map; docs/import-export.md explains every field)'];

type Issue = z.ZodError['issues'][number];

/** A choice between shapes says what is wrong with the shape that comes nearest. */
function linesOf(issue: Issue): readonly string[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0)
    return [`${pathText(issue.path) || 'the document'}: ${plainIssue(issue.message)}`];
  const nearest = issue.errors.toSorted((a, b) => distance(a) - distance(b))[0] ?? [];
  return nearest.flatMap((inner) => linesOf({ ...inner, path: [...issue.path, ...inner.path] }));
}

const distance = (issues: readonly { readonly code?: string | undefined }[]): number =>
  issues.length + (issues.some(({ code }) => code === 'unrecognized_keys') ? 1 : 0);

function wrong(file: string, lines: readonly string[]): CommandError {
  const more = lines.length > mostListed ? `\n  and ${lines.length - mostListed} more` : '';
  return new CommandError(
    'wrong',
    `${file}: expected an import map:\n  ${lines.slice(0, mostListed).join('\n  ')}${more}`,
  );
}
