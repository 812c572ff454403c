import { z } from 'zod';

import { groupings } from '../../activities/metrics/fact-sums.ts';
import { readMetrics, spanOf, type MetricsAnswer } from '../../activities/metrics/read-metrics.ts';
import { metricNames, metrics } from '../../domain/metrics/index.ts';
import { ConsoleError } from '../errors.ts';
import { damaged, described, policyQuery, read, type Routes } from './shared.ts';

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a UTC day like 2026-11-22');

const metricSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('value'),
    value: z.number(),
    n: z.number(),
    low: z.number().nullable(),
    high: z.number().nullable(),
  }),
  z.strictObject({ kind: z.literal('noData'), why: z.string() }),
  z.strictObject({ kind: z.literal('notDefined'), why: z.string() }),
]);
const answerSchema = z.strictObject({
  ...read,
  ...damaged,
  policy: z.string(),
  by: z.enum(groupings).nullable(),
  from: z.string(),
  to: z.string(),
  /** `noFacts`: nobody makes facts yet; `empty`: nothing was told in this time. */
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
  currency: z.string().nullable(),
  definitions: z.array(
    z.strictObject({ name: z.enum(metricNames as [string]), unit: z.string(), sentence: z.string() }),
  ),
  groups: z.array(
    z.strictObject({
      name: z.string(),
      metrics: z.array(z.strictObject({ name: z.enum(metricNames as [string]), metric: metricSchema })),
    }),
  ),
});

/** Questions at once; each holds an SQL session. */
const mostQuestions = 2;
const mostWaiting = 20;

/** Lets two questions run at a time, the others wait; refuses what would wait behind twenty. */
class Turnstile {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  async pass(ask: () => Promise<MetricsAnswer>): Promise<MetricsAnswer> {
    if (this.#running >= mostQuestions) {
      if (this.#waiting.length >= mostWaiting)
        throw new ConsoleError('tooMany', 'too many questions about metrics at once', { retryAfterMs: 5_000 });
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await ask();
    } finally {
      const next = this.#waiting.shift();
      // Whoever waits takes the place over.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** How well a fleet does. */
export const metricRoutes: Routes = (context) => async (app) => {
  const turnstile = new Turnstile();

  app.route({
    method: 'GET',
    url: '/api/v1/metrics',
    schema: {
      querystring: policyQuery.extend({ by: z.enum(groupings).optional(), from: day.optional(), to: day.optional() }),
      ...described('Every metric over whole UTC days, told apart by one thing', answerSchema),
    },
    handler: async ({ query: { policy, by, ...days } }) => {
      const span = spanOf(days, context.clock());
      const answer = await turnstile.pass(() => readMetrics(context, { policy, by, ...span }));
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
