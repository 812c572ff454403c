import { explainingRobot, type GuardMetric, type MetricEvidence } from './alarms.ts';
import type { GuardFacts, GuardSituation } from './guard-facts.ts';
import { maximumHours, stageLimits, type RolloutLimits } from './limits.ts';
import { areSilentAlike, readSilence } from './silence.ts';

export type GuardDecision = 'continue' | 'advance' | 'hold' | 'rollback' | 'robotFault';

/** What a rule says. */
export interface Outcome {
  readonly verdict: GuardDecision;
  readonly suspectRobotId?: string;
  readonly metric?: GuardMetric;
  readonly reason: string;
}

/** What a tick is asked beside the blocks. */
export interface TickSituation extends GuardSituation {
  /** Robots taken out of this rollout as faulty so far. Default 0. */
  readonly faultsSoFar?: number;
  /** `unknown` when no gateway says who is online. Default known. */
  readonly presence?: 'known' | 'unknown';
  /** Tasks that the per-task net blocks. */
  readonly blockedTasks?: readonly string[];
}

/** Everything the rules look at. */
export interface Case {
  readonly facts: GuardFacts;
  readonly situation: TickSituation;
  readonly limits: RolloutLimits;
  readonly evidence: readonly MetricEvidence[];
  readonly lowerBound: number;
}

/** Precedence: the first rule that has something to say decides. */
const precedence: readonly ((guardCase: Case) => Outcome | undefined)[] = [
  safetyEvent,
  taskAlarm,
  evidenceAlarm,
  infrastructureHold,
  missingAlarm,
  tooFewReporting,
  backlogHold,
  advanceStage,
  maximumTime,
];

/** Asks the rules in their order; when none speaks, the stage goes on. */
export function firstOutcome(guardCase: Case): Outcome {
  for (const rule of precedence) {
    const outcome = rule(guardCase);
    if (outcome !== undefined) return outcome;
  }
  const { facts, lowerBound } = guardCase;
  return {
    verdict: 'continue',
    reason: `no alarm and not yet proven: difference ${points(facts.success.delta)}, at least ${points(lowerBound)}`,
  };
}

function safetyEvent({ facts }: Case): Outcome | undefined {
  if (facts.safety.length === 0) return undefined;
  return { verdict: 'rollback', metric: 'safety', reason: `safety event on ${facts.safety.join(', ')}` };
}

function taskAlarm({ situation: { blockedTasks = [] } }: Case): Outcome | undefined {
  if (blockedTasks.length === 0) return undefined;
  return { verdict: 'rollback', metric: 'task', reason: `proven harm in task ${blockedTasks.join(', ')}` };
}

function evidenceAlarm({ facts, situation, limits, evidence }: Case): Outcome | undefined {
  // Robots that the network silences bring what they made later, and not all at once.
  const isNetwork = unseen(situation) || areSilentAlike(facts.silence, limits);
  const alarms = evidence.filter(({ alarm, metric }) => alarm && !(metric === 'throughput' && isNetwork));
  const [first] = alarms;
  if (first === undefined) return undefined;
  const { metric } = first;
  const seen = `${metric} ${metric === 'success' ? points(first.delta) : first.delta.toFixed(3)}: log evidence ${first.logEvidence.toFixed(2)} ≥ ${first.threshold.toFixed(2)}`;
  const suspect = mayFault(facts, situation, limits) ? explainingRobot(facts, first, limits) : undefined;
  if (suspect === undefined) return { verdict: 'rollback', metric, reason: seen };
  return {
    verdict: 'robotFault',
    suspectRobotId: suspect,
    metric,
    reason: `${seen}; robot ${suspect} alone explains it`,
  };
}

function infrastructureHold({ facts, situation, limits }: Case): Outcome | undefined {
  if (unseen(situation)) return { verdict: 'hold', reason: 'no gateway says who is online' };
  if (readSilence(facts.silence, 'known', limits) !== 'infrastructure') return undefined;
  const { silentCandidates, candidates, silentControls, controls } = facts.silence;
  return {
    verdict: 'hold',
    metric: 'missing',
    reason: `${silentCandidates.length} of ${candidates} candidates and ${silentControls} of ${controls} controls silent: the network, not the candidate`,
  };
}

function missingAlarm({ facts, situation, limits }: Case): Outcome | undefined {
  const reading = readSilence(facts.silence, 'known', limits);
  if (reading !== 'oneRobot' && reading !== 'candidates') return undefined;
  const { silentCandidates, candidates, silentControls, controls } = facts.silence;
  const reason = `${silentCandidates.length} of ${candidates} candidates silent for ${limits.silence.missingMinutes} min, ${silentControls} of ${controls} controls`;
  const [suspect] = silentCandidates;
  if (reading === 'oneRobot' && suspect !== undefined && mayFault(facts, situation, limits)) {
    return { verdict: 'robotFault', suspectRobotId: suspect, metric: 'missing', reason };
  }
  return { verdict: 'rollback', metric: 'missing', reason };
}

function tooFewReporting({ facts, situation, limits }: Case): Outcome | undefined {
  const { silence, candidateEpisodes, success, latency } = facts;
  const { reportingFraction, minimumEpisodes, episodesAfterHours } = limits.advance;
  const reporting = silence.candidates - silence.silentCandidates.length - silence.notInstalled;
  if (silence.candidates === 0 || reporting < reportingFraction * silence.candidates) {
    return { verdict: 'hold', reason: `${reporting} of ${silence.candidates} candidates report` };
  }
  if (situation.hoursInStage < episodesAfterHours) return undefined;
  const fewest = Math.min(candidateEpisodes, success.treatedEpisodes);
  if (fewest < minimumEpisodes) {
    return { verdict: 'hold', reason: `${fewest} episodes to compare, ${minimumEpisodes} are needed` };
  }
  if (latency.controlEpisodes > 0 && latency.candidateEpisodes === 0) {
    return { verdict: 'hold', reason: 'controls report latency, candidates do not' };
  }
  return undefined;
}

/** Nothing advances on what is half known. */
function backlogHold({ facts: { silence } }: Case): Outcome | undefined {
  if (silence.behind === 0) return undefined;
  return { verdict: 'hold', reason: `${silence.behind} robots are back and have not told everything yet` };
}

function advanceStage({ facts, situation, limits, lowerBound }: Case): Outcome | undefined {
  const { marginFraction, minimumHours, minimumTotalHours } = stageLimits(limits, situation.stage);
  if (situation.hoursInStage < minimumHours || situation.hoursTotal < minimumTotalHours) return undefined;
  if (!(facts.candidateEpisodes > 0 && facts.success.treatedEpisodes > 0)) return undefined;
  if (marginFraction === null) {
    return { verdict: 'advance', reason: `${minimumHours} h without alarm against the holdback` };
  }
  if (!(lowerBound > -marginFraction)) return undefined;
  return {
    verdict: 'advance',
    reason: provenBy(lowerBound, marginFraction),
  };
}

function maximumTime({ facts, situation, limits, lowerBound }: Case): Outcome | undefined {
  const { candidates, controls } = facts.silence;
  const maximum = maximumHours(limits, situation.stage, candidates + controls);
  if (situation.hoursInStage < maximum) return undefined;
  return {
    verdict: 'hold',
    reason: `not proven within ${maximum} h: at least ${points(lowerBound)}`,
  };
}

const unseen = (situation: TickSituation): boolean => situation.presence === 'unknown';

const mayFault = ({ silence }: GuardFacts, { faultsSoFar = 0 }: TickSituation, { fault }: RolloutLimits): boolean =>
  faultsSoFar < Math.max(fault.faultsMinimum, fault.faultsFraction * silence.candidates);

const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} pp`;

/** What a lower bound on candidate - champion proves: `at most 1.00 pp worse, 2.00 pp allowed`, `at least 1.00 pp better`. */
export const provenBy = (lowerBound: number, marginFraction: number): string =>
  lowerBound > 0
    ? `at least ${points(lowerBound)} better`
    : `at most ${points(-lowerBound)} worse, ${points(marginFraction)} allowed`;
