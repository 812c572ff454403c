import { z } from 'zod';

import { readToldEpisodes, readTrialRobots, type MatchingGroups } from '../../activities/metrics/told-episodes.ts';
import { spanOf, startOf } from '../../activities/metrics/read-metrics.ts';
import type { LakeEpisode } from '../../activities/lake/read-episode.ts';
import { readPolicyDocument } from '../../activities/registry/policy-document.ts';
import { outcomes } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { utcDay } from '../../domain/facts/days.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import {
  episodeSchema,
  episodesSchema,
  trialRobotsSchema,
  type EpisodeAnswer,
  type MissingAnswer,
} from '../answers/episodes.ts';
import { readClips } from '../episode-clips.ts';
import type { ConsoleContext } from '../context.ts';
import { ConsoleError } from '../errors.ts';
import { whereabouts } from '../missing-episodes.ts';
import {
  day,
  described,
  episodeName,
  limitQuery,
  policyQuery,
  requirePolicy,
  robotName,
  trialName,
  type Routes,
} from './shared.ts';

const dayMs = 86_400_000;
const mostFrames = 400;
const mostObservations = 64;
const mostRobots = 200;
const usualDays = { defaultDays: 28, mostDays: 92 };
const days = { from: day.optional(), to: day.optional() };

/** Facts keep an episode under the day of its end, the lake under that of its start. */
const lakeDaysOf = (told: string): readonly string[] => [utcDay(startOf(told, 'day') - dayMs), told];

/** From a trial to the robots that carry it, to their episodes, to the frames. */
export const episodeRoutes: Routes = (context) => async (app) => {
  await app.register(toldRoutes(context));
  await app.register(lakeRoutes(context));
};

/** Of what robots told. */
const toldRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/trials/:trialId/robots',
    schema: {
      params: z.object({ trialId: trialName }),
      querystring: policyQuery.extend(days),
      ...described(
        'Which robots ran episodes under a trial, those with the most failures first, on UTC days (at most 92; by default the last 28)',
        trialRobotsSchema,
      ),
    },
    handler: async ({ query: { policy, ...asked }, params: { trialId } }) => {
      await requirePolicy(context, policy);
      const span = spanOf(asked, context.clock(), usualDays);
      const { robots, ...answer } = await context.questions.ask((engine) =>
        readTrialRobots({ ...context, engine }, { policy, trialId, limit: mostRobots, ...span }),
      );
      return { readAtMs: context.clock(), policy, trialId, ...span, ...answer, items: [...robots] };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/episodes',
    schema: {
      querystring: limitQuery.extend({
        ...days,
        robot: robotName.optional(),
        trial: trialName.optional(),
        outcome: z.enum(outcomes).optional(),
        reason: z.string().min(1).max(200).optional(),
      }),
      ...described(
        'Episodes that robots told of, the newest first, on UTC days (at most 92; by default the last 28); of one `reason` for not succeeding also by robot and version',
        episodesSchema,
      ),
    },
    handler: async ({ query: { policy, limit, robot, trial, outcome, reason, ...asked } }) => {
      await requirePolicy(context, policy);
      const span = spanOf(asked, context.clock(), usualDays);
      const question = { policy, limit, robotId: robot, trialId: trial, outcome, reason, ...span };
      const { episodes, known, groups, ...answer } = await context.questions.ask(async (engine) => {
        const told = await readToldEpisodes({ ...context, engine }, question);
        const episodeIds = told.episodes.map(({ episodeId }) => episodeId);
        const lakeDays = new Set(told.episodes.flatMap((one) => lakeDaysOf(one.day)));
        return { ...told, known: await context.episodes.known(engine, { episodeIds, days: [...lakeDays] }) };
      });
      const gone = await whereabouts(
        context,
        policy,
        episodes.filter(({ episodeId }) => !known.has(episodeId)),
      );
      const items = episodes.map((one) => ({
        ...one,
        isCollected: known.has(one.episodeId),
        missing: gone.get(one.episodeId) ?? null,
      }));
      return { readAtMs: context.clock(), policy, ...span, ...answer, items, groups: groups && writable(groups) };
    },
  });
};

const writable = ({ robots, versions, ...totals }: MatchingGroups) => ({
  ...totals,
  robots: [...robots],
  versions: [...versions],
});

/** Of what was collected. */
const lakeRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/episodes/:episodeId',
    schema: {
      params: z.object({ episodeId: episodeName }),
      querystring: policyQuery.extend({ day }),
      ...described(
        'One collected episode with at most 400 of its frames; `day`: as the list of episodes says it',
        episodeSchema,
      ),
    },
    handler: async ({ query: { policy, day: told }, params }) => {
      const { robotType } = await readPolicyDocument(context.store, policy);
      const found = await context.questions.ask((engine) =>
        context.episodes.read(engine, { ...params, days: lakeDaysOf(told), mostFrames }),
      );
      if (found !== undefined && found.robotType !== robotType.id)
        throw new ConsoleError('notFound', `the episode is of another robot type than those of ${policy}`);
      const type = found && (await readRobotType(context.store, found.robotType, found.robotTypeVersion));
      if (found === undefined || type === undefined) {
        const missing = await missingOf(context, policy, { ...params, day: told });
        return { readAtMs: context.clock(), ...params, missing, episode: null };
      }
      const clips = await readClips(context.store, { ...params, ...found }, type);
      return { readAtMs: context.clock(), ...params, missing: null, episode: { ...shown(found, type), clips } };
    },
  });
};

/** Where one is: by what its robot told of it. */
async function missingOf(
  context: ConsoleContext,
  policy: string,
  { episodeId, day: told }: { readonly episodeId: string; readonly day: string },
): Promise<MissingAnswer> {
  const from = startOf(told, 'day');
  // Lists name the day of its end; an address that a person wrote perhaps that of its start.
  const span = { from: utcDay(from - dayMs), to: utcDay(from + 2 * dayMs) };
  const { episodes } = await context.questions.ask((engine) =>
    readToldEpisodes({ ...context, engine }, { policy, episodeId, limit: 1, ...span }),
  );
  const asked = { episodeId, robotId: episodes[0]?.robotId ?? null, endedMs: episodes[0]?.endedMs ?? null };
  return (await whereabouts(context, policy, [asked])).get(episodeId) ?? null;
}

function shown(
  { robotType, robotTypeVersion, frames, ...episode }: LakeEpisode,
  { observations, actions }: RobotType,
): Omit<NonNullable<EpisodeAnswer['episode']>, 'clips'> {
  return {
    ...episode,
    robotType: `${robotType}@${robotTypeVersion}`,
    observations: observations.slice(0, mostObservations).map(({ name, unit }) => ({ name, unit })),
    observationsTotal: observations.length,
    actions: {
      kind: actions.kind,
      names:
        actions.kind === 'discrete'
          ? [...actions.names]
          : actions.kind === 'continuous'
            ? actions.ranges.map(({ name }) => name)
            : [],
    },
    frames: frames.map(({ observation, action, expert, ...frame }) => ({
      ...frame,
      observation: observation.slice(0, mostObservations),
      action: [...action],
      expert: expert === null ? null : [...expert],
    })),
  };
}
