import { z } from 'zod';

import { followsSchema } from './bodies/follows.ts';
import { camerasSchema } from './camera.ts';
import { mirrorProblems, mirrorSchema } from './mirror.ts';

const identifier = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes');

/** Id of a task, in robot types and in catalogues. */
export const taskIdSchema = identifier;

const observationSchema = z.strictObject({
  name: z.string().min(1),
  unit: z.string().min(1),
  min: z.number(),
  max: z.number(),
  /** A reading at or above this says "nothing in reach": staying there is no sign of a dead sensor. */
  saturatesAt: z.number().optional(),
});

const discreteActionsSchema = z
  .strictObject({
    kind: z.literal('discrete'),
    names: z.array(z.string().min(1)).min(2).max(1024),
    /** Actions that must not be missed, e.g. to brake: a model that finds fewer of their held-out frames is held, whatever the champion does. */
    critical: z
      .array(z.strictObject({ name: z.string().min(1), minRecallFraction: z.number().gt(0).max(1) }))
      .min(1)
      .max(1024)
      .optional(),
  })
  .refine(({ names, critical = [] }) => critical.every(({ name }) => names.includes(name)), {
    path: ['critical'],
    error: 'expected names of actions of this robot type',
  });

const continuousActionSchema = observationSchema.extend({
  /** Name of the observation that measures this action, e.g. the joint's position; default: the one of the same name. */
  measuredBy: z.string().min(1).optional(),
});

const actionsSchema = z.discriminatedUnion('kind', [
  discreteActionsSchema,
  z.strictObject({ kind: z.literal('continuous'), ranges: z.array(continuousActionSchema).min(1).max(256) }),
  /** A type whose recordings carry no commands: for the lake and validation only; cannot be learned from. */
  z.strictObject({ kind: z.literal('none') }),
]);

const splitSchema = z.discriminatedUnion('kind', [
  /** A whole robot-day goes to one split, chosen by hash. */
  z.strictObject({
    kind: z.literal('robotDay'),
    validationFraction: z.number().min(0).max(0.5),
    heldoutFraction: z.number().min(0).max(0.5),
  }),
  /** Recordings: what started at or after `heldoutStart` is held out; before it, inside one of the half-open stretches, validation. */
  z.strictObject({
    kind: z.literal('time'),
    validation: z.array(z.strictObject({ start: z.iso.datetime(), end: z.iso.datetime() })).max(100),
    heldoutStart: z.iso.datetime(),
  }),
]);

/** Limits that a document may leave out. They are filled in when it is published: the store's document has them. */
export const limitDefaults: { readonly mayBeConstant: readonly string[]; readonly maxModelSizeBytes: number } = {
  mayBeConstant: [],
  maxModelSizeBytes: 64 * 1024 * 1024,
};

/**
 * A robot type (embodiment): what it senses and does. A document, not code: adding one needs no code. A changed
 * observation or action list is a new `version`.
 */
export const robotTypeSchema = z
  .strictObject({
    id: identifier,
    version: z.int().min(1),
    /** How it follows an earlier version, whose data is then read as its own. */
    follows: followsSchema.exactOptional(),
    description: z.string(),
    rateHz: z.number().positive(),
    observations: z.array(observationSchema).min(1).max(1024),
    /** Left out by a type without cameras. */
    cameras: camerasSchema.exactOptional(),
    actions: actionsSchema,
    /** What is left and right; left out by a type whose recordings cannot be mirrored. */
    mirror: mirrorSchema.exactOptional(),
    tasks: z.array(identifier).min(1).max(1024),
    split: splitSchema,
    limits: z.strictObject({
      minEpisodeFrames: z.int().min(1),
      maxEpisodeFrames: z.int().min(1),
      /** Largest gap between two frames, in multiples of the frame period. */
      maxFrameGapPeriods: z.number().min(1),
      /** How far the mean rate of an episode may be from `rateHz`, as a share of it; half of it when not given. */
      rateToleranceFraction: z.number().min(0.01).max(0.99).exactOptional(),
      /** Observations that may keep one value over a whole episode without counting as a dead sensor. */
      mayBeConstant: z.array(z.string()).default([...limitDefaults.mayBeConstant]),
      /** Least label agreement on held-out data for a candidate to pass its absolute gate, 0–1. */
      minAgreementFraction: z.number().min(0).max(1),
      /** Least share of the held-out frames of each discrete action that a candidate finds, 0–1; an action with too few frames is not proven. */
      minRecallFraction: z.number().gt(0).max(1).exactOptional(),
      /** Fewer held-out episodes of a body leave it unproven for a candidate; default 30. */
      minBodyEpisodes: z.int().min(1).max(1_000_000).exactOptional(),
      /** A continuous action agrees with its label when no value is off by more than this share of its range; default 0.05. */
      actionToleranceFraction: z.number().gt(0).max(1).optional(),
      maxModelSizeBytes: z.int().positive().default(limitDefaults.maxModelSizeBytes),
    }),
  })
  .refine(
    ({ actions, observations }) =>
      actions.kind !== 'continuous' ||
      actions.ranges.every(
        ({ measuredBy }) => measuredBy === undefined || observations.some(({ name }) => name === measuredBy),
      ),
    { path: ['actions', 'ranges'], error: 'expected measuredBy to name an observation of this robot type' },
  )
  .refine(({ actions, limits }) => limits.minRecallFraction === undefined || actions.kind === 'discrete', {
    path: ['limits', 'minRecallFraction'],
    error: 'expected nothing here: only discrete actions have a recall',
  })
  .refine(({ version, follows }) => follows === undefined || follows.version < version, {
    path: ['follows', 'version'],
    error: 'expected a version below its own',
  })
  .superRefine((type, context) => {
    for (const { path, expected } of mirrorProblems(type))
      context.addIssue({ code: 'custom', path: [...path], message: `expected ${expected}` });
  });

/** What a policy's task catalogue adds to a robot type; see {@link taughtType}. */
export interface PinnedCatalogue {
  readonly policy: string;
  /** Last record of the catalogue that counts. */
  readonly seq: number;
  /** The tasks of the robot type's own document. */
  readonly documentTasks: readonly string[];
  /** Tasks that are neither trained on nor counted; they keep their indexes. */
  readonly retired: readonly string[];
}

/** A robot type as its document says; with `catalogue`, `tasks` are those of a policy's catalogue, by index, the retired included. */
export type RobotType = z.infer<typeof robotTypeSchema> & { readonly catalogue?: PinnedCatalogue };

/** How documents and footers name a robot type: `scitos-g5@1`. */
export const robotTypeName = (type: Pick<RobotType, 'id' | 'version'>): string => `${type.id}@${type.version}`;

/** Key of a robot type document in the object store. */
export const robotTypeKey = (id: string, version: number): string => `config/robot-types/${id}/${version}.json`;
