import { z } from 'zod';

import { mayAct } from '../../fleet/desk/operators.ts';
import { liftFreeze, setFreeze } from '../../store/records/freezes.ts';
import { requestOperator } from '../access.ts';
import { actBodyLimit as bodyLimit, described200, keyOf, reason } from './act-request.ts';
import { policyName, requirePolicy, type Routes } from './shared.ts';

const until = z.string().min(1).max(40);

/** No trial of a policy goes further before a date. */
export const freezeRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'POST',
    url: '/api/v1/freeze',
    bodyLimit,
    config: { role: 'operator' },
    schema: {
      body: z.strictObject({ policy: policyName, reason, until }),
      ...described200(
        'Let no trial of a policy advance before `until`, a UTC day or time; sooner than a freeze that holds only for approvers',
      ),
    },
    handler: async (request) => {
      const { policy, reason: why, until: end } = request.body;
      await requirePolicy(context, policy);
      const operator = requestOperator(request);
      const mayShorten = mayAct(operator.role, 'approver');
      const asked = { act: 'freeze.set', policy, subject: end, reason: why };
      return context.acting.carryOut(operator, keyOf(request), asked, async ({ who }) => {
        const { untilMs } = await setFreeze(context, { policy, who, why, until: end, mayShorten });
        return `no trial of ${policy} advances before ${new Date(untilMs).toISOString()}`;
      });
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/freeze/lift',
    bodyLimit,
    config: { role: 'approver' },
    schema: {
      body: z.strictObject({ policy: policyName, reason }),
      ...described200('Let trials of a policy advance again, before the date'),
    },
    handler: async (request) => {
      const { policy, reason: why } = request.body;
      await requirePolicy(context, policy);
      const asked = { act: 'freeze.lift', policy, subject: '', reason: why };
      return context.acting.carryOut(
        requestOperator(request),
        keyOf(request),
        asked,
        async ({ who, askedAtMs: sinceMs }) => {
          await liftFreeze(context, { policy, who, why, sinceMs });
          return `trials of ${policy} advance again`;
        },
      );
    },
  });
};
