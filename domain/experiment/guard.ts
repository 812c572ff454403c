import { confidenceRadius, type RobotEvidence } from '../statistics/index.ts';
import { explainingRobot, measureEvidence, type GuardMetric, type MetricEvidence } from './alarms.ts';
import { gatherFacts, type GuardFacts, type GuardSituation } from './guard-facts.ts';
import { defaultRolloutLimits, maximumHours, parseRolloutLimits, stageLimits } from './limits.ts';
import type { RolloutLimits, RolloutLimitsInput } from './limits.ts';
import { readSilence } from './silence.ts';

export type GuardDecision = 'continue' | 'advance' | 'hold' | 'rollback' | 'robotFault';

/** Everything a guard tick is given; `hoursTotal` is now, since block 0. */
export interface GuardInput extends GuardSituation {
  readonly robots: readonly RobotEvidence[];
  /** Robots taken out of this rollout as faulty so far. Default 0. */
  readonly faultsSoFar?: number;
  /** `unknown` when no gateway says who is online. Default known. */
  readonly presence?: 'known' | 'unknown';
  /** Tasks that the per-task net blocks. */
  readonly blockedTasks?: readonly string[];
  readonly limits?: RolloutLimitsInput;
}

/** What a tick decides, on what, and why in words. In the last stage the treated side is the holdback; delta is always candidate minus champion. */
export interface GuardVerdict {
  readonly verdict: GuardDecision;
  readonly suspectRobotId?: string;
  readonly metric?: GuardMetric;
  readonly delta: number;
  readonly variance: number;
  /** Of `metric` if that is success, latency or throughput, else of success. */
  readonly logEvidence: number;
  readonly threshold: number;
  /** At least this, with confidence 1 - advance.alpha, at all times together; -1 without data. */
  readonly lowerBound: number;
  /** The lower bound must be above minus this to advance; null in the holdback stage. */
  readonly marginFraction: number | null;
  readonly treatedRobots: number;
  readonly controlRobots: number;
  readonly treatedEpisodes: number;
  readonly controlEpisodes: number;
  readonly droppedBlocks: number;
  readonly evidence: readonly MetricEvidence[];
  readonly reasons: readonly string[];
}

type Outcome = Pick<GuardVerdict, 'verdict' | 'suspectRobotId' | 'metric'> & { readonly reason: string };

interface Case {
  readonly facts: GuardFacts;
  readonly situation: Omit<GuardInput, 'robots' | 'limits'>;
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
  advanceStage,
  maximumTime,
];

/**
 * One tick of the guard: is the candidate doing harm, and if not, is this stage proven harmless? One one-sided e-process over
 * all stages, recomputed from all blocks at every tick and never reset; looked at before anything else. Same input, same
 * verdict. Linear in the blocks. Throws on limits that make no sense.
 */
export function judgeGuard(input: GuardInput): GuardVerdict {
  const { robots, limits: given, ...situation } = input;
  const limits = given === undefined ? defaultRolloutLimits : parseRolloutLimits(given);
  return decideGuard(gatherFacts(robots, situation, limits), situation, limits);
}

/** The decision on facts that are already gathered. */
export function decideGuard(facts: GuardFacts, situation: Case['situation'], limits: RolloutLimits): GuardVerdict {
  const { success } = facts;
  const evidence = measureEvidence(facts, limits);
  const lowerBound =
    success.treatedEpisodes > 0
      ? Math.max(-1, success.delta - confidenceRadius({ ...success, ...limits.advance }))
      : -1;
  const outcome = firstOutcome({ facts, situation, limits, evidence, lowerBound });
  const shown = evidence.find(({ metric }) => metric === outcome.metric) ?? evidence[0];
  const { reason, ...decided } = outcome;
  return {
    ...decided,
    delta: success.delta,
    variance: success.variance,
    logEvidence: shown?.logEvidence ?? 0,
    threshold: shown?.threshold ?? Number.MAX_VALUE,
    lowerBound,
    marginFraction: stageLimits(limits, situation.stage).marginFraction,
    treatedRobots: success.treatedRobots,
    controlRobots: success.controlRobots,
    treatedEpisodes: success.treatedEpisodes,
    controlEpisodes: success.controlEpisodes,
    droppedBlocks: success.droppedBlocks,
    evidence,
    reasons: [reason, ...remarks(facts)],
  };
}

function firstOutcome(guardCase: Case): Outcome {
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
  const alarms = evidence.filter(({ alarm, metric }) => alarm && !(metric === 'throughput' && unseen(situation)));
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
    reason: `at most ${points(-lowerBound)} worse, ${points(marginFraction)} allowed`,
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

const unseen = (situation: Case['situation']): boolean => situation.presence === 'unknown';

const mayFault = ({ silence }: GuardFacts, { faultsSoFar = 0 }: Case['situation'], { fault }: RolloutLimits): boolean =>
  faultsSoFar < Math.max(fault.faultsMinimum, fault.faultsFraction * silence.candidates);

function remarks({ success, silence }: GuardFacts): string[] {
  const said: string[] = [];
  if (success.droppedBlocks > 0) said.push(`${success.droppedBlocks} blocks without control episodes left out`);
  if (silence.notInstalled > 0) said.push(`${silence.notInstalled} robots do not run the candidate yet`);
  return said;
}

const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} pp`;
