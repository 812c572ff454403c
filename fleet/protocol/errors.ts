import { z } from 'zod';

/** Why a request was not done, and whether sending it again can help. Callers branch on the type, never on the text. */
export const wireErrors = {
  malformed: { status: 400, isRetryable: false },
  unauthorized: { status: 401, isRetryable: false },
  /** A valid token, but of another robot. */
  forbidden: { status: 403, isRetryable: false },
  notFound: { status: 404, isRetryable: false },
  /** The robot and the fleet disagree: another robot type, another protocol version. */
  conflict: { status: 409, isRetryable: false },
  /** The robot's type has no camera of this name whose images may leave the robot. */
  mediaRefused: { status: 403, isRetryable: false },
  /** Parts of the clip are not there, or not of the size they must have: ask which, send those, and complete again. */
  mediaIncomplete: { status: 409, isRetryable: true },
  /** All parts together are not what the clip's name says; they are removed. Once more helps only if the robot's file is what its name says. */
  mediaMismatch: { status: 409, isRetryable: true },
  /** The robot's share of clips for this day is used up; numbers are not touched by it. */
  mediaQuota: { status: 429, isRetryable: true },
  /** The body came slower than the gateway waits for. */
  tooSlow: { status: 408, isRetryable: true },
  tooLarge: { status: 413, isRetryable: false },
  /** The range starts past the end of the file. */
  rangeNotSatisfiable: { status: 416, isRetryable: false },
  /** The bytes are not what their name says. The upload was cut or changed on its way: send it again. */
  wrongDigest: { status: 422, isRetryable: true },
  tooManyRequests: { status: 429, isRetryable: true },
  internal: { status: 500, isRetryable: true },
  /** This one file is not in the store as its manifest says; everything else is served as before. */
  damagedFile: { status: 500, isRetryable: true },
  /** Too much work, a store that does not answer, or a gateway that is about to stop. */
  overloaded: { status: 503, isRetryable: true },
  /** The store has no room: nothing new can be kept until somebody makes some. */
  storeFull: { status: 507, isRetryable: true },
} as const satisfies Record<string, { status: number; isRetryable: boolean }>;

export type WireErrorType = keyof typeof wireErrors;

/** Body of every answer with a status of 400 or more; 429 and 503 carry Retry-After in seconds too. */
export const errorAnswerSchema = z.strictObject({
  error: z.strictObject({
    type: z.enum(Object.keys(wireErrors) as [WireErrorType, ...WireErrorType[]]),
    message: z.string().max(2_000),
  }),
});

export type ErrorAnswer = z.infer<typeof errorAnswerSchema>;
