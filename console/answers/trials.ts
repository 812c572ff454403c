import { z } from 'zod';

import { metricSchema } from './metrics.ts';
import { damaged, read } from './read.ts';

/** How a workflow stands, and what it says of itself; null: there is none, and was none lately. */
export const runSchema = z
  .strictObject({
    workflowId: z.string(),
    run: z.string(),
    startedMs: z.number(),
    endedMs: z.number().nullable(),
    status: z.unknown(),
    /** Activities that run or wait to be tried, as far as they said with their last heartbeat; at most 20. Only of cycles and their steps. */
    steps: z
      .array(
        z.strictObject({
          name: z.string(),
          attempt: z.int(),
          /** null: it waits for a worker. */
          startedMs: z.number().nullable(),
          /** When it was heard of last. */
          beatMs: z.number().nullable(),
          stage: z.string().nullable(),
          /** Steps of training done, at most how many there are, and the one that this attempt went on from; null: not told. */
          step: z.int().nullable(),
          plannedSteps: z.int().nullable(),
          fromStep: z.int().nullable(),
          /** Why the attempt before failed. */
          failure: z.string().nullable(),
        }),
      )
      .optional(),
  })
  .nullable();

/** What the store alone says of a policy, whether workflows can be asked or not. */
const standing = {
  /** What the fleet runs, and what it ran before; null: there is none. */
  champion: z.string().nullable(),
  previous: z.string().nullable(),
  /** How many robots follow the order that stands; null: none was given yet. */
  order: z
    .strictObject({
      seq: z.int(),
      robots: z.int(),
      confirmed: z.int(),
      waiting: z.int(),
      windowed: z.int(),
      failed: z.int(),
      offline: z.int(),
      unserved: z.int(),
      /** What it says, whose decision it was and why; null: that cannot be read. */
      said: z
        .strictObject({ championVersion: z.string(), who: z.string(), why: z.string(), atMs: z.number() })
        .nullable(),
    })
    .nullable(),
  /** The last order, where it is a person's rollback that is fresh enough to be undone by who ordered it; absent: it is not. */
  undo: z
    .strictObject({
      order: z.int(),
      who: z.string(),
      untilMs: z.number(),
      /** What it would restore; null: nothing, and `why` says why not. */
      version: z.string().nullable(),
      why: z.string().nullable(),
    })
    .optional(),
  /** No trial advances before `untilMs`. `unreadable`: whether that is so is not known, and none does. */
  freeze: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({
      kind: z.literal('frozen'),
      untilMs: z.number(),
      who: z.string(),
      why: z.string(),
      atMs: z.number(),
    }),
    z.strictObject({ kind: z.literal('unreadable'), reason: z.string() }),
  ]),
};
export const standingSchema = z.strictObject({ ...read, policy: z.string(), ...standing });
export type StandingAnswer = z.infer<typeof standingSchema>;

/** Plain success of one arm; null: the verdict does not tell it. */
const armFigures = z.strictObject({
  success: z.number().nullable(),
  episodes: z.number().nullable(),
  robots: z.number().nullable(),
});

/** The A/B test or the rollout that runs, for people. Times are real, hours are fleet time. */
const trialNowSchema = z.strictObject({
  kind: z.enum(['abTest', 'rollout']),
  trialId: z.string(),
  candidateVersion: z.string(),
  championVersion: z.string(),
  /** Real length of one fleet day. */
  dayMs: z.number(),
  startedMs: z.number(),
  /** One state, by whatever said something last; `reason` is what it said and `atMs` when. */
  standing: z.enum(['starting', 'running', 'held', 'paused', 'waitsForApproval', 'returning']),
  reason: z.string(),
  atMs: z.number().nullable(),
  /** Of a rollout, in their order; an A/B test has none. */
  stages: z.array(
    z.strictObject({
      robots: z.int(),
      minimumHours: z.number(),
      maximumHours: z.number(),
      /** The effect must be above minus this; null: judged by time alone. */
      marginFraction: z.number().nullable(),
      needsApproval: z.boolean(),
      standing: z.enum(['passed', 'running', 'held', 'paused', 'waitsForApproval', 'returning', 'coming']),
      /** What its last verdict was about; null: there was none. */
      verdict: z.strictObject({ lowerBound: z.number(), robots: z.int(), episodes: z.int() }).nullable(),
    }),
  ),
  /** What the stage that runs still needs, and when that is met at the present rate. */
  needs: z.array(
    z.strictObject({
      kind: z.enum(['episodes', 'hours', 'totalHours', 'bound']),
      value: z.number(),
      needed: z.number(),
      isMet: z.boolean(),
      perHour: z.number().nullable(),
      metAtMs: z.number().nullable(),
    }),
  ),
  /** When all of that is met at the present rate; null: not at that rate, or nobody can say. */
  readyAtMs: z.number().nullable(),
  /** Evidence of harm by the guard's last verdict, as logarithms; at `threshold` all robots go back. */
  evidence: z.array(
    z.strictObject({ metric: z.string(), delta: z.number(), logEvidence: z.number(), threshold: z.number() }),
  ),
  /** What the last verdict of the guard, or the last look if it is newer, measured of all tasks together; null: none did yet. */
  measured: z
    .strictObject({
      atMs: z.number(),
      delta: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      candidate: armFigures,
      champion: armFigures,
    })
    .nullable(),
  /** Looks of an A/B test; null: it is a rollout. */
  looks: z
    .strictObject({
      done: z.int(),
      planned: z.int(),
      /** When the next one is due while the test is watched; null: it is not watched now, or none comes. */
      nextAtMs: z.number().nullable(),
      last: z
        .strictObject({
          atMs: z.number().nullable(),
          decision: z.string(),
          delta: z.number(),
          low: z.number(),
          high: z.number(),
          /** How much of the planned information is there, 0 to 1. */
          information: z.number(),
          z: z.number(),
          bound: z.number(),
          candidateEpisodes: z.int(),
          controlEpisodes: z.int(),
        })
        .nullable(),
    })
    .nullable(),
});
export type TrialNow = z.infer<typeof trialNowSchema>;

export const trialSchema = z.strictObject({
  ...read,
  /** What runs now; null: neither an A/B test nor a rollout runs, or what it is cannot be told. */
  now: trialNowSchema.nullable(),
  trial: runSchema,
  abTest: runSchema,
  rollout: runSchema,
  rollback: runSchema,
  ...standing,
});
export type TrialAnswer = z.infer<typeof trialSchema>;

export const endedTrialsSchema = z.strictObject({
  ...read,
  ...damaged,
  items: z.array(
    z.strictObject({
      trialId: z.string(),
      candidateVersion: z.string().nullable(),
      outcome: z.string(),
      reason: z.string(),
      atMs: z.number(),
      /** What it was, of which champion, and in which stage a rollout ended; null: its plan or its verdicts do not say. */
      kind: z.enum(['abTest', 'rollout']).nullable(),
      championVersion: z.string().nullable(),
      stage: z.int().nullable(),
      /** How it ended, in one plain sentence with value, limit and sample size. */
      sentence: z.string(),
      /** The rollback that ended it, and where its order stands in the log; absent: none did, or that is not known. */
      endedBy: z
        .strictObject({ order: z.int(), version: z.string(), who: z.string(), why: z.string(), atMs: z.number() })
        .optional(),
    }),
  ),
});
export type EndedTrialsAnswer = z.infer<typeof endedTrialsSchema>;

export const trialCourseSchema = z.strictObject({
  ...read,
  ...damaged,
  plan: z.record(z.string(), z.unknown()),
  end: z.record(z.string(), z.unknown()).nullable(),
  points: z.array(z.record(z.string(), z.unknown())),
  verdicts: z.int(),
  /** What the last verdict says of single tasks; null: none says anything. */
  tasks: z
    .strictObject({
      atMs: z.number(),
      /** Those that decided first, those that nobody could judge last, in each the worst first; at most 200 of `total`; effects are candidate minus champion with a 95 % interval, null where nothing is known. */
      items: z.array(
        z.strictObject({
          task: z.string(),
          delta: z.number().nullable(),
          low: z.number().nullable(),
          high: z.number().nullable(),
          candidateEpisodes: z.number(),
          controlEpisodes: z.number(),
          candidateRobots: z.number(),
          controlRobots: z.number(),
          standing: z.enum(['worse', 'unproven', 'judged']),
        }),
      ),
      total: z.int(),
    })
    .nullable(),
});
export type TrialCourseAnswer = z.infer<typeof trialCourseSchema>;

const arms = {
  champion: z.strictObject({ robots: z.int(), success: metricSchema }),
  candidate: z.strictObject({ robots: z.int(), success: metricSchema }),
  /** Candidate minus champion, with its 95 % interval. */
  difference: metricSchema,
};

/** Success of two versions, task by task. */
export const taskArmsSchema = z.strictObject({
  ...read,
  ...damaged,
  policy: z.string(),
  championVersion: z.string(),
  candidateVersion: z.string(),
  /** The trial whose episodes these are; null: those of the days, whoever ran them and when. */
  trialId: z.string().nullable(),
  /** UTC days. */
  from: z.string(),
  to: z.string(),
  state: z.enum(['read', 'empty', 'noFacts']),
  asOfMs: z.number().nullable(),
  all: z.strictObject(arms),
  /** By name; the 200 with the most episodes, of `total`. */
  tasks: z.array(z.strictObject({ task: z.string(), ...arms })),
  total: z.int(),
});
export type TaskArmsAnswer = z.infer<typeof taskArmsSchema>;
