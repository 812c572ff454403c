import { z } from 'zod';

import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { bodyVerdicts, type AbsoluteFacts, type GateResult } from '../../policies/gates/index.ts';
import { seenCameraSchema } from '../../policies/model-manifest.ts';
import { horizonSchema } from '../../policies/chunks.ts';
import { imageHistorySchema } from '../../policies/image-windows.ts';
import { historySchema } from '../../policies/windows.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { ErrorOutcome } from '../../policies/evaluation/error-tally.ts';
import type { HeldoutComparison } from './compare-on-heldout.ts';
import { measuredOf, measuredSchema } from '../mix/quality-document.ts';
import { disagreementsSchema, misclassifiedSchema, missParts, seenParts } from './evaluation-frames.ts';

const fraction = z.number().nullable();

export const gateSchema = z.strictObject({
  id: z.string(),
  outcome: z.enum(['pass', 'fail', 'notApplicable']),
  value: z.number().nullable(),
  limit: z.number().nullable(),
  unit: z.string(),
  sampleSize: z.number(),
  sentence: z.string(),
});

/** Details of a judgement, as stored at the evaluation's key. Written last, so its presence means judged. */
export const evaluationSchema = z.strictObject({
  input: z.record(z.string(), z.unknown()),
  passed: z.enum(['pass', 'hold']),
  gates: z.array(gateSchema),
  /** Label agreement on held-out frames; null when the model did not get that far. */
  accuracyFraction: fraction,
  frames: z.int(),
  episodes: z.int(),
  /** What always giving the commonest label of the training set, and a linear model trained on it, reach on the same frames. */
  majorityFraction: fraction,
  linearFraction: fraction,
  championFraction: fraction,
  anchorFraction: fraction,
  calibrationError: fraction,
  calibrationCurve: z
    .array(z.strictObject({ rows: z.number(), probability: z.number(), rightFraction: z.number() }))
    .default([]),
  roc: z
    .array(
      z.strictObject({
        label: z.string(),
        area: fraction,
        /** Frames with the label, and without; documents of earlier versions do not say. */
        frames: z.number().optional(),
        otherFrames: z.number().optional(),
        points: z.array(z.strictObject({ falseFraction: z.number(), trueFraction: z.number() })),
      }),
    )
    .default([]),
  precisionRecall: z
    .array(
      z.strictObject({
        label: z.string(),
        averagePrecision: fraction,
        frames: z.number(),
        otherFrames: z.number(),
        points: z.array(z.strictObject({ recall: z.number(), precision: z.number() })),
      }),
    )
    .default([]),
  /** Discrete actions; empty for continuous ones, as are `confusion` and `perLabel`. */
  labels: z.array(z.string()),
  /** Row = recorded label, column = what the candidate says; counts. */
  confusion: z.array(z.array(z.int())),
  perLabel: z.array(
    z.strictObject({ label: z.string(), precision: fraction, recall: fraction, f1: fraction, frames: z.int() }),
  ),
  /** Continuous actions: how far each is off, in its unit and as a share of its range. */
  actionErrors: z
    .array(
      z.strictObject({
        name: z.string(),
        unit: z.string(),
        mean: z.number(),
        p95: z.number(),
        meanFraction: z.number(),
      }),
    )
    .default([]),
  /** Mean error as a share of the range, over actions: this model and those it was compared with; null where not measured. */
  errorFractions: z
    .strictObject({ candidate: fraction, champion: fraction, copy: fraction, linear: fraction })
    .default({ candidate: null, champion: null, copy: null, linear: null }),
  tasks: z.array(
    z.strictObject({
      task: z.string(),
      episodes: z.int(),
      frames: z.int(),
      agreementFraction: fraction,
      trafficFraction: z.number(),
    }),
  ),
  /** The worst first, at most `mostRobots` of `robotsMeasured`; empty where the set does not say whose episodes they are. */
  robots: z
    .array(
      z.strictObject({
        robotId: z.string(),
        episodes: z.int(),
        frames: z.int(),
        agreementFraction: fraction,
        championFraction: fraction,
      }),
    )
    .default([]),
  robotsMeasured: z.int().default(0),
  /** Versions of the robot type with held-out data, each judged apart; empty where there is one only. */
  bodies: z
    .array(
      z.strictObject({
        robotType: z.string(),
        digest: z.string(),
        episodes: z.int(),
        frames: z.int(),
        agreementFraction: fraction,
        standing: z.enum(['proven', 'unproven']),
        gates: z.array(gateSchema),
      }),
    )
    .default([]),
  latencyP99Ms: z.number().nullable(),
  sizeBytes: z.int(),
  notes: z.array(z.string()),
  /** Cameras that the candidate sees; not there for one of readings alone. */
  cameras: z.array(seenCameraSchema).min(1).max(8).optional(),
  /** Frames that the candidate reads at once; not there for the present alone. */
  history: historySchema.optional(),
  /** Actions that the candidate answers at once; not there for the present one alone. */
  horizon: horizonSchema.optional(),
  /** Images of a camera that the candidate sees at once; not there for the present ones alone. */
  imageHistory: imageHistorySchema.optional(),
  /** Held-out frames on which candidate and champion differ most, the farthest apart first; not there where neither sees. */
  disagreements: disagreementsSchema.optional(),
  /** Share of the frames of a held-out episode whose label the champion does not give, over episodes; not there without a champion. */
  championDisagreement: measuredSchema.optional(),
  /** Held-out frames that the candidate gets wrong: how many, and those it is surest of, for a person to look at; not there without any. */
  misclassified: misclassifiedSchema.optional(),
});
export type EvaluationDocument = z.infer<typeof evaluationSchema>;

export const readEvaluation = (store: ObjectStore, key: string): Promise<EvaluationDocument | undefined> =>
  readJson(store, key, evaluationSchema);

export interface EvaluationParts {
  readonly input: Readonly<Record<string, unknown>>;
  readonly type: RobotType;
  readonly absolute: AbsoluteFacts;
  readonly gates: readonly GateResult[];
  readonly passed: 'pass' | 'hold';
  readonly comparison: HeldoutComparison | undefined;
  /** Digest of the robot type that the champion was made for. */
  readonly championMadeFor?: string | undefined;
}

export function evaluationDocument(parts: EvaluationParts): EvaluationDocument {
  const { input, type, absolute, gates, passed, comparison } = parts;
  const outcome = comparison?.outcome;
  const share = (frames: number | undefined): number | null =>
    outcome === undefined || outcome.frames === 0 || frames === undefined ? null : frames / outcome.frames;
  /** Of the frames of tasks that the version knows. */
  const ownShare = (name: 'champion' | 'anchor'): number | null => {
    const own = outcome?.others[name];
    return own === undefined || own.sums.frames === 0 ? null : own.agreeingFrames / own.sums.frames;
  };
  return {
    input: { ...input },
    passed,
    gates: [...gates],
    accuracyFraction: share(outcome?.agreeingFrames),
    frames: outcome?.frames ?? 0,
    episodes: outcome?.episodes ?? 0,
    majorityFraction:
      type.actions.kind === 'discrete' && input['trainingSetDigest'] !== undefined
        ? share(outcome?.majorityFrames)
        : null,
    linearFraction: share(outcome?.others['linear']?.agreeingFrames),
    championFraction: ownShare('champion'),
    anchorFraction: ownShare('anchor'),
    calibrationError: outcome?.calibrationError ?? null,
    calibrationCurve: [...(outcome?.calibrationCurve ?? [])],
    roc: (outcome?.roc ?? []).map((curve) => ({ ...curve, points: [...curve.points] })),
    precisionRecall: (outcome?.precisionRecall ?? []).map((curve) => ({ ...curve, points: [...curve.points] })),
    labels: type.actions.kind === 'discrete' ? type.actions.names : [],
    confusion: (outcome?.confusion?.counts ?? []).map((row) => [...row]),
    perLabel: [...(outcome?.confusion?.perLabel ?? [])],
    actionErrors: [...(outcome?.errors?.byAction ?? [])],
    errorFractions: errorFractions(outcome?.errors),
    tasks: (outcome?.tasks ?? []).map(({ task, episodes, frames, agreeingFrames }) => ({
      task,
      episodes,
      frames,
      agreementFraction: frames === 0 ? null : agreeingFrames / frames,
      trafficFraction: comparison?.facts.tasks.find((facts) => facts.task === task)?.trafficFraction ?? 0,
    })),
    robots: worstRobots(comparison),
    robotsMeasured: outcome?.robots.length ?? 0,
    bodies: judgedBodies(parts),
    latencyP99Ms: absolute.latency?.p99Ms ?? null,
    sizeBytes: absolute.sizeBytes,
    notes: [...(comparison?.notes ?? [])],
    ...(comparison === undefined
      ? {}
      : { ...seenParts(comparison, type), ...missParts(comparison, type), ...disagreementPart(comparison) }),
  };
}

/** How far the champion is from the labels, episode by episode. */
function disagreementPart(comparison: HeldoutComparison): Pick<EvaluationDocument, 'championDisagreement'> {
  const { outcome, robotIds, episodeIds } = comparison;
  if (outcome.compared.length === 0) return {};
  const episodes = outcome.compared.map(({ episode, robot, frames, agreeingFrames }) => ({
    episodeId: episodeIds?.[episode] ?? `episode ${episode}`,
    robotId: robot === undefined ? 'unknown' : (robotIds[robot] ?? `robot ${robot}`),
    measures: { championDisagreement: 1 - agreeingFrames / Math.max(1, frames) },
  }));
  return { championDisagreement: measuredOf('championDisagreement', episodes).measured };
}

function judgedBodies({ comparison, type, championMadeFor }: EvaluationParts): EvaluationDocument['bodies'] {
  if (comparison === undefined) return [];
  const own = robotTypeDigest(type);
  const found = comparison.outcome.bodies.flatMap(({ body, ...outcome }) => {
    const named = comparison.bodies[body];
    if (named === undefined) return [];
    const { robotType, digest } = named;
    return [{ ...outcome, robotType, digest, isOwnOfBoth: digest === own && digest === championMadeFor }];
  });
  const verdicts = bodyVerdicts(found, type);
  return found.map(({ robotType, digest, episodes, frames, agreeingFrames }, index) => ({
    robotType,
    digest,
    episodes,
    frames,
    agreementFraction: frames === 0 ? null : agreeingFrames / frames,
    standing: verdicts[index]?.standing ?? 'unproven',
    gates: [...(verdicts[index]?.gates ?? [])],
  }));
}

const mostRobots = 500;

/** By agreement, then by name. */
function worstRobots(comparison: HeldoutComparison | undefined): EvaluationDocument['robots'] {
  if (comparison === undefined) return [];
  const { outcome, robotIds } = comparison;
  const hasChampion = outcome.others['champion'] !== undefined;
  return outcome.robots
    .map(({ robot, episodes, frames, agreeingFrames, referenceFrames, comparedFrames }) => ({
      robotId: robotIds[robot] ?? `robot ${robot}`,
      episodes,
      frames,
      agreementFraction: frames === 0 ? null : agreeingFrames / frames,
      championFraction: comparedFrames === 0 || !hasChampion ? null : referenceFrames / comparedFrames,
    }))
    .toSorted((a, b) => (a.agreementFraction ?? 2) - (b.agreementFraction ?? 2) || (a.robotId < b.robotId ? -1 : 1))
    .slice(0, mostRobots);
}

function errorFractions(errors: ErrorOutcome | undefined): EvaluationDocument['errorFractions'] {
  const fractionOf = (name: string, at: 0 | 2): number | null => {
    const sums = errors?.paired.get(name)?.sums;
    return sums === undefined || !((sums[1] ?? 0) > 0) ? null : (sums[at] ?? 0) / (sums[1] ?? 1);
  };
  const actions = errors?.byAction ?? [];
  return {
    candidate:
      actions.length === 0 ? null : actions.reduce((sum, { meanFraction }) => sum + meanFraction, 0) / actions.length,
    champion: fractionOf('champion', 2),
    copy: fractionOf('copy', 2),
    linear: fractionOf('linear', 2),
  };
}
