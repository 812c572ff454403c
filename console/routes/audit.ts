import { z } from 'zod';

import { readAuditPage } from '../../store/records/audit-log.ts';
import { auditSchema } from '../answers/acts.ts';
import { described, policyName, type Routes } from './shared.ts';

/** Who did what, why and with what outcome. */
export const auditRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/audit',
    schema: {
      querystring: z.object({
        who: z.string().min(1).max(200).optional(),
        policy: policyName.optional(),
        before: z.coerce.number().int().min(1).optional(),
        limit: z.coerce.number().int().min(1).max(500).default(100),
      }),
      ...described(
        'Acts of people, newest first, whichever way they came; the last check of the hash chain',
        auditSchema,
      ),
    },
    handler: async ({ query: { who, policy, before, limit } }) => {
      const keys: string[] = [];
      const { entries, next } = await readAuditPage(
        context.store,
        {
          before,
          limit,
          isWanted: (entry) =>
            (who === undefined || entry.who === who) && (policy === undefined || entry.policy === policy),
        },
        ({ key }) => void keys.push(key),
      );
      const chain = await context.chain.ask();
      return {
        readAtMs: context.clock(),
        damaged: keys,
        items: [...entries],
        next,
        chain: chain && { checkedAtMs: chain.checkedAtMs, verifiedSeq: chain.verifiedSeq, broken: chain.broken },
      };
    },
  });
};
