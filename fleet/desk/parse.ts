import type { z } from 'zod';

import { failure } from '../../store/failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';

/** The checked input of a desk call, or `InvalidInput` that names the field. */
export function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw failure('InvalidInput', describeIssues(parsed.error));
}
