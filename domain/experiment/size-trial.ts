import {
  mixedConfidenceRadius,
  normalQuantile,
  planExperiment,
  standardErrorAt,
  type ExperimentInput,
  type ExperimentPlan,
  type Infeasible,
} from '../statistics/index.ts';
import { maximumHours, parseAbTestLimits, parseRolloutLimits, stageLimits, stageRobots } from './limits.ts';
import type { AbTestLimitsInput, RolloutLimitsInput } from './limits.ts';

/** What is known of the fleet; see {@link ExperimentInput} for units and defaults. */
export interface FleetOutlook extends Pick<
  ExperimentInput,
  'successFraction' | 'rho' | 'episodesPerRobotDay' | 'preDays' | 'phi' | 'dayVariance' | 'power'
> {
  readonly robots: number;
}

/** Planned A/B test. */
export interface AbTestPlan extends ExperimentPlan {
  readonly candidateRobots: number;
  readonly controlRobots: number;
}

/** Planned stage; hours count from its start. */
export interface StagePlan {
  readonly stage: number;
  readonly robots: number;
  readonly marginFraction: number | null;
  /** Expected hours to the advance verdict. */
  readonly hours: number | Infeasible;
  readonly maximumHours: number;
  /** Loss the guard sees by then with the given power. */
  readonly detectableLossFraction: number;
  /** A candidate must be this much better to be proven within the maximum; 0: an equal one is. */
  readonly leastGainFraction: number;
}

/** Plans an A/B test: `candidateFraction` of the fleet (default 0.2, at least `smallArmRobots`) on the candidate. */
export function planAbTest(
  input: FleetOutlook & { effect: number; candidateFraction?: number; limits?: AbTestLimitsInput },
): AbTestPlan {
  const limits = parseAbTestLimits(input.limits ?? {});
  const { robots, candidateFraction = 0.2 } = input;
  if (!(Number.isInteger(robots) && robots >= 2))
    throw new RangeError(`expected robots to be a whole number ≥ 2, got ${robots}`);
  if (!(candidateFraction > 0 && candidateFraction < 1)) {
    throw new RangeError(`expected candidateFraction in (0, 1), got ${candidateFraction}`);
  }
  const wanted = Math.max(limits.smallArmRobots, Math.round(candidateFraction * robots));
  const candidateRobots = Math.min(wanted, Math.max(1, Math.floor(robots / 2)));
  const controlRobots = robots - candidateRobots;
  const small = Math.min(candidateRobots, controlRobots) < limits.smallArmRobots;
  const plan = planExperiment({
    ...input,
    treatedRobots: candidateRobots,
    controlRobots,
    alpha: limits.alpha,
    looksPerDay: small ? 0 : 24 / limits.lookHours,
    minimumDays: (limits.firstLook * limits.lookHours) / 24,
    maximumDays: limits.maximumDays,
  });
  return { ...plan, candidateRobots, controlRobots };
}

/**
 * Plans the stages of a rollout of an equal candidate: the shortest time at which the lower bound clears the stage's margin
 * with the given power, at least the stage's minimum. A stage whose maximum comes first is `infeasible`, with the reason.
 */
export function planRollout(input: FleetOutlook & { limits?: RolloutLimitsInput }): StagePlan[] {
  const limits = parseRolloutLimits(input.limits ?? {});
  const { robots, power = 0.9 } = input;
  let elapsedHours = 0;
  return limits.stages.map((_, stage) => {
    const { marginFraction, minimumHours, minimumTotalHours } = stageLimits(limits, stage);
    const candidates = stageRobots(limits, stage, robots);
    const maximum = maximumHours(limits, stage, robots);
    const errorAt = (hours: number): number =>
      standardErrorAt(
        { ...input, treatedRobots: Math.max(1, candidates), controlRobots: Math.max(1, robots - candidates) },
        hours / 24,
      );
    const lossAt = (hours: number): number => {
      const error = errorAt(hours);
      return mixedConfidenceRadius({ variance: error * error, ...limits.advance }) + normalQuantile(power) * error;
    };
    const least = Math.max(minimumHours, minimumTotalHours - elapsedHours);
    const hours = hoursNeeded({ lossAt, marginFraction, least, maximum, candidates });
    elapsedHours += typeof hours === 'number' ? hours : maximum;
    const detectableLossFraction = lossAt(typeof hours === 'number' ? hours : maximum);
    const leastGainFraction = marginFraction === null ? 0 : Math.max(0, lossAt(maximum) - marginFraction);
    return {
      stage,
      robots: candidates,
      marginFraction,
      hours,
      maximumHours: maximum,
      detectableLossFraction,
      leastGainFraction,
    };
  });
}

function hoursNeeded(input: {
  lossAt: (hours: number) => number;
  marginFraction: number | null;
  least: number;
  maximum: number;
  candidates: number;
}): number | Infeasible {
  const { lossAt, marginFraction, least, maximum, candidates } = input;
  if (candidates === 0) return { infeasible: 'no robot is left for the candidate beside the holdback' };
  if (marginFraction === null) return least;
  for (let hours = Math.max(least, 0.25); hours <= maximum; hours += 0.25) {
    if (lossAt(hours) <= marginFraction) return hours;
  }
  return {
    infeasible: `${candidates} robots prove "at most ${points(lossAt(maximum))} worse" in ${maximum} h, ${points(marginFraction)} is asked: it may hold, more robots or a wider margin are needed`,
  };
}

const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} pp`;
