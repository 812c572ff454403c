import { z } from 'zod';

import { endedCycleSchema, listEndedCycles } from '../../activities/report/list-cycles.ts';
import { readJson } from '../../store/json-objects.ts';
import { damaged, read } from '../answers/read.ts';
import { runSchema } from '../answers/trials.ts';
import { described, limitQuery, requirePolicy, type Routes } from './shared.ts';

const cycleSchema = endedCycleSchema.omit({ policy: true });
const cycleIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, 'expected a cycle id');

/** Cycles: what ran, what runs, and why it ended so. */
export const cycleRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/cycles',
    schema: {
      querystring: limitQuery,
      ...described(
        'Cycles that ended, newest last',
        z.strictObject({ ...read, ...damaged, items: z.array(cycleSchema) }),
      ),
    },
    handler: async ({ query: { policy, limit } }) => {
      await requirePolicy(context, policy);
      const keys: string[] = [];
      const items = await listEndedCycles(context.store, policy, limit, ({ key }) => void keys.push(key));
      return { readAtMs: context.clock(), damaged: keys, items: items.map((cycle) => cycleSchema.parse(cycle)) };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/cycle',
    schema: {
      querystring: z.object({ id: cycleIdSchema }),
      ...described(
        'One cycle: its report, once it ended, and how its run stands',
        z.strictObject({ ...read, report: z.record(z.string(), z.unknown()).nullable(), run: runSchema }),
      ),
    },
    handler: async ({ query: { id } }) => {
      const report = await readJson(context.store, `reports/${id}.json`, z.record(z.string(), z.unknown()));
      // Of a cycle that ended the report says all; the server forgets it.
      const run = report === undefined ? await context.loop.cycle(id) : null;
      return { readAtMs: context.clock(), report: report ?? null, run };
    },
  });
};
