import { z } from 'zod';

import { operatorRoles } from '../../fleet/desk/operators.ts';
import { read } from './read.ts';

export const meSchema = z.strictObject({ ...read, name: z.string(), role: z.enum(operatorRoles) });
export type MeAnswer = z.infer<typeof meSchema>;
