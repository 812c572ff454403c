import { z } from 'zod';

import { actOutcomes, actRoutes } from '../../store/records/audit-entry.ts';
import { damaged, read } from './read.ts';

/** What was done, in the words of the workflow or the store that did it. */
export const actSchema = z.strictObject({
  ...read,
  actId: z.string(),
  answer: z.string(),
  /** It was done before, under the same key, and this is what was said then. */
  isRepeated: z.boolean(),
  /** Nothing is done yet: somebody else has to approve it first. Absent: it needs nobody's approval, or has it. */
  needsApproval: z.literal(true).optional(),
});
export type ActAnswer = z.infer<typeof actSchema>;

export const auditSchema = z.strictObject({
  ...read,
  ...damaged,
  /** Newest first. */
  items: z.array(
    z.strictObject({
      seq: z.int(),
      atMs: z.number(),
      actId: z.string(),
      outcome: z.enum(actOutcomes),
      who: z.string(),
      /** null: by the shell or a workflow. */
      role: z.string().nullable(),
      via: z.enum(actRoutes),
      act: z.string(),
      policy: z.string().nullable(),
      subject: z.string(),
      reason: z.string(),
      answer: z.string(),
      previous: z.string(),
    }),
  ),
  /** What `before` is for the next page; null: the first entry was reached. */
  next: z.int().nullable(),
  /** The hash chain, as it was checked last; null: it is being checked for the first time. */
  chain: z
    .strictObject({
      checkedAtMs: z.number(),
      verifiedSeq: z.int(),
      broken: z.strictObject({ seq: z.int(), kind: z.string(), why: z.string() }).nullable(),
    })
    .nullable(),
});
export type AuditAnswer = z.infer<typeof auditSchema>;
