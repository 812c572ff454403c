import { z } from 'zod';

import { operatorRoles } from '../../fleet/desk/operators.ts';
import { read } from './read.ts';

export const meSchema = z.strictObject({
  ...read,
  name: z.string(),
  role: z.enum(operatorRoles),
  /** Of a browser's session: sent with each act as `flywheel-csrf`. null: by token. */
  csrf: z.string().nullable(),
});
export type MeAnswer = z.infer<typeof meSchema>;

export const signInSchema = z.strictObject({
  ...read,
  /** An identity provider, and what its button says; null: there is none. */
  oidc: z.strictObject({ label: z.string() }).nullable(),
});
export type SignInAnswer = z.infer<typeof signInSchema>;
