import { z } from 'zod';

import { removeHandLabel, type HandLabel } from '../../activities/mix/hand-labels.ts';
import { labelEpisode, type LabelWord } from '../../activities/mix/label-episode.ts';
import { readLabelQueue } from '../../activities/mix/label-queue.ts';
import { spanOf, startOf } from '../../activities/metrics/read-metrics.ts';
import { readPolicyDocument, robotTypeOfPolicy } from '../../activities/registry/policy-document.ts';
import { utcDay } from '../../domain/facts/days.ts';
import { failure } from '../../store/failures.ts';
import { requestOperator } from '../access.ts';
import { labelQueueSchema, labelsSchema, type LabelsAnswer } from '../answers/labels.ts';
import type { ConsoleContext } from '../context.ts';
import { actBodyLimit, described200, keyOf, reason } from './act-request.ts';
import {
  day,
  daysBetween,
  described,
  episodeName,
  limitQuery,
  policyName,
  policyQuery,
  requirePolicy,
  type Routes,
} from './shared.ts';

const dayMs = 86_400_000;
const mostLabels = 500;
const usualDays = { defaultDays: 28, mostDays: 92 };
const labelId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected the id of a label');
const frame = z.int().min(0).max(1_000_000_000);
/** What is said of an episode: of its frames what to do, or why it failed. */
const saidSchema = z.union([
  z.strictObject({
    /** The first frame and the one after the last. */
    start: frame,
    end: frame,
    /** The name of a discrete action, or a value for each continuous one. */
    action: z.union([z.string().min(1).max(200), z.array(z.number()).min(1).max(256)]),
  }),
  z.strictObject({ failureReason: z.string().min(1).max(200) }),
]);

/** Labels by hand: what waits for one, what was said, and saying it. */
export const labelRoutes: Routes = (context) => async (app) => {
  await app.register(labelQuestions(context));
  await app.register(labelActs(context));
};

const labelQuestions: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/labels/queue',
    schema: {
      querystring: limitQuery.extend({ from: day.optional(), to: day.optional() }),
      ...described(
        'Collected episodes that wait for a label by hand, the most valuable first, on UTC days (at most 92; by default the last 28)',
        labelQueueSchema,
      ),
    },
    handler: async ({ query: { policy, limit, ...asked } }) => {
      const robotType = await robotTypeOfPolicy(context.store, policy);
      const span = spanOf(asked, context.clock(), usualDays);
      const answer = { policy, ...span };
      const handLabels = await context.labels();
      const found = await context.questions.ask(async (engine) => {
        const datasetVersion = await context.lake.currentVersion();
        if (datasetVersion === undefined) return undefined;
        const question = { robotType, datasetVersion, handLabels, days: daysBetween(span), limit };
        return readLabelQueue({ ...context, engine }, question);
      });
      const readAtMs = context.clock();
      if (found === undefined)
        return {
          readAtMs,
          ...answer,
          state: 'noLake' as const,
          items: [],
          totalEpisodes: 0,
          labelledEpisodes: 0,
          totalFrames: 0,
          failureReasons: [],
        };
      const { episodes, failureReasons, ...totals } = found;
      const items = episodes.map(({ reasons, ...episode }) => ({ ...episode, reasons: [...reasons] }));
      const state = totals.totalEpisodes === 0 ? ('empty' as const) : ('read' as const);
      return { readAtMs, ...answer, state, items, ...totals, failureReasons: [...failureReasons] };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/labels',
    schema: {
      querystring: policyQuery.extend({ episode: episodeName }),
      ...described('The labels of an episode that hold, in the order in which they were given', labelsSchema),
    },
    handler: async ({ query: { policy, episode: episodeId } }) => {
      await requirePolicy(context, policy);
      const own = (await context.labels()).holding.filter((label) => label.episodeId === episodeId);
      const items = own.slice(-mostLabels).map(shown);
      return { readAtMs: context.clock(), episodeId, items, total: own.length };
    },
  });
};

const labelActs: Routes = (context) => async (app) => {
  app.route({
    method: 'POST',
    url: '/api/v1/labels',
    bodyLimit: actBodyLimit,
    config: { role: 'operator' },
    schema: {
      body: z.strictObject({ policy: policyName, reason, episodeId: episodeName, day, said: saidSchema }),
      ...described200('Say what a robot should have done in frames of an episode of a `day`, or why it failed'),
    },
    handler: async (request) => {
      const { policy, reason: why, episodeId, day: told, said } = request.body;
      const { robotType } = await readPolicyDocument(context.store, policy);
      const asked = { act: 'label.add', policy, subject: `${episodeId}: ${saidText(said)}`, reason: why };
      const word = {
        episodeId,
        said: wordOf(said),
        reason: why,
        robotTypeId: robotType.id,
        // Facts keep an episode under the day of its end, the lake under that of its start.
        recordedOn: [utcDay(startOf(told, 'day') - dayMs), told],
        isOnce: true,
      };
      return context.acting.carryOut(requestOperator(request), keyOf(request), asked, async ({ who, actId }) => {
        const mine = actId.slice(0, 32);
        const { labelId: id, ...kept } = await label(context, { ...word, who, labelId: mine });
        if (id === mine) return `label ${id} holds from the next training set on`;
        return `label ${id} says the same already: nothing is added (${kept.who}, ${new Date(kept.atMs).toISOString()})`;
      });
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/labels/:labelId/remove',
    bodyLimit: actBodyLimit,
    config: { role: 'operator' },
    schema: {
      params: z.object({ labelId }),
      body: z.strictObject({ policy: policyName, reason }),
      ...described200('Take a label back, from the next training set on'),
    },
    handler: async (request) => {
      const { policy, reason: why } = request.body;
      const { labelId: subject } = request.params;
      await requirePolicy(context, policy);
      const asked = { act: 'label.remove', policy, subject, reason: why };
      return context.acting.carryOut(requestOperator(request), keyOf(request), asked, async ({ who }) => {
        await removeHandLabel(context, { labelId: subject, who, reason: why });
        return `label ${subject} is taken back`;
      });
    },
  });
};

/** By an engine of few questions at once; an answer of a question that was stopped is none. */
const label = (context: ConsoleContext, word: LabelWord) =>
  context.questions.ask((engine) => labelEpisode({ ...context, engine }, word));

type Said = z.infer<typeof saidSchema>;

const wordOf = (said: Said): LabelWord['said'] =>
  'failureReason' in said ? { kind: 'failureReason', ...said } : { kind: 'frames', ...said };

/** Of one line, for the audit log. */
function saidText(said: Said): string {
  if ('failureReason' in said) return `failed: ${said.failureReason}`;
  const { start, end, action } = said;
  if (end <= start) throw failure('InvalidInput', `expected an end after the start, got ${start} to ${end}`);
  return `frames ${start}-${end - 1}: ${Array.isArray(action) ? `[${action.join(', ')}]` : action}`;
}

function shown(one: HandLabel): LabelsAnswer['items'][number] {
  const { labelId, who, reason: why, atMs } = one;
  const said = { labelId, who, reason: why, atMs };
  return one.kind === 'frames'
    ? { ...said, kind: one.kind, start: one.start, end: one.end, action: [...one.action] }
    : { ...said, kind: one.kind, failureReason: one.failureReason };
}
