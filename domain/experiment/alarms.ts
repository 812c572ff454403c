import { mixedLogEvidence, type Effect } from '../statistics/index.ts';
import type { GuardFacts } from './guard-facts.ts';
import type { RolloutLimits } from './limits.ts';

/** What harm may show in. */
export type GuardMetric = 'success' | 'latency' | 'throughput' | 'missing' | 'safety' | 'task' | 'claims';

/** Evidence of harm in one metric, and what it would take to act on it. */
export interface MetricEvidence {
  readonly metric: 'success' | 'latency' | 'throughput';
  /** Candidate minus champion: fraction, -log latency, or relative episodes. */
  readonly delta: number;
  readonly logEvidence: number;
  readonly threshold: number;
  readonly alarm: boolean;
}

/** Evidence in every metric; those without data have log evidence 0. Order: success, latency, throughput. */
export function measureEvidence(facts: GuardFacts, limits: RolloutLimits): MetricEvidence[] {
  const { guard } = limits;
  const { success, latency, throughput } = facts;
  const enough = success.treatedEpisodes >= guard.minimumEpisodes;
  const bySuccess = evidenceOf(success, guard.tau, guard.marginFraction, 1);
  const byLatency =
    latency.effect === null ? 0 : evidenceOf(latency.effect, guard.tau, guard.latencyMargin, guard.minimumEpisodes);
  const successLimit = Math.log(1 / guard.successAlpha);
  const latencyLimit = Math.log(1 / guard.latencyAlpha);
  const throughputLimit = Math.log(1 / guard.throughputAlpha);
  const { episodes, expectedEpisodes } = throughput;
  return [
    {
      metric: 'success',
      delta: success.delta,
      logEvidence: bySuccess,
      threshold: successLimit,
      alarm: enough && bySuccess >= successLimit,
    },
    {
      metric: 'latency',
      delta: latency.effect?.delta ?? 0,
      logEvidence: byLatency,
      threshold: latencyLimit,
      alarm: byLatency >= latencyLimit,
    },
    {
      metric: 'throughput',
      delta: expectedEpisodes > 0 ? episodes / expectedEpisodes - 1 : 0,
      logEvidence: throughput.logEvidence,
      threshold: throughputLimit,
      alarm: throughput.short && throughput.logEvidence >= throughputLimit,
    },
  ];
}

/** Log evidence of an effect; 0 with fewer than `least` treated episodes. */
const evidenceOf = ({ delta, variance, treatedEpisodes }: Effect, tau: number, margin: number, least: number): number =>
  treatedEpisodes >= least ? mixedLogEvidence({ delta, variance, tau, margin }) : 0;

/**
 * The one robot that explains an alarm, if there is one: without it no metric alarms, and it stands out from the others
 * (success, latency: `outlierDeviations` below them; throughput: more than half of the missing episodes are its own). With
 * several the one without which the evidence is lowest. Asking instead that every leave-one-out alarms would take the
 * robots of a real disaster off one by one.
 */
export function explainingRobot(facts: GuardFacts, alarm: MetricEvidence, limits: RolloutLimits): string | undefined {
  let best: { robotId: string; logEvidence: number } | undefined;
  for (const robotId of alarm.metric === 'throughput' ? shortRobots(facts, limits) : outliers(facts, alarm, limits)) {
    const rest = facts.without(robotId);
    const evidence = measureEvidence(rest, limits);
    const own = evidence.find(({ metric }) => metric === alarm.metric)?.logEvidence ?? Infinity;
    if (evidence.some(({ alarm }) => alarm)) continue;
    if (alarm.metric !== 'throughput' && !standsOut(facts, rest, alarm, robotId, limits)) continue;
    if (best === undefined || own < best.logEvidence) best = { robotId, logEvidence: own };
  }
  return best?.robotId;
}

const effectOf = (facts: GuardFacts, metric: MetricEvidence['metric']) =>
  metric === 'latency' ? facts.latency.effect : facts.success;

/** Robots that could stand out: the test of {@link standsOut} with the smallest variance it can have, without folding anew. */
function outliers(facts: GuardFacts, { metric }: MetricEvidence, limits: RolloutLimits): string[] {
  const robots = effectOf(facts, metric)?.perRobot.filter(({ episodes }) => episodes > 0) ?? [];
  if (robots.length < limits.fault.minimumRobots) return [];
  const weight = robots.reduce((sum, { variance }) => sum + 1 / variance, 0);
  const weighted = robots.reduce((sum, { residual, variance }) => sum + residual / variance, 0);
  return robots.flatMap(({ robotId, residual, variance }) => {
    const otherWeight = weight - 1 / variance;
    const others = (weighted - residual / variance) / otherWeight;
    const distance = (residual - others) / Math.sqrt(variance + 1 / otherWeight);
    return distance <= -limits.fault.outlierDeviations ? [robotId] : [];
  });
}

function standsOut(
  facts: GuardFacts,
  rest: GuardFacts,
  { metric }: MetricEvidence,
  robotId: string,
  limits: RolloutLimits,
): boolean {
  const robot = effectOf(facts, metric)?.perRobot.find((candidate) => candidate.robotId === robotId);
  const others = effectOf(rest, metric);
  if (robot === undefined || !others) return false;
  const distance = (robot.residual - others.delta) / Math.sqrt(robot.variance + others.variance);
  return distance <= -limits.fault.outlierDeviations;
}

function shortRobots({ throughput, silence }: GuardFacts, { fault }: RolloutLimits): string[] {
  if (silence.candidates < fault.minimumRobots) return [];
  const total = Math.abs(throughput.expectedEpisodes - throughput.episodes);
  return [...throughput.missing()].flatMap(([robotId, missing]) =>
    missing > fault.ownMissingFraction * total ? [robotId] : [],
  );
}
