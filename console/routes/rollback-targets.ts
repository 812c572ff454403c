import { rollbackTargetsSchema } from '../answers/rollback-targets.ts';
import { readRollbackTargets } from '../rollback-targets.ts';
import { EndSentences } from '../../activities/trials/trial-sentences.ts';
import { described, policyQuery, requirePolicy, type Routes } from './shared.ts';

/** Where a rollback can go: for who is about to order or approve one. */
export const rollbackTargetRoutes: Routes = (context) => async (app) => {
  const sentences = new EndSentences(context.store);
  app.route({
    method: 'GET',
    url: '/api/v1/rollback/targets',
    schema: {
      querystring: policyQuery,
      ...described(
        'Versions that a rollback can go to now: when each was champion, how well it did in the last 92 UTC days, and whether it was taken back or blocked',
        rollbackTargetsSchema,
      ),
    },
    handler: async ({ query: { policy } }) => {
      await requirePolicy(context, policy);
      return readRollbackTargets(context, policy, sentences);
    },
  });
};
