// Long: one rule a function, in their order of precedence.
import { explainingRobot, type GuardMetric, type MetricEvidence } from './alarms.ts';
import type { GuardFacts, GuardSituation } from './guard-facts.ts';
import { isFarBelow } from './fleet-level.ts';
import { claimSentence } from './plausible-claims.ts';
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
  /** Robots in no arm with a safety event on the candidate, for those that joined late. Default none. */
  readonly unsafeLateRobots?: readonly string[];
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
  excessiveClaim,
  taskAlarm,
  evidenceAlarm,
  aloneAlarm,
  infrastructureHold,
  brokenFleetHold,
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
    reason: `no alarm and not yet proven: difference ${points(facts.success.delta)}, ${atWorst(lowerBound)}`,
  };
}

function safetyEvent({ facts, situation, limits }: Case): Outcome | undefined {
  const unsafe = [...facts.safety, ...(situation.unsafeLateRobots ?? [])];
  const [first] = unsafe;
  if (first === undefined) return undefined;
  const reason = `safety event on ${unsafe.join(', ')}`;
  const isLone = unsafe.length === 1 && facts.silence.candidates >= limits.fault.minimumRobots;
  // One robot alone vetoes no candidate: it goes back at once, and the next one ends the rollout.
  if (isLone && mayFault(facts, situation, limits))
    return {
      verdict: 'robotFault',
      suspectRobotId: first,
      metric: 'safety',
      reason: `${reason} alone: it goes back, and one more safety event takes every candidate back`,
    };
  return { verdict: 'rollback', metric: 'safety', reason };
}

/** Beyond this many times what is possible a robot does not tell the truth, or another robot speaks for it too. */
const impossibleClaim = 2;

function excessiveClaim({ facts, situation, limits }: Case): Outcome | undefined {
  const worst = facts.excessive
    .filter(({ episodes, allowed }) => episodes >= impossibleClaim * allowed)
    .toSorted((left, right) => right.episodes / right.allowed - left.episodes / left.allowed)[0];
  if (worst === undefined || !mayFault(facts, situation, limits)) return undefined;
  const reason = `${claimSentence(worst)}: more than a robot can make`;
  return { verdict: 'robotFault', suspectRobotId: worst.robotId, metric: 'claims', reason };
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

/** Without controls the candidates are compared with their own past: only what is far below it is seen. */
function aloneAlarm({ facts: { alone }, situation: { parameters } }: Case): Outcome | undefined {
  if (alone === null || !isFarBelow(alone, parameters)) return undefined;
  const reason = `success ${points(alone.excess)} against the robots' own past in ${alone.episodes} episodes, no robot to compare with`;
  return { verdict: 'rollback', metric: 'success', reason };
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

/** Where everything fails nothing is proven of a candidate, however alike the arms are. */
function brokenFleetHold({ facts: { brokenFleet } }: Case): Outcome | undefined {
  if (brokenFleet === null) return undefined;
  const { excess, episodes } = brokenFleet;
  return {
    verdict: 'hold',
    metric: 'success',
    reason: `the fleet is broken, not the candidate: both arms far below the champion's own past, controls ${points(excess)} in ${Math.round(episodes)} episodes`,
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
  const isByTime = facts.alone !== null && stageLimits(limits, situation.stage).marginFraction === null;
  const fewest = isByTime ? candidateEpisodes : Math.min(candidateEpisodes, success.treatedEpisodes);
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
  if (!(facts.candidateEpisodes > 0)) return undefined;
  if (facts.alone !== null && marginFraction === null)
    return { verdict: 'advance', reason: `${minimumHours} h without alarm, no robot to compare with` };
  if (!(facts.success.treatedEpisodes > 0)) return undefined;
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
    reason: `not proven within ${maximum} h: ${atWorst(lowerBound)}`,
  };
}

const unseen = (situation: TickSituation): boolean => situation.presence === 'unknown';

const mayFault = ({ silence }: GuardFacts, { faultsSoFar = 0 }: TickSituation, { fault }: RolloutLimits): boolean =>
  faultsSoFar < Math.max(fault.faultsMinimum, fault.faultsFraction * silence.candidates);

const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} pp`;

/** What a lower bound on candidate - champion proves: `at most 1.00 pp worse, 2.00 pp allowed`, `at least 1.00 pp better`. */
export const provenBy = (lowerBound: number, marginFraction: number): string =>
  lowerBound > 0 ? atWorst(lowerBound) : `${atWorst(lowerBound)}, ${points(marginFraction)} allowed`;

/** The same where no margin is spoken of; a bound of -1 and below says nothing. */
function atWorst(lowerBound: number): string {
  if (!(lowerBound > -1)) return 'nothing is proven yet';
  return lowerBound > 0 ? `at least ${points(lowerBound)} better` : `at most ${points(-lowerBound)} worse`;
}
