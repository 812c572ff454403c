import { z } from 'zod';

import { spanOf } from '../../activities/metrics/read-metrics.ts';
import { readTaskArms, type ArmQuestion } from '../../activities/metrics/task-arms.ts';
import { listEndedTrials } from '../../activities/trials/trial-course.ts';
import { utcDay } from '../../domain/facts/days.ts';
import { failure } from '../../store/failures.ts';
import { readJson } from '../../store/json-objects.ts';
import { taskArmsSchema, type TaskArmsAnswer } from '../answers/trials.ts';
import type { ConsoleContext } from '../context.ts';
import { readLastVerdicts, type LastVerdicts } from '../../activities/trials/trial-sentences.ts';
import { day, described, policyQuery, policyVersion, requirePolicy, trialName, type Routes } from './shared.ts';
import { trialKeys } from '../../activities/trials/trial-keys.ts';

const dayMs = 86_400_000;
const mostTasks = 200;
const mostDays = 92;
const mostTrials = 100;

/** How much better one version is than another, task by task. */
export const taskArmsRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/trials/:trialId/tasks',
    schema: {
      params: z.object({ trialId: trialName }),
      querystring: policyQuery,
      ...described(
        'Success of candidate and champion, task by task, by the episodes of a trial: the arms of its last verdict, from its plan until its end',
        taskArmsSchema,
      ),
    },
    handler: async ({ query: { policy }, params: { trialId } }) => {
      await requirePolicy(context, policy);
      const keys: string[] = [];
      const last = await readLastVerdicts(context.store, trialId, ({ key }) => void keys.push(key));
      return armsOfTrial(context, { policy, trialId, last, keys });
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/models/:version/tasks',
    schema: {
      params: z.object({ version: policyVersion }),
      querystring: policyQuery.extend({ other: policyVersion, from: day.optional(), to: day.optional() }),
      ...described(
        'Success of two versions, task by task: by the last trial that compared them, or else by all their episodes of UTC days (at most 92; by default the last 28)',
        taskArmsSchema,
      ),
    },
    handler: async ({ query: { policy, other, ...asked }, params: { version } }) => {
      await requirePolicy(context, policy);
      const keys: string[] = [];
      const trial = await trialOf(context, { policy, version, other, keys });
      if (trial !== undefined) return armsOfTrial(context, { policy, ...trial, keys });
      const span = spanOf(asked, context.clock(), { defaultDays: 28, mostDays });
      const [champion, candidate] = [{ version: other }, { version }];
      return answered(context, { policy, trialId: null, champion, candidate, keys, ...span });
    },
  });
};

interface OfTrial {
  readonly trialId: string;
  readonly last: LastVerdicts;
}

/** The last trial that compared these two, either way round; the A/B test before the rollout, whose arms are of a size. */
async function trialOf(
  context: ConsoleContext,
  { policy, version, other, keys }: { policy: string; version: string; other: string; keys: string[] },
): Promise<OfTrial | undefined> {
  const onDamage = ({ key }: { readonly key: string }): void => void keys.push(key);
  const ends = await listEndedTrials(context.store, policy, mostTrials, onDamage);
  const found: OfTrial[] = [];
  for (const { trialId, candidateVersion } of ends.toReversed()) {
    if (candidateVersion !== version) continue;
    const last = await readLastVerdicts(context.store, trialId, onDamage);
    if (last.plan?.championVersion === other) found.push({ trialId, last });
  }
  return found.find(({ last }) => last.plan?.kind === 'abTest') ?? found[0];
}

const endSchema = z.object({ atMs: z.number() });

async function armsOfTrial(
  context: ConsoleContext,
  { policy, trialId, last, keys }: OfTrial & { readonly policy: string; readonly keys: readonly string[] },
): Promise<TaskArmsAnswer> {
  const { plan, tick, look } = last;
  if (plan === undefined || plan.policy !== policy)
    throw failure('NotFound', `no trial ${trialId} of policy ${policy} was planned`);
  const end = await readJson(context.store, trialKeys.end(trialId), endSchema);
  const [fromMs, toMs] = [plan.createdAtMs, end?.atMs ?? context.clock()];
  // As the judge has the arms: who was ever exposed is no control.
  const asked = (tick ?? look)?.asked;
  const exposed = (asked?.exposures ?? []).reduce((most, { robots }) => Math.max(most, robots), 0);
  const faulty = new Set(asked?.faultyRobots);
  const ids = plan.robots.map(({ robotId }) => robotId);
  const sound = (list: readonly string[]): readonly string[] => list.filter((id) => !faulty.has(id));
  const times = { fromMs, toMs };
  return answered(context, {
    policy,
    trialId,
    champion: { version: plan.championVersion, robots: sound(ids.slice(exposed)), ...times },
    candidate: { version: plan.candidateVersion, robots: sound(ids.slice(0, exposed)), trialId, ...times },
    from: utcDay(Math.max(fromMs, toMs - (mostDays - 2) * dayMs)),
    to: utcDay(toMs + dayMs),
    keys,
  });
}

async function answered(
  context: ConsoleContext,
  {
    keys,
    trialId,
    ...asked
  }: {
    readonly policy: string;
    readonly trialId: string | null;
    readonly champion: ArmQuestion;
    readonly candidate: ArmQuestion;
    readonly from: string;
    readonly to: string;
    readonly keys: readonly string[];
  },
): Promise<TaskArmsAnswer> {
  const { tasks, ...answer } = await context.questions.ask((engine) =>
    readTaskArms({ ...context, engine }, { ...asked, limit: mostTasks }),
  );
  const { policy, champion, candidate, from, to } = asked;
  return {
    readAtMs: context.clock(),
    damaged: [...keys],
    policy,
    championVersion: champion.version,
    candidateVersion: candidate.version,
    trialId,
    from,
    to,
    ...answer,
    tasks: [...tasks],
  };
}
