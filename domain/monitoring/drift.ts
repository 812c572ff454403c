import { mean, meanDiscrepancyTest, type Random, type RobotPoints } from '../statistics/index.ts';
import { defaultDriftLimits, judgeFeatures, sentence, type DriftLimits, type FeatureDrift } from './feature-drift.ts';
import { withDefaults } from './limits.ts';

/** What changed, in which features and as a whole; alarm = somebody should look. */
export interface DriftVerdict {
  readonly alarm: boolean;
  readonly features: readonly FeatureDrift[];
  readonly discrepancy: { readonly value: number; readonly p: number };
  readonly robots: { readonly reference: number; readonly current: number };
  readonly samples: { readonly reference: number; readonly current: number };
  readonly reasons: readonly string[];
}

/**
 * Did what the robots see change from the reference window to the current one? Samples of one robot resemble each other, so the
 * unit is the robot: PSI and Kolmogorov–Smirnov are deflated by the design effect, the joint test permutes robots. A feature
 * alarms when its PSI is both significant and large, or its distance is; it warns when its PSI is significant and moderate. Each
 * over all features at a false-discovery rate. `points` hold one value per feature, in the order of `features`; rows with a value
 * that is not finite are left out. Fewer than 2 robots in a window: no verdict, and a reason that says so.
 */
export function judgeDrift(input: {
  features: readonly string[];
  reference: readonly RobotPoints[];
  current: readonly RobotPoints[];
  random: Random;
  limits?: Partial<DriftLimits>;
}): DriftVerdict {
  const limits = withDefaults('drift limits', defaultDriftLimits, input.limits);
  const [reference, current] = [finite(input.reference), finite(input.current)];
  const robots = { reference: reference.length, current: current.length };
  const samples = { reference: countOf(reference), current: countOf(current) };
  if (Math.min(robots.reference, robots.current) < 2) {
    const reasons = [
      `${robots.reference} and ${robots.current} robots with samples: at least 2 in each window are needed`,
    ];
    return { alarm: false, features: [], discrepancy: { value: 0, p: 1 }, robots, samples, reasons };
  }
  const features = judgeFeatures(input.features, reference, current, limits);
  const scaled = scaler(reference);
  const { discrepancy, p } = meanDiscrepancyTest({
    reference: reference.map(scaled),
    current: current.map(scaled),
    permutations: limits.permutations,
    maximumPoints: limits.discrepancyPoints,
    random: input.random,
  });
  const joint = p < limits.discrepancyP;
  // The worst first: who has room for few hears of those.
  const reasons = features
    .filter(({ verdict }) => verdict !== 'none')
    .toSorted(
      (a, b) => Number(b.verdict === 'alarm') - Number(a.verdict === 'alarm') || b.stabilityIndex - a.stabilityIndex,
    )
    .map(sentence);
  if (joint)
    reasons.push(
      `all features together: discrepancy ${discrepancy.toFixed(4)}, p ${p.toFixed(4)} < ${limits.discrepancyP}`,
    );
  const alarm = joint || features.some(({ verdict }) => verdict === 'alarm');
  return { alarm, features, discrepancy: { value: discrepancy, p }, robots, samples, reasons };
}

/** Points in standard deviations of the reference, so that no unit drowns the others. */
function scaler(reference: readonly RobotPoints[]): (robot: RobotPoints) => RobotPoints {
  const points = reference.flatMap((robot) => robot.points);
  const centres = (points[0] ?? []).map((_, index) => mean(points.map((point) => point[index] ?? 0)) ?? 0);
  const scales = centres.map((centre, index) => {
    const variance = mean(points.map((point) => ((point[index] ?? 0) - centre) ** 2)) ?? 0;
    return variance > 0 ? Math.sqrt(variance) : 1;
  });
  return ({ robotId, points }) => ({
    robotId,
    points: points.map((point) => point.map((value, index) => (value - (centres[index] ?? 0)) / (scales[index] ?? 1))),
  });
}

const finite = (robots: readonly RobotPoints[]): RobotPoints[] =>
  robots.flatMap(({ robotId, points }) => {
    const kept = points.filter((point) => point.every((value) => Number.isFinite(value)));
    return kept.length > 0 ? [{ robotId, points: kept }] : [];
  });

const countOf = (robots: readonly RobotPoints[]): number => robots.reduce((sum, { points }) => sum + points.length, 0);
