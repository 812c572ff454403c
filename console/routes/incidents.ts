import { readIncidents } from '../../activities/incidents/incident-log.ts';
import { readOpenIncidents } from '../../activities/monitor/monitor-state.ts';
import { incidentsSchema } from '../answers/incidents.ts';
import { described, pageQuery, requirePolicy, type Routes } from './shared.ts';

/** What is wrong, and what was. */
export const incidentRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/incidents',
    schema: {
      querystring: pageQuery.omit({ after: true }),
      ...described('What is wrong now, and the last events of the log, newest last', incidentsSchema),
    },
    handler: async ({ query: { policy, limit } }) => {
      await requirePolicy(context, policy);
      const { lookedAtMs, incidents } = await readOpenIncidents(context.store, policy);
      const log = await readIncidents(context.store, policy);
      return {
        readAtMs: context.clock(),
        lookedAtMs,
        open: [...incidents],
        events: log.flatMap(({ record }) => record.events).slice(-limit),
      };
    },
  });
};
