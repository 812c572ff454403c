import { z } from 'zod';

import { readPolicyDocument } from '../../activities/registry/policy-document.ts';
import { listEndedCycles } from '../../activities/report/list-cycles.ts';
import { readJson } from '../../store/json-objects.ts';
import {
  cycleReportSchema,
  cycleSchema,
  endedCyclesSchema,
  oneCycleSchema,
  runningCycleSchema,
} from '../answers/cycles.ts';
import { readCycleReport } from '../cycle-report-view.ts';
import type { RunView } from '../loop-view.ts';
import { described, limitQuery, policyQuery, requirePolicy, type Routes } from './shared.ts';

const cycleIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/, 'expected a cycle id');

const shown = (run: RunView | null | undefined) =>
  run === null || run === undefined ? null : { ...run, ...(run.steps === undefined ? {} : { steps: [...run.steps] }) };

/** Cycles: what ran, what runs, and why it ended so. */
export const cycleRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/cycles',
    schema: { querystring: limitQuery, ...described('Cycles that ended, newest last', endedCyclesSchema) },
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
      ...described('One cycle: its report, once it ended, and how its run stands', oneCycleSchema),
    },
    handler: async ({ query: { id } }) => {
      const report = await readJson(context.store, `reports/${id}.json`, z.record(z.string(), z.unknown()));
      // Of a cycle that ended the report says all; the server forgets it.
      const run = report === undefined ? await context.loop.cycle(id) : null;
      return { readAtMs: context.clock(), report: report ?? null, run };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/cycle/report',
    schema: {
      querystring: z.object({ id: cycleIdSchema }),
      ...described('The report of a cycle that ended, without images and with lists cut', cycleReportSchema),
    },
    handler: async ({ query: { id } }) => ({
      readAtMs: context.clock(),
      ...(await readCycleReport(context.store, id)),
    }),
  });

  app.route({
    method: 'GET',
    url: '/api/v1/cycle/now',
    schema: {
      querystring: policyQuery,
      ...described('The cycle of a policy that runs, and how far its step is', runningCycleSchema),
    },
    handler: async ({ query: { policy } }) => {
      const { robotType } = await readPolicyDocument(context.store, policy);
      const running = await context.loop.runningCycle(policy, robotType.id);
      return {
        readAtMs: context.clock(),
        cycle: shown(running?.cycle),
        collection: shown(running?.collection),
        training: shown(running?.training),
      };
    },
  });
};
