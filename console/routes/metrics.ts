import { z } from 'zod';

import { groupings } from '../../activities/metrics/fact-sums.ts';
import { readMetrics, spanOf } from '../../activities/metrics/read-metrics.ts';
import { metricNames, metrics } from '../../domain/metrics/index.ts';
import { metricsSchema } from '../answers/metrics.ts';
import { day, described, policyQuery, type Routes } from './shared.ts';

/** How well a fleet does. */
export const metricRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/metrics',
    schema: {
      querystring: policyQuery.extend({ by: z.enum(groupings).optional(), from: day.optional(), to: day.optional() }),
      ...described('Every metric over whole UTC days, told apart by one thing', metricsSchema),
    },
    handler: async ({ query: { policy, by, ...days } }) => {
      const span = spanOf(days, context.clock());
      const answer = await context.questions.ask((engine) =>
        readMetrics({ ...context, engine }, { policy, by, ...span }),
      );
      return {
        ...answer,
        readAtMs: context.clock(),
        damaged: [...answer.damaged],
        definitions: metricNames.map((name) => ({ name, unit: metrics[name].unit, sentence: metrics[name].sentence })),
        groups: answer.groups.map((group) => ({ name: group.name, metrics: [...group.metrics] })),
      };
    },
  });
};
