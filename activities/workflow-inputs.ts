import { z } from 'zod';

import { defaultPolicy } from './default-policy.ts';
import { learnedCamerasSchema } from '../datasets/camera.ts';
import { doubtBySchema } from './mix/doubtful-episodes.ts';
import { learnedTasksSchema } from './mix/learned-tasks.ts';
import { sourcesSchema } from './mix/source-schema.ts';
import { executeSchema, horizonSchema } from '../policies/chunks.ts';
import { searchRequestSchema } from '../policies/search-space.ts';
import { imageHistorySchema } from '../policies/image-windows.ts';
import { historySchema } from '../policies/windows.ts';
import { describeIssues } from '../domain/describe-issues.ts';
import { monitorLimitsSchema } from './monitor/monitor-input.ts';
import { trialRequestShape } from './trials/trial-request.ts';

/**
 * What a person may type in the Temporal UI to start a workflow: every field with its default, unknown fields refused.
 * Workflows import the inferred types only; the schemas run in the activity `parseInput`.
 */
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes');
const seed = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);

const trainerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('onnx') }),
  /** Any program by the contract of docs/training.md: the command and its arguments. */
  z.strictObject({ kind: z.literal('command'), command: z.array(z.string().min(1)).min(1).max(64) }),
]);

const searchSchema = z.union([z.boolean(), searchRequestSchema], {
  error: ({ input }) => {
    if (typeof input !== 'object' || input === null) return 'expected true, false or an object such as {"trials": 9}';
    const parsed = searchRequestSchema.safeParse(input);
    return parsed.success ? undefined : describeIssues(parsed.error);
  },
});

const trainingFields = z.strictObject({
  seed: seed.default(1),
  targetFrames: z.int().min(100).max(200_000_000).default(2_000_000),
  trainer: trainerSchema.default({ kind: 'onnx' }),
  /** Empty: the trainer's defaults. */
  hyperparameters: z.record(z.string(), z.unknown()).default({}),
  /** True tries neighbouring learning rates and widths in parallel and keeps the best by validation loss; an object stops bad ones early. */
  search: searchSchema.default(false),
  /** Starts from the champion's weights where the architecture allows it. */
  warmStart: z.boolean().default(false),
  /** Several data sets or robot types to learn from, mixed by weight; default: everything of the policy's robot type. */
  sources: sourcesSchema.optional(),
  /** Only these tasks are learned, the others are replayed; default: every active task of the policy's catalogue. */
  tasks: learnedTasksSchema.optional(),
  /** Cameras of the robot type whose images are learned from as well, by name; default: none, readings alone. */
  cameras: learnedCamerasSchema.optional(),
  /** Frames of actions that the champion missed most often on held-out data enter the set first; default: all alike. */
  favourMissed: z.boolean().optional(),
  /** Measures of quality: rows of episodes that lie far out in one of them weigh less; default: all alike. */
  doubtBy: doubtBySchema.optional(),
  /** Frames that the policy reads at once, the present included; default: the present alone. */
  history: historySchema.optional(),
  /** Actions that the policy learns at once, that of the present frame included; default: that alone. */
  horizon: horizonSchema.optional(),
  /** How many of them the model answers, and robots execute before they ask again; default: all. */
  execute: executeSchema.optional(),
  /** Images of each of the cameras that the policy sees at once, that of the present frame included; default: that alone. */
  imageHistory: imageHistorySchema.optional(),
});

const trainingSchema = trainingFields.superRefine((training, context) => {
  const { horizon, execute = horizon, cameras = [], imageHistory } = training;
  const refuse = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
  if (execute !== undefined && execute > (horizon ?? 0))
    refuse(
      'execute',
      `expected at most the actions of the horizon, ${horizon ?? 'which is not given'}, got ${execute}`,
    );
  if (cameras.length === 0 && imageHistory !== undefined)
    refuse('imageHistory', `expected cameras, of which ${imageHistory} images are to be seen at once, got none`);
});

const weeklyCycleSchema = z.strictObject({
  policy: name.default(defaultPolicy),
  training: trainingSchema.prefault({}),
  /** Allows the first champion after the baseline without a trial on the fleet. */
  bootstrap: z.boolean().default(false),
  /** Trains also when nothing new was collected. */
  trainWithoutNew: z.boolean().default(false),
  /** Why, and who started it; default: the schedule that did, or that it was by hand. */
  cause: z.string().min(1).max(200).optional(),
  /** How the candidate is tried on the fleet: input of `trialPolicy` beside policy, version, who and cause. */
  trial: z
    .strictObject({ ...trialRequestShape, abTest: z.boolean().default(true) })
    .omit({ candidateVersion: true, who: true, cause: true })
    .prefault({}),
  /** Between two looks whether another cycle's collection of the same robot type has ended. */
  collectionTurnWaitMs: z.int().min(10).max(3_600_000).default(30_000),
});

const collectExperienceSchema = z.strictObject({
  policy: name.default(defaultPolicy),
  batchSizeBytes: z.int().min(1_000_000).max(1_000_000_000).optional(),
});

const trainPolicySchema = z.strictObject({
  policy: name.default(defaultPolicy),
  training: trainingSchema.prefault({}),
  /** Allows the comparative gates to pass without a champion to compare with. */
  bootstrap: z.boolean().default(false),
  /** Dataset to learn from and to judge by, e.g. that of an earlier training; default: the newest. */
  datasetVersion: z.strictObject({ episodes: z.int().min(0), frames: z.int().min(0) }).optional(),
  /** Dataset before the experience that counts as new; default: everything is history. */
  newSince: z.strictObject({ episodes: z.int().min(0), frames: z.int().min(0) }).optional(),
  /** Last record of the task catalogue that counts, −1: before the first; default: the newest. A cycle pins it at its start. */
  tasksSeq: z.int().min(-1).optional(),
});

const releaseQuarantineSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits, as in the name of the quarantined object'),
  reason: z.string().min(3).max(1000),
  who: z.string().min(1).max(200),
});

const trialPolicySchema = z.strictObject({
  policy: name.default(defaultPolicy),
  ...trialRequestShape,
  /** False: straight to the rollout. */
  abTest: z.boolean().default(true),
  /** True: started to hand over an offer; when that was refused there is nothing to try. */
  offersOnly: z.boolean().default(false),
});

const abTestSchema = z.strictObject({ policy: name.default(defaultPolicy), ...trialRequestShape });

const rolloutPolicySchema = z.strictObject({
  policy: name.default(defaultPolicy),
  ...trialRequestShape,
  /** An A/B test proved it better: it becomes the anchor with its promotion. */
  isBetter: z.boolean().default(false),
  /** What the champion will have lost against the anchor with it; null: unknown. */
  anchorLossFraction: z.number().min(0).max(1).nullable().default(null),
});

const rollbackPolicySchema = z.strictObject({
  policy: name.default(defaultPolicy),
  /** A version, or an alias; default: ends the trial that runs, otherwise the champion before. */
  target: z.string().min(1).max(40).optional(),
  reason: z.string().min(1).max(500).default('asked for'),
  who: z.string().min(1).max(200).default('operator'),
  /** Names the request, so that the update `order` which comes with the start asks for the same thing. */
  requestId: z.string().min(1).max(200).optional(),
  /** Robots that are online may take this long before they are listed as failed. */
  confirmMs: z.int().min(1).max(3_600_000).default(600_000),
  confirmEveryMs: z.int().min(10).max(60_000).default(2_000),
  /** Nobody's approval of another target is a no after this long. */
  approvalMs: z
    .int()
    .min(10)
    .max(30 * 24 * 3_600_000)
    .default(24 * 3_600_000),
});

const fleetMonitorSchema = z.strictObject({
  policy: name.default(defaultPolicy),
  /** `compressed`: a fleet day in a minute. */
  profile: z.enum(['real', 'compressed']).default('real'),
  /** Real length of a fleet day; default: the profile's. */
  dayMs: z.int().min(24).optional(),
  /** Between two looks, real time; default: a minute, compressed 2 s. */
  tickMs: z.int().min(10).max(3_600_000).optional(),
  limits: monitorLimitsSchema.prefault({}),
  /** Looks at what robots see. */
  drift: z.boolean().default(true),
  /** Starts cycles. */
  triggers: z.boolean().default(true),
  /** Takes a promotion back that crashes robots, once, never to the baseline. */
  automaticRollback: z.boolean().default(true),
  /** Input of the cycles that it starts, beside policy and cause. */
  cycle: z
    .record(z.string(), z.unknown())
    .superRefine((given, context) => {
      const { error } = weeklyCycleSchema.omit({ policy: true, cause: true }).safeParse(given);
      for (const { path, message } of error?.issues ?? []) context.addIssue({ code: 'custom', path, message });
    })
    .default({}),
});

const keepStoreSchema = z.strictObject({
  policy: name.default(defaultPolicy),
  /** `compressed`: a fleet day in a minute. */
  profile: z.enum(['real', 'compressed']).default('real'),
  /** Real length of a fleet day; default: the profile's. */
  dayMs: z.int().min(24).optional(),
  /** Between two sweeps, real time; default: an hour, compressed 5 minutes. */
  everyMs: z.int().min(100).max(86_400_000).optional(),
});

const keepFactsSchema = z.strictObject({
  policy: name.default(defaultPolicy),
  /** `compressed`: a fleet day in a minute. */
  profile: z.enum(['real', 'compressed']).default('real'),
  /** Between two compactions, real time; default: an hour, compressed a minute. */
  everyMs: z.int().min(100).max(86_400_000).optional(),
});

const keepMirrorSchema = z.strictObject({
  policy: name.default(defaultPolicy),
  /** `compressed`: a fleet day in a minute. */
  profile: z.enum(['real', 'compressed']).default('real'),
  /** Between two looks, real time; default: 10 minutes, compressed a minute. */
  everyMs: z.int().min(100).max(86_400_000).optional(),
});

const eraseDataSchema = z.strictObject({
  /** Names the request, as `flywheel data erase` wrote it. */
  erasureId: name,
  /** Between the two last looks at the store, which find nothing. */
  settleMs: z.int().min(1).max(86_400_000).default(60_000),
});

export const workflowInputSchemas = {
  weeklyCycle: weeklyCycleSchema,
  collectExperience: collectExperienceSchema,
  trainPolicy: trainPolicySchema,
  releaseQuarantine: releaseQuarantineSchema,
  trialPolicy: trialPolicySchema,
  abTest: abTestSchema,
  rolloutPolicy: rolloutPolicySchema,
  rollbackPolicy: rollbackPolicySchema,
  fleetMonitor: fleetMonitorSchema,
  keepStore: keepStoreSchema,
  keepFacts: keepFactsSchema,
  keepMirror: keepMirrorSchema,
  eraseData: eraseDataSchema,
} as const;

export type WorkflowName = keyof typeof workflowInputSchemas;
export type ParsedInput<Name extends WorkflowName> = z.infer<(typeof workflowInputSchemas)[Name]>;
export type TrainingOptions = z.infer<typeof trainingSchema>;
