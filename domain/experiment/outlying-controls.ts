import {
  bernoulliVariance,
  robotBaseline,
  type FleetParameters,
  type Fold,
  type RobotEvidence,
} from '../statistics/index.ts';

/** This far from the other controls, in standard errors and in success, a control says nothing of what all robots go through. */
const outlierDeviations = 8;
const outlierFraction = 0.2;
/** More than this share of the controls are no outliers: something happens to the fleet. */
const mostFraction = 0.1;
const leastEpisodes = 30;

/**
 * Controls that left their own past while the others did not: a broken or lying one would hide what a candidate does wrong, or make
 * it look harmful. In order of the robots; nobody where many are so.
 */
export function outlyingControls(
  robots: readonly RobotEvidence[],
  { success }: Fold,
  parameters: FleetParameters,
): readonly string[] {
  const seen = robots.flatMap(({ robotId, arm, baseline }, index) => {
    const { counted = 0, total = 0 } = success.robots[index] ?? {};
    if (arm !== 'control' || counted < leastEpisodes) return [];
    const { base, theta } = robotBaseline(parameters, baseline);
    const within = (parameters.phi * bernoulliVariance(base)) / counted;
    const variance = within + parameters.betweenRobotVariance * (1 - theta) + parameters.dayVariance;
    return [{ robotId, residual: total / counted - base, error: Math.sqrt(variance) }];
  });
  const sorted = seen.map(({ residual }) => residual).toSorted((left, right) => left - right);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const found = seen.filter(({ residual, error }) => {
    const distance = Math.abs(residual - median);
    return distance >= outlierFraction && distance >= outlierDeviations * error;
  });
  return found.length <= Math.max(1, mostFraction * seen.length) && seen.length >= 3
    ? found.map(({ robotId }) => robotId)
    : [];
}
