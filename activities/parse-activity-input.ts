import type { z } from 'zod';

import { failure } from '../store/failures.ts';
import { describeIssues } from '../domain/describe-issues.ts';

/** What an activity was given, checked before anything is done; `InvalidInput` names activity and field. */
export function parseActivityInput<T>(activity: string, schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw failure('InvalidInput', `${activity}: ${describeIssues(parsed.error)}`);
}
