import { mixedConfidenceRadius, type RobotEvidence } from '../statistics/index.ts';
import { measureEvidence, type GuardMetric, type MetricEvidence } from './alarms.ts';
import { gatherFacts, type GuardFacts } from './guard-facts.ts';
import { claimSentence } from './plausible-claims.ts';
import { firstOutcome, type GuardDecision, type TickSituation } from './guard-rules.ts';
import { defaultRolloutLimits, parseRolloutLimits, stageLimits } from './limits.ts';
import type { RolloutLimits, RolloutLimitsInput } from './limits.ts';

/** Everything a guard tick is given; `hoursTotal` is now, since block 0. */
export interface GuardInput extends TickSituation {
  readonly robots: readonly RobotEvidence[];
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
export function decideGuard(facts: GuardFacts, situation: TickSituation, limits: RolloutLimits): GuardVerdict {
  const { success } = facts;
  const { advance } = limits;
  const evidence = measureEvidence(facts, limits);
  const lowerBound =
    success.treatedEpisodes > 0
      ? Math.max(
          -1,
          success.delta - mixedConfidenceRadius({ variance: success.variance, tau: advance.tau, alpha: advance.alpha }),
        )
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

/** Robots named one by one. */
const mostNamed = 5;

function remarks({ success, silence, excessive, leftOut }: GuardFacts): string[] {
  const said: string[] = excessive.slice(0, mostNamed).map(claimSentence);
  if (leftOut.length > 0)
    said.push(`controls far from their own past not compared with: ${leftOut.slice(0, mostNamed).join(', ')}`);
  if (success.droppedBlocks > 0) said.push(`${success.droppedBlocks} blocks without control episodes left out`);
  if (silence.notInstalled > 0) said.push(`${silence.notInstalled} robots do not run the candidate yet`);
  return said;
}
