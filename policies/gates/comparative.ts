import type { RobotType } from '../../datasets/robot-type.ts';
import { wilsonInterval } from '../../domain/statistics/index.ts';
import {
  baselineErrorFactor,
  championErrorFactor,
  errorNotApplicable,
  errorNotWorse,
  errorUnmeasured,
  type ErrorFacts,
} from './errors.ts';
import { isStateMeasured } from '../measured-state.ts';
import { measured, notApplicable, percent, points, unmeasured, type GateResult } from './gate.ts';
import { maxDifferingFraction, maxSlowestMs, type RowFacts } from './absolute.ts';
import {
  criticalRecall,
  everyRecall,
  labelHarm,
  labelSignificance,
  recallGate,
  type CriticalLabel,
  type LabelFacts,
} from './labels.ts';
import { pairedBound, type PairedSums } from './paired-bound.ts';
import { maxUnprovenTraffic, taskHarm, taskSignificance, unprovenTraffic, type TaskFacts } from './tasks.ts';

/** Another version on the same held-out frames, or why there is none to compare with. */
export type Partner =
  | { readonly kind: 'compared'; readonly version: string; readonly sums: PairedSums }
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly version: string; readonly reason: string };

export interface HeldoutFacts {
  /** Held-out rows that were asked alone as well. */
  readonly singles: RowFacts & { readonly slowestMs: number };
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  readonly champion: Partner;
  readonly anchor: Partner;
  /** Every task of the robot type. */
  readonly tasks: readonly TaskFacts[];
  /** Every action of a robot type with discrete actions; empty for continuous ones. */
  readonly labels: readonly LabelFacts[];
  /** Errors of continuous actions. */
  readonly errors?: ErrorFacts;
}

/** Fewer held-out episodes cannot prove anything about a policy. */
export const leastHeldoutEpisodes = 20;
export const comparisonConfidence = 0.99;
export const championMargin = -0.02;
export const anchorMargin = -0.03;

/** What the gates need of a robot type. */
export type JudgedType = Pick<RobotType, 'limits' | 'actions' | 'observations'>;

export interface JudgingOptions {
  /** Why there are no facts. */
  readonly failure?: string;
  /** The first champion after the baseline. */
  readonly bootstrap?: boolean;
}

/** What a candidate must prove on data it has never seen. Without facts every gate fails. */
export const comparativeGates = (
  facts: HeldoutFacts | undefined,
  type: JudgedType,
  { failure = 'the model failed before', bootstrap = false }: JudgingOptions = {},
): readonly GateResult[] => {
  if (facts === undefined)
    return comparativeLimits(type).map(([id, unit, limit]) =>
      unmeasured(id, unit, limit, `not measured, because ${failure}`),
    );
  const critical = criticalLabels(type);
  return [
    episodes(facts),
    singleRows(facts),
    agreement(facts, type.limits),
    ...(critical.length === 0 ? [] : [criticalRecall(facts.labels, critical)]),
    ...recallOfAll(facts, type),
    noWorse('champion.overall', 'champion', facts.champion, championMargin),
    noWorse('anchor.overall', 'anchor', facts.anchor, anchorMargin),
    ...(type.actions.kind === 'discrete' ? [labels(facts, critical)] : []),
    ...errorGates(type, facts),
    tasks(facts),
    unproven(facts, bootstrap),
  ];
};

/** The same gates where there is no held-out data at all: nothing to prove anything on. */
export const comparativeGatesWithoutData = (type: JudgedType): readonly GateResult[] =>
  comparativeLimits(type).map(([id, unit, limit]) => notApplicable(id, unit, limit, 'held-out episodes'));

const recallOfAll = ({ labels: found }: HeldoutFacts, { actions, limits }: JudgedType): readonly GateResult[] =>
  limits.minRecallFraction === undefined || actions.kind !== 'discrete'
    ? []
    : everyRecall(actions.names, found, limits.minRecallFraction);

const criticalLabels = ({ actions }: JudgedType): readonly CriticalLabel[] =>
  actions.kind === 'discrete' ? (actions.critical ?? []) : [];

const comparativeLimits = (type: JudgedType): readonly (readonly [string, string, number])[] => [
  ['heldout.episodes', 'episodes', leastHeldoutEpisodes],
  ['heldout.single-rows', 'fraction', maxDifferingFraction],
  ['heldout.agreement', 'fraction', type.limits.minAgreementFraction],
  ...(criticalLabels(type).length === 0 ? [] : ([['labels.critical', 'fraction', 0]] as const)),
  ...(type.limits.minRecallFraction === undefined
    ? []
    : ([[recallGate, 'fraction', type.limits.minRecallFraction]] as const)),
  ['champion.overall', 'fraction', championMargin],
  ['anchor.overall', 'fraction', anchorMargin],
  ...(type.actions.kind === 'discrete' ? ([['champion.labels', 'p-value', labelSignificance]] as const) : []),
  ...errorLimits(type).map(([id, factor]) => [id, 'times', factor] as const),
  ['champion.tasks', 'p-value', taskSignificance],
  ['champion.unproven', 'fraction', maxUnprovenTraffic],
];

const episodes = ({ episodes: count }: HeldoutFacts): GateResult =>
  measured({
    id: 'heldout.episodes',
    value: count,
    limit: leastHeldoutEpisodes,
    unit: 'episodes',
    sampleSize: count,
    passes: count >= leastHeldoutEpisodes,
    sentence: `${count} held-out episodes, at least ${leastHeldoutEpisodes} are needed`,
  });

function singleRows({ singles }: HeldoutFacts): GateResult {
  const { rows, differing, reason, slowestMs } = singles;
  const passes = rows > 0 && differing / rows <= maxDifferingFraction && slowestMs < maxSlowestMs;
  return measured({
    id: 'heldout.single-rows',
    value: differing / rows,
    limit: maxDifferingFraction,
    unit: 'fraction',
    sampleSize: rows,
    passes,
    sentence: `${differing} of ${rows} held-out rows are answered otherwise alone, as robots ask${reason === '' ? '' : ` (first: ${reason})`}; the slowest takes ${slowestMs.toFixed(2)} ms, less than ${maxSlowestMs} ms is needed`,
  });
}

function agreement({ frames, agreeingFrames, episodes: count }: HeldoutFacts, limits: RobotType['limits']): GateResult {
  const value = agreeingFrames / frames;
  const { low, high } = wilsonInterval({ successes: agreeingFrames, trials: frames, z: 1.96 });
  return measured({
    id: 'heldout.agreement',
    value,
    limit: limits.minAgreementFraction,
    unit: 'fraction',
    sampleSize: frames,
    passes: value >= limits.minAgreementFraction,
    sentence: `agrees with ${percent(value)} of ${frames} held-out labels in ${count} episodes (${percent(low)} to ${percent(high)} if frames were independent), at least ${percent(limits.minAgreementFraction)} is needed`,
  });
}

function noWorse(id: string, name: 'champion' | 'anchor', partner: Partner, margin: number): GateResult {
  if (partner.kind === 'none') return notApplicable(id, 'fraction', margin, name);
  if (partner.kind === 'broken')
    return unmeasured(id, 'fraction', margin, `the ${name} ${partner.version} cannot be compared: ${partner.reason}`);
  const { difference, lowerBound, designEffect } = pairedBound(partner.sums, comparisonConfidence);
  const { episodes: count, frames } = partner.sums;
  return measured({
    id,
    value: lowerBound,
    limit: margin,
    unit: 'fraction',
    sampleSize: count,
    passes: lowerBound > margin && count >= leastHeldoutEpisodes,
    sentence: `${points(difference)} against ${name} ${partner.version}, with 99 % confidence more than ${points(lowerBound)}, over ${frames} frames of ${count} episodes (design effect ${designEffect.toFixed(1)}); more than ${points(margin)} is needed`,
  });
}

function labels({ champion, labels: facts }: HeldoutFacts, critical: readonly CriticalLabel[]): GateResult {
  if (champion.kind === 'none') return notApplicable('champion.labels', 'p-value', labelSignificance, 'champion');
  if (champion.kind === 'broken')
    return unmeasured('champion.labels', 'p-value', labelSignificance, 'the champion cannot be compared');
  return labelHarm(facts, critical, pairedBound(champion.sums, comparisonConfidence).lowerBound);
}

function tasks({ champion, tasks: facts }: HeldoutFacts): GateResult {
  if (champion.kind === 'none') return notApplicable('champion.tasks', 'p-value', taskSignificance, 'champion');
  if (champion.kind === 'broken')
    return unmeasured('champion.tasks', 'p-value', taskSignificance, 'the champion cannot be compared');
  return taskHarm(facts);
}

const unproven = ({ champion, tasks: facts }: HeldoutFacts, bootstrap: boolean): GateResult =>
  champion.kind === 'none'
    ? notApplicable('champion.unproven', 'fraction', maxUnprovenTraffic, 'champion')
    : unprovenTraffic(facts, bootstrap);

const errorLimits = (type: JudgedType): readonly (readonly [string, number])[] =>
  type.actions.kind === 'continuous'
    ? [
        ['champion.error', championErrorFactor],
        ...(isStateMeasured(type) ? ([['baseline.copy', baselineErrorFactor]] as const) : []),
        ['baseline.linear', baselineErrorFactor],
      ]
    : [];

/** Continuous actions are held against the champion and the plain baselines by how far they are off. */
function errorGates(type: JudgedType, { champion, errors }: HeldoutFacts): readonly GateResult[] {
  return errorLimits(type).map(([id, factor]) => {
    if (errors === undefined) return errorUnmeasured(id, factor, 'no errors were measured');
    if (id === 'baseline.copy' && errors.copy !== undefined)
      return errorNotWorse(id, 'repeating the measured state', factor, errors.copy);
    if (id === 'baseline.linear')
      return errors.linear === undefined
        ? errorNotApplicable(id, factor, 'training set to make a linear model of')
        : errorNotWorse(id, 'a linear model of the same training set', factor, errors.linear);
    if (champion.kind === 'none') return errorNotApplicable(id, factor, 'champion');
    return errors.champion === undefined
      ? errorUnmeasured(id, factor, 'it cannot be compared')
      : errorNotWorse(id, 'the champion', factor, errors.champion);
  });
}
