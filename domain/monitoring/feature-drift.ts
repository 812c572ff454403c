import {
  benjaminiHochberg,
  binFractions,
  chiSquareUpperTail,
  intraRobotCorrelation,
  kolmogorovSmirnov,
  mean,
  populationStabilityIndex,
  psiThreshold,
  quantileEdges,
  type RobotPoints,
} from '../statistics/index.ts';

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

/** Every feature by itself, deflated by how much samples of one robot resemble each other; each test at a false-discovery rate. */
export function judgeFeatures(
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

/** A feature's figures for people. */
export const sentence = ({
  feature,
  verdict,
  stabilityIndex,
  stabilityThreshold,
  distance,
  distanceP,
}: FeatureDrift): string =>
  `${feature} (${verdict}): PSI ${stabilityIndex.toFixed(3)} against ${stabilityThreshold.toFixed(3)}, distance ${distance.toFixed(3)}, p ${distanceP.toExponential(1)}`;
