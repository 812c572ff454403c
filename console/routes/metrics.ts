import { z } from 'zod';

import { groupings } from '../../activities/metrics/fact-sums.ts';
import { readMetrics, spanOf, type MetricsAnswer } from '../../activities/metrics/read-metrics.ts';
import { metricNames, metrics } from '../../domain/metrics/index.ts';
import { metricsSchema } from '../answers/metrics.ts';
import { ConsoleError } from '../errors.ts';
import { described, policyQuery, type Routes } from './shared.ts';

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a UTC day, e.g. 2026-11-22');

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
      ...described('Every metric over whole UTC days, told apart by one thing', metricsSchema),
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
