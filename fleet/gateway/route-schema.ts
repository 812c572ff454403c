import { z } from 'zod';

import { errorAnswerSchema } from '../protocol/index.ts';

/** What the description of every route of a robot says: how errors look, whose token it wants, what its path names. */
export const errors = { '4xx': errorAnswerSchema, '5xx': errorAnswerSchema };
export const security = [{ robotToken: [] }];
export const params = z.object({ id: z.string() });
