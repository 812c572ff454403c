import { z } from 'zod';

import { damaged, read } from './read.ts';

export const sessionsSchema = z.strictObject({
  ...read,
  ...damaged,
  /** Browsers that are signed in, the newest first, at most 500: of an admin all, of others their own. */
  items: z.array(
    z.strictObject({
      sessionId: z.string(),
      name: z.string(),
      role: z.string(),
      sinceMs: z.number(),
      untilMs: z.number(),
      /** Noted every five minutes of use; null: not used since it began. */
      seenMs: z.number().nullable(),
      /** It is the one that asks. */
      isThis: z.boolean(),
    }),
  ),
  /** Whether people can sign in by a browser at all: without an identity provider they have tokens alone. */
  hasProvider: z.boolean(),
});
export type SessionsAnswer = z.infer<typeof sessionsSchema>;
