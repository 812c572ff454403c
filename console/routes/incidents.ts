import { z } from 'zod';

import { readLastEvents } from '../../activities/incidents/incident-log.ts';
import { readDriftLook } from '../../activities/monitor/read-drift.ts';
import { readOpenIncidents } from '../../activities/monitor/monitor-state.ts';
import { whereToLook } from '../../activities/incidents/where-to-look.ts';
import type { IncidentEvent, OpenIncident } from '../../domain/monitoring/index.ts';
import { severityOf } from '../../domain/monitoring/severity.ts';
import { incidentsSchema, type IncidentsAnswer } from '../answers/incidents.ts';
import { driftSchema } from '../answers/drift.ts';
import { EndSentences, type ToldEnd } from '../../activities/trials/trial-sentences.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import { changesBefore } from '../changes-before.ts';
import { trialsOfEvents } from '../told-events.ts';
import { described, pageQuery, policyQuery, requirePolicy, type Routes } from './shared.ts';

/** What is wrong, and what was. */
export const incidentRoutes: Routes = (context) => async (app) => {
  const sentences = new EndSentences(context.store);
  app.route({
    method: 'GET',
    url: '/api/v1/incidents',
    schema: {
      querystring: pageQuery.omit({ after: true }),
      ...described(
        'What is wrong now, and the last events of the log, newest last; what was done to the fleet before incidents of all of it',
        incidentsSchema,
      ),
    },
    handler: async ({ query: { policy, limit } }) => {
      await requirePolicy(context, policy);
      const { lookedAtMs, incidents } = await readOpenIncidents(context.store, policy);
      const keys: string[] = [];
      const onDamage = ({ key }: { readonly key: string }): void => void keys.push(key);
      const events = await readLastEvents(context.store, policy, limit, { onDamage });
      const [changes, trials] = await Promise.all([
        changesBefore(context, policy, { open: incidents, events }, onDamage),
        trialsOfEvents(context.store, policy, { events, sentences }, onDamage),
      ]);
      return {
        readAtMs: context.clock(),
        damaged: keys,
        lookedAtMs,
        open: incidents.map(shownIncident),
        events: events.map((event) => shownEvent(event, trials.get(event.incidentId))),
        changesBefore: changes,
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/drift',
    schema: {
      querystring: policyQuery.extend({ until: z.coerce.number().int().min(0).max(8.64e15).optional() }),
      ...described(
        'The figures of the newest look for drift that raised an alarm (else of the newest look), at `until` (Unix ms) or before, each beside its limit',
        driftSchema,
      ),
    },
    handler: async ({ query: { policy, until } }) => {
      await requirePolicy(context, policy);
      const keys: string[] = [];
      const untilMs = until ?? Number.MAX_SAFE_INTEGER;
      const look = await readDriftLook(context.store, policy, untilMs, ({ key }) => void keys.push(key));
      const rows = look?.rows ?? [];
      return {
        readAtMs: context.clock(),
        damaged: keys,
        policy,
        lookMs: look?.lookMs ?? null,
        alarm: look?.alarm ?? false,
        rows: rows.slice(0, mostRows),
        rowsTotal: rows.length,
      };
    },
  });
};

const mostRows = 200;

const shownIncident = (one: OpenIncident): IncidentsAnswer['open'][number] => ({
  ...one,
  reason: plainReason(one.reason),
  see: seeOf(one),
  severity: severityOf({ ...one, state: 'opened' }),
});

/** One that tells of a trial says its sentence, and leads to it. */
function shownEvent(event: IncidentEvent, trial: ToldEnd | undefined): IncidentsAnswer['events'][number] {
  if (trial !== undefined)
    return { ...event, reason: trial.sentence, see: { page: 'trial', query: { id: trial.trialId } } };
  const opened = event.state === 'opened' ? { openedAtMs: event.atMs } : {};
  return { ...event, reason: plainReason(event.reason), see: seeOf({ ...event, ...opened }) };
}

function seeOf(one: Parameters<typeof whereToLook>[0]): IncidentsAnswer['open'][number]['see'] {
  const place = whereToLook(one);
  return place === undefined ? null : { page: place.page, query: { ...place.query } };
}
