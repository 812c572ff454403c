import { holm, mcnemarExact, wilsonInterval } from '../../domain/statistics/index.ts';
import { measured, percent, points, unmeasured, type GateResult } from './gate.ts';
import { pairedBound, type PairedSums } from './paired-bound.ts';

/** A task's held-out episodes; an episode succeeds when its label agreement reaches the robot type's limit. */
export interface TaskFacts {
  readonly task: string;
  readonly episodes: number;
  /** Episodes that only the candidate, and that only the champion brought to success; 0 without a champion. */
  readonly onlyNewEpisodes: number;
  readonly onlyOldEpisodes: number;
  /** Share of the robots' recent work, 0–1. */
  readonly trafficFraction: number;
}

/** Another version on the same held-out frames, or why there is none to compare with. */
export type Partner =
  | { readonly kind: 'compared'; readonly version: string; readonly sums: PairedSums }
  | { readonly kind: 'none' }
  | { readonly kind: 'broken'; readonly version: string; readonly reason: string };

export interface HeldoutFacts {
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  readonly champion: Partner;
  readonly anchor: Partner;
  /** Every task of the robot type. */
  readonly tasks: readonly TaskFacts[];
}

/** Fewer held-out episodes cannot prove anything about a policy. */
export const leastHeldoutEpisodes = 20;
/** Fewer held-out episodes leave a task unproven. The only task of a robot type is proved by the whole set. */
export const leastTaskEpisodes = 30;
export const comparisonConfidence = 0.99;
export const championMargin = -0.02;
export const anchorMargin = -0.03;
export const taskSignificance = 0.01;
export const maxUnprovenTraffic = 0.2;

export interface ComparativeLimits {
  readonly minAgreementFraction: number;
}

/** What a candidate must prove on data it has never seen. Without facts every gate fails. */
export const comparativeGates = (facts: HeldoutFacts | undefined, limits: ComparativeLimits): readonly GateResult[] => {
  if (facts === undefined)
    return comparativeLimits(limits).map(([id, unit, limit]) =>
      unmeasured(id, unit, limit, 'not measured, because the model failed before'),
    );
  return [
    episodes(facts),
    agreement(facts, limits),
    noWorse('champion.overall', 'champion', facts.champion, championMargin),
    noWorse('anchor.overall', 'anchor', facts.anchor, anchorMargin),
    tasks(facts),
    unprovenTraffic(facts),
  ];
};

/** The same gates where there is no held-out data at all: nothing to prove anything on. */
export const comparativeGatesWithoutData = (limits: ComparativeLimits): readonly GateResult[] =>
  comparativeLimits(limits).map(([id, unit, limit]) => none(id, unit, limit, 'held-out episodes'));

const comparativeLimits = (limits: ComparativeLimits) =>
  [
    ['heldout.episodes', 'episodes', leastHeldoutEpisodes],
    ['heldout.agreement', 'fraction', limits.minAgreementFraction],
    ['champion.overall', 'fraction', championMargin],
    ['anchor.overall', 'fraction', anchorMargin],
    ['champion.tasks', 'p-value', taskSignificance],
    ['champion.unproven', 'fraction', maxUnprovenTraffic],
  ] as const;

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

function agreement({ frames, agreeingFrames, episodes: count }: HeldoutFacts, limits: ComparativeLimits): GateResult {
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

const none = (id: string, unit: string, limit: number, name: string): GateResult => ({
  id,
  outcome: 'notApplicable',
  value: null,
  limit,
  unit,
  sampleSize: 0,
  sentence: `notApplicable: no ${name}`,
});

function noWorse(id: string, name: 'champion' | 'anchor', partner: Partner, margin: number): GateResult {
  if (partner.kind === 'none') return none(id, 'fraction', margin, name);
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

const leastEpisodesOfTask = (facts: HeldoutFacts): number =>
  facts.tasks.length === 1 ? leastHeldoutEpisodes : leastTaskEpisodes;

function tasks(facts: HeldoutFacts): GateResult {
  if (facts.champion.kind === 'none') return none('champion.tasks', 'p-value', taskSignificance, 'champion');
  if (facts.champion.kind === 'broken')
    return unmeasured('champion.tasks', 'p-value', taskSignificance, 'the champion cannot be compared');
  const proven = facts.tasks.filter((task) => task.episodes >= leastEpisodesOfTask(facts));
  const harm = proven.map((task) => mcnemarExact({ onlyNew: task.onlyNewEpisodes, onlyOld: task.onlyOldEpisodes }));
  const { rejected, adjusted } = holm(
    harm.map(({ oneSidedHarm }) => oneSidedHarm),
    taskSignificance,
  );
  const worse = proven.filter((_, index) => rejected[index] === true);
  return measured({
    id: 'champion.tasks',
    value: Math.min(1, ...adjusted),
    limit: taskSignificance,
    unit: 'p-value',
    sampleSize: proven.length,
    passes: worse.length === 0,
    sentence:
      worse.length === 0
        ? `no task of ${proven.length} is proved worse than with the champion (least adjusted p, ${taskSignificance} is the limit)`
        : `worse than the champion: ${worse.map((task) => `${task.task} (${task.onlyOldEpisodes} episodes lost, ${task.onlyNewEpisodes} won)`).join(', ')}`,
  });
}

function unprovenTraffic(facts: HeldoutFacts): GateResult {
  const id = 'champion.unproven';
  if (facts.champion.kind === 'none') return none(id, 'fraction', maxUnprovenTraffic, 'champion');
  const least = leastEpisodesOfTask(facts);
  const unproven = facts.tasks.filter((task) => task.episodes < least);
  const value = unproven.reduce((sum, task) => sum + task.trafficFraction, 0);
  const names = unproven.slice(0, 5).map(({ task }) => task);
  return measured({
    id,
    value,
    limit: maxUnprovenTraffic,
    unit: 'fraction',
    sampleSize: facts.tasks.length,
    passes: value <= maxUnprovenTraffic,
    sentence: `${percent(value)} of the work is on ${unproven.length} of ${facts.tasks.length} tasks with fewer than ${least} held-out episodes${names.length === 0 ? '' : ` (${names.join(', ')}${unproven.length > names.length ? ', …' : ''})`}; at most ${percent(maxUnprovenTraffic)} is allowed`,
  });
}
