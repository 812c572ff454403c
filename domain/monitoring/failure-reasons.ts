import { benjaminiHochberg, normalCdf } from '../statistics/index.ts';
import { withDefaults } from './limits.ts';

/** How often one robot's episodes failed for which reason, in one window. */
export interface RobotFailures {
  readonly robotId: string;
  readonly episodes: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** One reason's share of all episodes, before and now. */
export interface ReasonChange {
  readonly reason: string;
  readonly rising: boolean;
  readonly referenceFraction: number;
  readonly currentFraction: number;
  readonly p: number;
  readonly sentence: string;
}

export interface FailureReasonLimits {
  readonly falseDiscoveryFraction: number;
  /** A rise smaller than this share of all episodes is not worth a word. */
  readonly riseFraction: number;
}

export const defaultFailureReasonLimits: FailureReasonLimits = { falseDiscoveryFraction: 0.01, riseFraction: 0.01 };

/**
 * Which failure reasons became more frequent? Share of all episodes per reason in two windows, variance from the robots' own
 * scatter (ratio estimator, Cochran 1977, section 6.3), one-sided, Benjamini–Hochberg over the reasons; a rise must also be
 * large enough to matter. Reasons in alphabetical order; fewer than 2 robots in a window give p = 1.
 */
export function judgeFailureReasons(input: {
  reference: readonly RobotFailures[];
  current: readonly RobotFailures[];
  limits?: Partial<FailureReasonLimits>;
}): ReasonChange[] {
  const limits = withDefaults('failure-reason limits', defaultFailureReasonLimits, input.limits);
  const { reference, current } = input;
  const names = new Set([...reference, ...current].flatMap(({ reasons }) => Object.keys(reasons)));
  const changes = [...names].toSorted().map((reason) => {
    const [before, now] = [shareOf(reference, reason), shareOf(current, reason)];
    const variance = before.variance + now.variance;
    const rise = now.fraction - before.fraction;
    const known = variance > 0 && Math.min(before.robots, now.robots) >= 2;
    const p = known ? normalCdf(-rise / Math.sqrt(variance)) : 1;
    return { reason, referenceFraction: before.fraction, currentFraction: now.fraction, p };
  });
  const { rejected } = benjaminiHochberg(
    changes.map(({ p }) => p),
    limits.falseDiscoveryFraction,
  );
  return changes.map((change, index) => {
    const { reason, referenceFraction, currentFraction, p } = change;
    const rising = rejected[index] === true && currentFraction - referenceFraction >= limits.riseFraction;
    const sentence = `${reason}: ${percent(referenceFraction)} → ${percent(currentFraction)} of episodes, p ${p.toExponential(1)}`;
    return { ...change, rising, sentence };
  });
}

function shareOf(
  robots: readonly RobotFailures[],
  reason: string,
): { fraction: number; variance: number; robots: number } {
  const active = robots.filter(({ episodes }) => episodes > 0);
  const episodes = active.reduce((sum, robot) => sum + robot.episodes, 0);
  if (active.length < 2) return { fraction: 0, variance: 0, robots: active.length };
  const fraction = active.reduce((sum, { reasons }) => sum + (reasons[reason] ?? 0), 0) / episodes;
  const squares = active.reduce(
    (sum, robot) => sum + ((robot.reasons[reason] ?? 0) - fraction * robot.episodes) ** 2,
    0,
  );
  return {
    fraction,
    variance: (squares / episodes ** 2) * (active.length / (active.length - 1)),
    robots: active.length,
  };
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;
