import { z } from 'zod';

import { mostTasks } from '../../datasets/task-catalogue.ts';
import { taskIdSchema } from '../../datasets/robot-type.ts';
import { policyNameSchema, seqSchema } from './identifiers.ts';

/**
 * `GET /v1/robots/:id/tasks`: what the robot may be asked to do. It may record episodes of these tasks; it acts only on those that its
 * model's signed manifest knows, under the indexes named there. Gateways of earlier versions have no such path.
 */
export const tasksAnswerSchema = z.strictObject({
  policy: policyNameSchema,
  /** Last record of the policy's task catalogue that is in it. */
  seq: seqSchema,
  /** Active ones. */
  tasks: z.array(taskIdSchema).min(1).max(mostTasks),
});
export type TasksAnswer = z.infer<typeof tasksAnswerSchema>;

/** Reads the header that names the newest record; undefined for none, and for what is none. */
export function tasksSeqIn(header: string | null): number | undefined {
  const seq = seqSchema.safeParse(/^\d{1,15}$/.test(header ?? '') ? Number(header) : undefined);
  return seq.success ? seq.data : undefined;
}
