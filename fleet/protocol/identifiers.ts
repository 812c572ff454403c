import { z } from 'zod';

const identifier = (what: string) =>
  z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, `expected ${what} of 1 to 63 lower-case letters, digits and dashes`);

/** Names a robot everywhere: token, paths, landing keys, rows. Fit for file names that do not differ in case. */
export const robotIdSchema = identifier('a robot id');
export const policyNameSchema = identifier('a policy name');
export const gatewayIdSchema = identifier('a gateway id');
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'expected a sha256 of 64 lower-case hex digits');

/** `1.2.3`, as `domain/registry` makes it. */
export const policyVersionSchema = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/, 'expected a policy version like 1.2.3');

export const trialIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'expected a trial id of 1 to 100 letters, digits, dots, dashes, underscores',
  );

/** Upper-case ULID: one a life of an agent process (boot), an episode, a report. */
export const ulidSchema = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'expected a ULID');

/** Milliseconds since 1970 UTC by whatever clock; a broken one may say anything up to the year 2286. */
export const instantMsSchema = z.int().min(0).max(9_999_999_999_999);

/** Counts up by one from 0. */
export const seqSchema = z
  .int()
  .min(0)
  .max(2 ** 48);

export const countSchema = z
  .int()
  .min(0)
  .max(2 ** 48);
export const durationMsSchema = z
  .int()
  .min(0)
  .max(366 * 24 * 3_600_000);
export const textSchema = z.string().max(500);
