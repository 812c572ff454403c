import { z } from 'zod';

/** How a workflow stands, and what it says of itself; null: there is none, and was none lately. */
export const runSchema = z
  .strictObject({
    workflowId: z.string(),
    run: z.string(),
    startedMs: z.number(),
    endedMs: z.number().nullable(),
    status: z.unknown(),
  })
  .nullable();
