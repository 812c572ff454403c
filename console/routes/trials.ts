import { z } from 'zod';

import { listEndedTrials, readTrialCourse } from '../../activities/trials/trial-course.ts';
import { trialKeys } from '../../activities/trials/trial-keys.ts';
import type { Confirmations } from '../../fleet/desk/confirmations.ts';
import { readJson, requireJson } from '../../store/json-objects.ts';
import { readFreeze } from '../../store/records/freezes.ts';
import { endedTrialsSchema, trialCourseSchema, trialSchema, type TrialAnswer } from '../answers/trials.ts';
import { described, limitQuery, policyQuery, requirePolicy, trialName, type Routes } from './shared.ts';

/** Trials: the one that runs, those that ended, and the course of each. */
export const trialRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/trial',
    schema: {
      querystring: policyQuery,
      ...described('The trial of a policy now, its steps, and the rollback that runs', trialSchema),
    },
    handler: async ({ query: { policy } }) => {
      await requirePolicy(context, policy);
      const [trial, steps, rollback, seen, freeze] = await Promise.all([
        context.loop.trial(policy),
        context.loop.trialSteps(policy),
        context.loop.rollback(policy),
        context.fleet.readConfirmations(policy),
        readFreeze(context.store, policy, context.clock()),
      ]);
      return {
        readAtMs: context.clock(),
        trial,
        ...steps,
        rollback,
        order: seen === undefined ? null : followed(seen),
        freeze,
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/trials',
    schema: {
      querystring: limitQuery,
      ...described('Trials that ended, newest last', endedTrialsSchema),
    },
    handler: async ({ query: { policy, limit } }) => {
      await requirePolicy(context, policy);
      const keys: string[] = [];
      const items = await listEndedTrials(context.store, policy, limit, ({ key }) => void keys.push(key));
      return { readAtMs: context.clock(), damaged: keys, items: [...items] };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/trials/:trialId',
    schema: {
      params: z.object({ trialId: trialName }),
      ...described(
        'The course of a trial: effect with its interval over time, against its limits; at most 500 points, evenly thinned',
        trialCourseSchema,
      ),
    },
    handler: async ({ params: { trialId } }) => {
      const keys: string[] = [];
      const anything = z.record(z.string(), z.unknown());
      const plan = await requireJson(
        context.store,
        trialKeys.plan(trialId),
        anything,
        'no trial of that id was planned',
      );
      const end = (await readJson(context.store, trialKeys.end(trialId), anything)) ?? null;
      const { points, verdicts } = await readTrialCourse(context.store, trialId, ({ key }) => void keys.push(key));
      return { readAtMs: context.clock(), damaged: keys, plan, end, points: [...points], verdicts };
    },
  });
};

function followed({ seq, unserved = [], ...seen }: Confirmations): NonNullable<TrialAnswer['order']> {
  const [confirmed, waiting, windowed, failed, offline] = [
    seen.confirmed.length,
    seen.waiting.length,
    seen.windowed.length,
    seen.failed.length,
    seen.offline.length,
  ];
  const robots = confirmed + waiting + windowed + failed + offline + unserved.length;
  return { seq, robots, confirmed, waiting, windowed, failed, offline, unserved: unserved.length };
}
