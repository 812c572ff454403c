import { z } from 'zod';

import { longestReason } from '../../store/records/audit-entry.ts';
import { actSchema } from '../answers/acts.ts';
import { described } from './shared.ts';

/** Bodies of acts are a few short texts. */
export const actBodyLimit = 8 * 1024;

export const reason = z
  .string()
  .max(longestReason, `expected a reason of 1 to ${longestReason} characters`)
  .refine((text) => text.trim() !== '', `expected a reason of 1 to ${longestReason} characters`);

const headers = z.object({
  'idempotency-key': z
    .string('expected a header Idempotency-Key: a new one for each act, the same one to ask again')
    .regex(/^[\x21-\x7e]{8,100}$/, 'expected 8 to 100 printed characters without spaces'),
});

/** The description of an act. */
export const described200 = (summary: string) => ({ headers, ...described(summary, actSchema) });
export const keyOf = (request: { readonly headers: z.infer<typeof headers> }): string =>
  request.headers['idempotency-key'];
