import { z } from 'zod';

import { groupings } from '../../activities/metrics/fact-sums.ts';
import { readMetrics, spanOf, startOf } from '../../activities/metrics/read-metrics.ts';
import { readSuccessCourse } from '../../activities/metrics/success-course.ts';
import { metricNames, metrics } from '../../domain/metrics/index.ts';
import { championChanges } from '../../domain/registry/index.ts';
import { orSetAside } from '../../store/damaged-objects.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { metricsSchema, successCourseSchema, type SuccessCourseAnswer } from '../answers/metrics.ts';
import type { ConsoleContext } from '../context.ts';
import { day, described, policyQuery, requirePolicy, type Routes } from './shared.ts';

/** How well a fleet does. */
export const metricRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/metrics/course',
    schema: {
      querystring: policyQuery.extend({ from: day.optional(), to: day.optional() }),
      ...described('Success of the whole fleet over time, and when its champion changed', successCourseSchema),
    },
    handler: async ({ query: { policy, ...days } }) => {
      await requirePolicy(context, policy);
      const span = spanOf(days, context.clock());
      const course = await context.questions.ask((engine) =>
        readSuccessCourse({ ...context, engine }, { policy, ...span }),
      );
      const champions = await championsOf(context, policy, span);
      return { readAtMs: context.clock(), policy, ...span, ...course, points: [...course.points], champions };
    },
  });

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

const mostChampions = 100;

async function championsOf(
  { store }: ConsoleContext,
  policy: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<SuccessCourseAnswer['champions']> {
  const key = `registry/${policy}/aliases`;
  const history = await orSetAside(
    key,
    () => readAliasHistory({ store })({ policy }),
    () => undefined,
  );
  if (history === undefined) return null;
  const changes = championChanges(policy, history);
  const [startMs, endMs] = [startOf(from, 'from'), startOf(to, 'to')];
  const before = changes.findLast(({ atMs }) => atMs < startMs);
  const within = changes.filter(({ atMs }) => atMs >= startMs && atMs < endMs).slice(-mostChampions);
  return [...(before === undefined ? [] : [before]), ...within].map(({ atMs, version, way, who, why }) => ({
    atMs,
    version,
    way,
    who,
    why,
  }));
}
