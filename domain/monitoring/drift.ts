import {
  benjaminiHochberg,
  binFractions,
  chiSquareUpperTail,
  intraRobotCorrelation,
  kolmogorovSmirnov,
  mean,
  meanDiscrepancyTest,
  populationStabilityIndex,
  psiThreshold,
  quantileEdges,
  type Random,
  type RobotPoints,
} from '../statistics/index.ts';
import { withDefaults } from './limits.ts';

/** Numbers of the drift monitor; the defaults are {@link defaultDriftLimits}. */
export interface DriftLimits {
  readonly bins: number;
  readonly psiConfidence: number;
  readonly psiWarn: number;
  readonly psiAlarm: number;
  readonly ksP: number;
  readonly ksDistance: number;
  readonly falseDiscoveryFraction: number;
  readonly discrepancyP: number;
  readonly discrepancyPoints: number;
  readonly permutations: number;
}

export const defaultDriftLimits: DriftLimits = {
  bins: 10,
  psiConfidence: 0.99,
  psiWarn: 0.1,
  psiAlarm: 0.25,
  ksP: 0.001,
  ksDistance: 0.1,
  falseDiscoveryFraction: 0.01,
  discrepancyP: 0.01,
  discrepancyPoints: 500,
  permutations: 500,
};

/** One feature's change between two windows. */
export interface FeatureDrift {
  readonly feature: string;
  readonly verdict: 'none' | 'warn' | 'alarm';
  readonly stabilityIndex: number;
  /** What the index exceeds without drift in 1 of 100 cases, robots resembling themselves. */
  readonly stabilityThreshold: number;
  readonly stabilityP: number;
  readonly distance: number;
  readonly distanceP: number;
  readonly designEffect: number;
}

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
  const reasons = features.filter(({ verdict }) => verdict !== 'none').map(sentence);
  if (joint)
    reasons.push(
      `all features together: discrepancy ${discrepancy.toFixed(4)}, p ${p.toFixed(4)} < ${limits.discrepancyP}`,
    );
  const alarm = joint || features.some(({ verdict }) => verdict === 'alarm');
  return { alarm, features, discrepancy: { value: discrepancy, p }, robots, samples, reasons };
}

function judgeFeatures(
  names: readonly string[],
  reference: readonly RobotPoints[],
  current: readonly RobotPoints[],
  limits: DriftLimits,
): FeatureDrift[] {
  const measured = names.map((feature, index) => {
    const groups = [...reference, ...current].map(({ points }) => points.map((point) => point[index] ?? 0));
    const before = groups.slice(0, reference.length).flat();
    const now = groups.slice(reference.length).flat();
    const perRobot = mean(groups.map(({ length }) => length)) ?? 1;
    const designEffect = Math.max(1, 1 + (perRobot - 1) * intraRobotCorrelation(groups));
    const edges = quantileEdges(before, limits.bins);
    const stabilityIndex = populationStabilityIndex({
      reference: binFractions(before, edges),
      current: binFractions(now, edges),
    });
    const sizes = { n: before.length, m: now.length, designEffect };
    const unit = designEffect * (1 / sizes.n + 1 / sizes.m);
    const { statistic: distance, p: distanceP } = kolmogorovSmirnov({ x: before, y: now, designEffect });
    return {
      feature,
      designEffect,
      stabilityIndex,
      stabilityThreshold: psiThreshold({ ...sizes, bins: limits.bins, p: limits.psiConfidence }),
      stabilityP: chiSquareUpperTail(stabilityIndex / unit, limits.bins - 1),
      distance,
      distanceP,
    };
  });
  const q = limits.falseDiscoveryFraction;
  const psiFound = benjaminiHochberg(
    measured.map(({ stabilityP }) => stabilityP),
    q,
  ).rejected;
  const ksFound = benjaminiHochberg(
    measured.map(({ distanceP }) => distanceP),
    q,
  ).rejected;
  return measured.map((figures, index) => {
    const { stabilityIndex, stabilityThreshold, distance, distanceP } = figures;
    const psi = psiFound[index] === true && stabilityIndex > stabilityThreshold;
    const ks = ksFound[index] === true && distanceP < limits.ksP && distance >= limits.ksDistance;
    if (ks || (psi && stabilityIndex >= limits.psiAlarm)) return { ...figures, verdict: 'alarm' };
    return { ...figures, verdict: psi && stabilityIndex >= limits.psiWarn ? 'warn' : 'none' };
  });
}

const sentence = ({
  feature,
  verdict,
  stabilityIndex,
  stabilityThreshold,
  distance,
  distanceP,
}: FeatureDrift): string =>
  `${feature} (${verdict}): PSI ${stabilityIndex.toFixed(3)} against ${stabilityThreshold.toFixed(3)}, distance ${distance.toFixed(3)}, p ${distanceP.toExponential(1)}`;

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
