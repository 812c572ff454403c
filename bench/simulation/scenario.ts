import { binomialCdf } from '../../domain/statistics/index.ts';
import { runAbTest, type AbRun } from './ab-run.ts';
import { runNaiveRollout, type NaiveRun } from './naive-run.ts';
import { runPromotion, type PromotionRun, type PromotionRunOptions } from './promotion-run.ts';
import { runRollout, type RolloutRun, type RolloutRunOptions } from './rollout-run.ts';
import { makeWorld, type WorldOptions } from './world.ts';

/** What one run gave; plain data, so that it can cross between processes. */
export type Outcome =
  | { readonly kind: 'rollout'; readonly run: RolloutRun; readonly naive: NaiveRun | null }
  | { readonly kind: 'abTest'; readonly run: AbRun }
  | { readonly kind: 'promotion'; readonly run: PromotionRun };

/** One figure of a scenario beside its bar; a bar of '' is information only. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly bar: string;
  readonly holds: boolean;
}

/** How often a scenario runs in full, and in the reduced form of the test suite. */
export interface Sizes {
  readonly runs: number;
  readonly reducedRuns: number;
}

export interface Scenario extends Sizes {
  readonly id: string;
  readonly title: string;
  readonly run: (seed: string) => Outcome;
  readonly figures: (outcomes: readonly Outcome[]) => Figure[];
}

/** A scenario of whole rollouts; with `naive` the usual rule runs on a fleet made from the same seed. */
export function rolloutScenario(input: {
  id: string;
  title: string;
  sizes: Sizes;
  world: WorldOptions;
  options?: RolloutRunOptions;
  naive?: boolean;
  figures: (runs: readonly RolloutRun[]) => Figure[];
}): Scenario {
  const { id, title, sizes, world, options = {}, naive = false } = input;
  return {
    id,
    title,
    ...sizes,
    run: (seed) => ({
      kind: 'rollout',
      run: runRollout(makeWorld(world, seed), seed, options),
      naive: naive ? runNaiveRollout(makeWorld(world, seed), seed, options.canaries) : null,
    }),
    figures: (outcomes) => {
      const rollouts = outcomes.filter((outcome) => outcome.kind === 'rollout');
      const runs = rollouts.map(({ run }) => run);
      const naiveRuns = rollouts.flatMap((outcome) => (outcome.naive === null ? [] : [outcome.naive]));
      return [
        ...input.figures(runs),
        ...(runs.some((run) => run.advancedWithoutEpisodes)
          ? [{ name: 'advanced without candidate episodes', value: 'yes', bar: 'never', holds: false }]
          : []),
        ...(naiveRuns.length > 0
          ? [
              shown('naive rule: rolled back', naiveRuns, rolledBack),
              shown('naive rule: promoted', naiveRuns, promoted),
            ]
          : []),
      ];
    },
  };
}

/** A scenario of whole A/B tests. */
export function abTestScenario(input: {
  id: string;
  title: string;
  sizes: Sizes;
  world: WorldOptions;
  figures: (runs: readonly AbRun[]) => Figure[];
}): Scenario {
  const { id, title, sizes, world } = input;
  return {
    id,
    title,
    ...sizes,
    run: (seed) => ({ kind: 'abTest', run: runAbTest(makeWorld(world, seed), seed) }),
    figures: (outcomes) =>
      input.figures(outcomes.flatMap((outcome) => (outcome.kind === 'abTest' ? [outcome.run] : []))),
  };
}

/** A scenario of what happens after a promotion. */
export function promotionScenario(input: {
  id: string;
  title: string;
  sizes: Sizes;
  world: WorldOptions;
  options: PromotionRunOptions;
  figures: (runs: readonly PromotionRun[]) => Figure[];
}): Scenario {
  const { id, title, sizes, world, options } = input;
  return {
    id,
    title,
    ...sizes,
    run: (seed) => ({ kind: 'promotion', run: runPromotion(makeWorld(world, seed), options) }),
    figures: (outcomes) =>
      input.figures(outcomes.flatMap((outcome) => (outcome.kind === 'promotion' ? [outcome.run] : []))),
  };
}

export const rolledBack = ({ end }: { readonly end: string }): boolean => end === 'rolledBack';
export const promoted = ({ end }: { readonly end: string }): boolean => end === 'promoted';

/** At most a fraction of the runs, rounded up to a whole run. */
export function atMost<Run>(name: string, runs: readonly Run[], is: (run: Run) => boolean, fraction: number): Figure {
  const count = runs.filter(is).length;
  const allowed = Math.ceil(fraction * runs.length);
  return { name, value: share(count, runs.length), bar: `≤ ${allowed}`, holds: count <= allowed };
}

/** Confidence of {@link provenAtMost}. */
const confidence = 0.95;

/**
 * So few hits that the upper 95 % confidence limit (Clopper–Pearson) of their share is at most the fraction. Where the runs are too
 * few for any proof, as in the reduced form, at most the fraction of the runs, and the bar says so.
 */
export function provenAtMost<Run>(
  name: string,
  runs: readonly Run[],
  is: (run: Run) => boolean,
  fraction: number,
): Figure {
  const trials = runs.length;
  let allowed = -1;
  while (allowed < trials && binomialCdf(allowed + 1, trials, fraction) <= 1 - confidence) allowed += 1;
  const bound = `${(100 * fraction).toFixed(1)} %`;
  if (allowed < 0) {
    const { bar, ...figure } = atMost(name, runs, is, fraction);
    return { ...figure, bar: `${bar}, too few to prove ${bound}` };
  }
  const count = runs.filter(is).length;
  return { name, value: share(count, trials), bar: `≤ ${allowed} proves ≤ ${bound}`, holds: count <= allowed };
}

/** At least a fraction of the runs, rounded down to a whole run. */
export function atLeast<Run>(name: string, runs: readonly Run[], is: (run: Run) => boolean, fraction: number): Figure {
  const count = runs.filter(is).length;
  const asked = Math.floor(fraction * runs.length);
  return { name, value: share(count, runs.length), bar: `≥ ${asked}`, holds: count >= asked };
}

/** A figure without a bar. */
export function shown<Run>(name: string, runs: readonly Run[], is: (run: Run) => boolean): Figure {
  return { name, value: share(runs.filter(is).length, runs.length), bar: '', holds: true };
}

const medianBar = (median: number): string => (Number.isFinite(median) ? `median ≤ ${median}` : '');

/** Median and 90 % quantile of the minutes from an hour on to rollback, with their bars. */
export function minutesToRollback(
  runs: readonly { readonly end: string; readonly hours: number }[],
  median: number,
  ninety?: number,
  sinceHour = 0,
): Figure {
  const minutes = runs.filter(rolledBack).map(({ hours }) => (hours - sinceHour) * 60);
  const [half, most] = [quantile(minutes, 0.5), quantile(minutes, 0.9)];
  const bar = ninety === undefined ? medianBar(median) : `≤ ${median} / ${ninety}`;
  return {
    name: 'minutes to rollback, median / 90 %',
    value: minutes.length === 0 ? 'never' : `${Math.round(half)} / ${Math.round(most)}`,
    bar,
    // Without a rollback half is NaN, which no bar allows.
    holds: (median === Infinity || half <= median) && (ninety === undefined || most <= ninety),
  };
}

export function meanHours(name: string, runs: readonly { readonly hours: number }[], most?: number): Figure {
  const mean = runs.reduce((sum, { hours }) => sum + hours, 0) / Math.max(1, runs.length);
  const bar = most === undefined ? '' : `≤ ${most}`;
  return { name, value: mean.toFixed(1), bar, holds: mean <= (most ?? Infinity) };
}

/** The smallest value with at least this share of the values at or below it; NaN for none. */
function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? Number.NaN;
}

const share = (count: number, total: number): string =>
  `${count} of ${total} (${((100 * count) / Math.max(1, total)).toFixed(1)} %)`;
