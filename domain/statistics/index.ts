export { wilsonInterval, twoProportionTest, newcombeInterval, type TwoArms } from './proportions.ts';
export { sampleSizePerArm, sampleSizeNonInferiority, designEffect } from './sample-size.ts';
export {
  planExperiment,
  standardErrorAt,
  type ExperimentInput,
  type ExperimentPlan,
  type Infeasible,
} from './plan-experiment.ts';
export {
  logEvidence,
  mixedLogEvidence,
  confidenceRadius,
  mixedConfidenceRadius,
  shareLogEvidence,
  binomialLogEvidence,
} from './evidence.ts';
export { groupSequentialBounds } from './group-sequential.ts';
export { holm, benjaminiHochberg, eBenjaminiHochberg } from './multiple-testing.ts';
export { populationStabilityIndex, psiThreshold, quantileEdges, binFractions } from './population-stability.ts';
export { kolmogorovSmirnov, kolmogorovCritical } from './kolmogorov-smirnov.ts';
export { maximumMeanDiscrepancy, meanDiscrepancyTest, type RobotPoints } from './mean-discrepancy.ts';
export { sampleRatioMismatch } from './sample-ratio.ts';
export { mcnemarExact, pairedDifferenceLowerBound, type PairedOutcomes } from './paired.ts';
export { kishEffectiveSize } from './kish.ts';
export { betaFromMoments, betaPosterior } from './beta.ts';
export { intraRobotCorrelation } from './intra-robot-correlation.ts';
export { binomialCdf, chiSquareUpperTail, normalCdf, normalQuantile, studentUpperQuantile } from './distributions.ts';
export { randomFromSeed, hash32, type Random } from './random.ts';
export { mean, sampleVariance } from './moments.ts';
export {
  centreHistory,
  baselineOf,
  type Baseline,
  type HistoryCell,
  type RobotHistory,
  type VersionedHistory,
} from './history.ts';
export { estimateFleetParameters, betweenRobotVariance, type FleetParameters } from './fleet-parameters.ts';
export { fleetDayVarianceOf, fleetVarianceOf } from './fleet-variance.ts';
export { otherTask, type Block, type RobotEvidence } from './robot-evidence.ts';
export { rowSize, TaskRows } from './task-rows.ts';
export type { RobotSums } from './block-passes.ts';
export { foldBlocks, type BlockSums, type Fold } from './block-sums.ts';
export {
  estimateEffect,
  foldEvidence,
  weighRobots,
  effectOfSums,
  robotBaseline,
  bernoulliVariance,
  type Effect,
} from './effect.ts';
