import { z } from 'zod';

import { readLastRollback, type LastRollback } from '../../activities/trials/read-undo.ts';
import { listEndedTrials, readTrialCourse } from '../../activities/trials/trial-course.ts';
import { trialKeys } from '../../activities/trials/trial-keys.ts';
import { aliasesAt } from '../../domain/registry/index.ts';
import type { Confirmations } from '../../fleet/desk/confirmations.ts';
import { readAssignment, type AssignmentRecord } from '../../fleet/desk/index.ts';
import { readJson, requireJson } from '../../store/json-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { readFreeze } from '../../store/records/freezes.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  endedTrialsSchema,
  standingSchema,
  trialCourseSchema,
  trialSchema,
  type TrialAnswer,
} from '../answers/trials.ts';
import type { ConsoleContext } from '../context.ts';
import { EndingRollbacks } from '../ending-rollbacks.ts';
import { readTrialNow } from '../trial-now.ts';
import { EndSentences } from '../../activities/trials/trial-sentences.ts';
import { described, limitQuery, policyQuery, requirePolicy, trialName, type Routes } from './shared.ts';

const readsAtOnce = 8;

/** Trials: the one that runs, those that ended, and the course of each. */
export const trialRoutes: Routes = (context) => async (app) => {
  await app.register(nowRoutes(context));
  await app.register(courseRoutes(context));
};

const nowRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/trial',
    schema: {
      querystring: policyQuery,
      ...described('The trial of a policy now, its steps, and the rollback that runs', trialSchema),
    },
    handler: async ({ query: { policy } }) => {
      await requirePolicy(context, policy);
      const [trial, steps, rollback, standing] = await Promise.all([
        context.loop.trial(policy),
        context.loop.trialSteps(policy),
        context.loop.rollback(policy),
        readStanding(context, policy),
      ]);
      const runs = await readTrialNow(context.store, steps, () => undefined);
      return { readAtMs: context.clock(), now: runs, trial, ...steps, rollback, ...standing };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/standing',
    schema: {
      querystring: policyQuery,
      ...described(
        'Until when the trials of a policy are frozen, and who follows its current order: known also while Temporal does not answer',
        standingSchema,
      ),
    },
    handler: async ({ query: { policy } }) => {
      await requirePolicy(context, policy);
      const standing = await readStanding(context, policy);
      return { readAtMs: context.clock(), policy, ...standing };
    },
  });
};

/** Trials that ended, and the course of each. */
const courseRoutes: Routes = (context) => async (app) => {
  const sentences = new EndSentences(context.store);
  const rollbacks = new EndingRollbacks(context.store);
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
      const ends = await listEndedTrials(context.store, policy, limit, ({ key }) => void keys.push(key));
      const [items, endedBy] = await Promise.all([
        inParallel(ends, readsAtOnce, (end) => sentences.of(end)),
        rollbacks.of(policy, ends),
      ]);
      return {
        readAtMs: context.clock(),
        damaged: keys,
        items: items.map((one) => ({ ...one, ...endedBy(one.trialId) })),
      };
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
      const {
        points,
        verdicts,
        tasks: judged,
      } = await readTrialCourse(context.store, trialId, ({ key }) => void keys.push(key));
      const tasks = judged && { atMs: judged.atMs, items: [...judged.tasks], total: judged.total };
      return { readAtMs: context.clock(), damaged: keys, plan, end, points: [...points], verdicts, tasks };
    },
  });
};

async function readStanding(
  context: ConsoleContext,
  policy: string,
): Promise<Pick<TrialAnswer, 'order' | 'undo' | 'freeze' | 'champion' | 'previous'>> {
  const { store, fleet, clock } = context;
  const [seen, freeze, history, log] = await Promise.all([
    fleet.readConfirmations(policy),
    readFreeze(store, policy, clock()),
    readAliasHistory({ store })({ policy }),
    fleet.readAssignments(policy),
  ]);
  const { champion = null, previous = null } = aliasesAt(history);
  return {
    champion,
    previous,
    order: seen === undefined ? null : await followed(store, policy, seen),
    ...undoAnswer(await readLastRollback(context, { policy, log, history })),
    freeze,
  };
}

function undoAnswer(last: LastRollback | undefined): Pick<TrialAnswer, 'undo'> {
  if (last === undefined) return {};
  const { decision, ...said } = last;
  const [version, why] = decision.kind === 'undo' ? [decision.version, null] : [null, decision.reason];
  return { undo: { ...said, version, why } };
}

async function followed(
  store: ObjectStore,
  policy: string,
  { seq, unserved = [], ...seen }: Confirmations,
): Promise<NonNullable<TrialAnswer['order']>> {
  // One damaged record must not hide who follows.
  const record = await readAssignment(store, policy, seq).catch(() => undefined);
  const said = record && saidIn(record);
  const [confirmed, waiting, windowed, failed, offline] = [
    seen.confirmed.length,
    seen.waiting.length,
    seen.windowed.length,
    seen.failed.length,
    seen.offline.length,
  ];
  const robots = confirmed + waiting + windowed + failed + offline + unserved.length;
  const counts = { robots, confirmed, waiting, windowed, failed, offline, unserved: unserved.length };
  return { seq, ...counts, said: said ?? null };
}

const saidIn = ({ championVersion, who, why, atMs }: AssignmentRecord) => ({ championVersion, who, why, atMs });
