import { z } from 'zod';

/** What a refusal is of; pages look different by it: nobody, not you, not there, wrong question, not now, broken. */
export const consoleErrors = {
  unauthenticated: 401,
  forbidden: 403,
  notFound: 404,
  malformed: 400,
  refused: 409,
  keyReused: 422,
  tooMany: 429,
  storeUnavailable: 503,
  temporalUnavailable: 503,
  damaged: 500,
  internal: 500,
} as const;
export type ConsoleErrorType = keyof typeof consoleErrors;

export const errorSchema = z.strictObject({
  error: z.strictObject({ type: z.enum(Object.keys(consoleErrors) as [ConsoleErrorType]), message: z.string() }),
});
export type RefusalAnswer = z.infer<typeof errorSchema>;
