import {
  estimateEffect,
  groupSequentialBounds,
  normalCdf,
  normalQuantile,
  sampleRatioMismatch,
  studentUpperQuantile,
  type Effect,
  type FleetParameters,
  type RobotEvidence,
} from '../statistics/index.ts';
import { judgeGuardrails, type Guardrail } from './guardrails.ts';
import { defaultAbTestLimits, parseAbTestLimits, type AbTestLimits, type AbTestLimitsInput } from './limits.ts';

export type AbTestDecision = 'accept' | 'acceptEquivalent' | 'reject' | 'continue' | 'block';

/** One look at an A/B test: look k of `looks`, k from 1. */
export interface AbTestInput {
  readonly parameters: FleetParameters;
  readonly robots: readonly RobotEvidence[];
  readonly look: number;
  readonly looks: number;
  /** 1/V at the planned end, from the planner. */
  readonly informationMax: number;
  /** Days the arms differed. Default: the looks so far times their distance. */
  readonly daysTreated?: number;
  /** The request accepts a candidate that is merely not worse. Default false. */
  readonly allowEquivalent?: boolean;
  /** Loss against the best champion so far that accepted equivalents have added up to, with this one; unknown refuses equivalence. */
  readonly anchorLossFraction?: number;
  /** Tasks that the per-task net blocks. */
  readonly blockedTasks?: readonly string[];
  readonly limits?: AbTestLimitsInput;
}

/** The decision of a look, on what, and why in words. Arms: candidate, control. */
export interface AbTestVerdict {
  readonly decision: AbTestDecision;
  /** Set with `reject`: proven worse, or merely not proven good in time. */
  readonly rejection?: 'worse' | 'unproven';
  readonly delta: number;
  /** Fixed-sample, descriptive. */
  readonly interval99: { readonly low: number; readonly high: number };
  readonly z: number;
  /** z of "not worse than the equivalence margin". */
  readonly zEquivalence: number;
  readonly bound: number;
  /** Fraction of the planned information, 0–1. */
  readonly information: number;
  readonly robots: { readonly candidate: number; readonly control: number };
  readonly episodes: { readonly candidate: number; readonly control: number };
  readonly sampleRatioP: number;
  readonly guardrails: readonly Guardrail[];
  readonly reasons: readonly string[];
}

interface Look {
  readonly delta: number;
  readonly variance: number;
  readonly degreesOfFreedom: number;
  readonly information: number;
  readonly final: boolean;
  readonly bound: number;
  readonly z: number;
  readonly zEquivalence: number;
}

/** z beyond this says nothing more; keeps a variance of nearly zero from making it infinite. */
const largestScore = 1e6;
const leastVariance = 1e-12;

/**
 * One look of the A/B gate: group sequential in both directions at `alpha` each, robots as the unit, each against its own past.
 * The judge keeps no state: earlier information fractions are taken as evenly spaced. Below `smallArmRobots` an arm: the
 * model's variance and one look at the end. Throws on limits or looks that make no sense.
 */
export function judgeAbTest(input: AbTestInput): AbTestVerdict {
  const limits = input.limits === undefined ? defaultAbTestLimits : parseAbTestLimits(input.limits);
  refuseNonsense(input);
  const { parameters, robots, look } = input;
  const daysTreated = input.daysTreated ?? (look * limits.lookHours) / 24;
  const effect = estimateEffect({ parameters, robots, daysTreated, form: 'twoArm' });
  const seen = lookAt(effect, input, limits);
  const sampleRatioP = sampleRatio(input, effect);
  const guardrails = judgeGuardrails(robots, limits);
  const blocks = reasonsToBlock(input, effect, guardrails, sampleRatioP, limits);
  const decided =
    blocks.length > 0 ? { decision: 'block' as const, reasons: blocks } : decide(seen, guardrails, input, limits);
  const half = studentUpperQuantile(0.005, Math.max(1, seen.degreesOfFreedom)) * Math.sqrt(seen.variance);
  return {
    ...decided,
    delta: seen.delta,
    interval99: { low: Math.max(-1, seen.delta - half), high: Math.min(1, seen.delta + half) },
    z: seen.z,
    zEquivalence: seen.zEquivalence,
    bound: seen.bound,
    information: seen.information,
    robots: { candidate: effect.treatedRobots, control: effect.controlRobots },
    episodes: { candidate: effect.treatedEpisodes, control: effect.controlEpisodes },
    sampleRatioP,
    guardrails,
  };
}

function decide(
  seen: Look,
  guardrails: readonly Guardrail[],
  input: AbTestInput,
  limits: AbTestLimits,
): Pick<AbTestVerdict, 'decision' | 'rejection' | 'reasons'> {
  const { z, zEquivalence, bound, final } = seen;
  const against = `z ${z.toFixed(2)} against ±${bound.toFixed(2)} at ${Math.round(100 * seen.information)} % of the information`;
  if (input.look < limits.firstLook && !final) {
    return { decision: 'continue', reasons: [`the first judged look is ${limits.firstLook}, this is ${input.look}`] };
  }
  if (z < -bound) return { decision: 'reject', rejection: 'worse', reasons: [`proven worse: ${against}`] };
  const unproven = guardrails.filter(({ verdict }) => verdict === 'unproven');
  const better = z > bound;
  const equivalence = better ? undefined : equivalenceRefused(seen, input, limits);
  if (better || equivalence === undefined) {
    const reasons = [
      better ? `proven better: ${against}` : `not worse: z ${zEquivalence.toFixed(2)} > ${bound.toFixed(2)}`,
    ];
    if (unproven.length === 0) return { decision: better ? 'accept' : 'acceptEquivalent', reasons };
    const open = unproven.map(
      ({ metric, upperBound, margin }) => `${metric} may be ${upperBound.toFixed(3)} worse, ${margin} allowed`,
    );
    if (final) return { decision: 'reject', rejection: 'unproven', reasons: [...reasons, ...open] };
    return { decision: 'continue', reasons: [...reasons, ...open] };
  }
  if (final) {
    return { decision: 'reject', rejection: 'unproven', reasons: [`last look without proof: ${against}`, equivalence] };
  }
  return { decision: 'continue', reasons: [`undecided: ${against}`] };
}

/** Why the candidate is not accepted as equivalent; nothing if it is. */
function equivalenceRefused(seen: Look, input: AbTestInput, limits: AbTestLimits): string | undefined {
  if (input.allowEquivalent !== true) return 'the request asks for a better candidate, not an equivalent one';
  if (seen.zEquivalence <= seen.bound) {
    return `not proven within ${limits.equivalenceMarginFraction}: z ${seen.zEquivalence.toFixed(2)} ≤ ${seen.bound.toFixed(2)}`;
  }
  const { anchorLossFraction } = input;
  if (anchorLossFraction === undefined) return 'the loss against the best champion so far is unknown';
  if (anchorLossFraction > limits.anchorLossFraction) {
    return `the loss against the best champion so far is ${anchorLossFraction}, ${limits.anchorLossFraction} allowed`;
  }
  return undefined;
}

function lookAt(effect: Effect, input: AbTestInput, limits: AbTestLimits): Look {
  const { look, looks, informationMax } = input;
  const { delta, treatedRobots, controlRobots } = effect;
  const small = Math.min(treatedRobots, controlRobots) < limits.smallArmRobots;
  const { variance, degreesOfFreedom } = small
    ? { variance: effect.variance, degreesOfFreedom: Math.max(1, treatedRobots + controlRobots - 2) }
    : robustVariance(effect);
  const information = Math.min(1, 1 / variance / informationMax);
  const final = look === looks || (information >= 1 && !small);
  const score = (value: number): number => Math.max(-largestScore, Math.min(largestScore, value / Math.sqrt(variance)));
  return {
    delta,
    variance,
    degreesOfFreedom,
    information,
    final,
    bound: small ? smallBound(final, limits.alpha) : sequentialBound(information, look, limits.alpha, degreesOfFreedom),
    z: score(delta),
    zEquivalence: score(delta + limits.equivalenceMarginFraction),
  };
}

const smallBound = (final: boolean, alpha: number): number => (final ? -normalQuantile(alpha) : largestScore);

function sequentialBound(information: number, look: number, alpha: number, degreesOfFreedom: number): number {
  const fractions = Array.from({ length: look }, (_, index) => (information * (index + 1)) / look);
  const bound = groupSequentialBounds({ information: fractions, alpha }).at(-1) ?? largestScore;
  return studentUpperQuantile(normalCdf(-bound), degreesOfFreedom);
}

/**
 * Variance of the difference of weighted arm means from the robots' own scatter, with small-sample factor G/(G-1), and its
 * degrees of freedom by Welch and Satterthwaite: G_T + G_C - 2 where both arms know it equally well, less where the smaller
 * arm decides it. With 20 robots against 80 the full 98 would make 0.9 % false decisions of the 0.5 % allowed.
 */
function robustVariance(effect: Effect): { variance: number; degreesOfFreedom: number } {
  let [total, uncertainty, free] = [0, 0, 0];
  for (const arm of ['candidate', 'control']) {
    const robots = effect.perRobot.filter((robot) => robot.arm === arm && robot.episodes > 0);
    const weight = robots.reduce((sum, { variance }) => sum + 1 / variance, 0);
    const centre = robots.reduce((sum, { residual, variance }) => sum + residual / variance, 0) / weight;
    const squares = robots.reduce((sum, { residual, variance }) => sum + ((residual - centre) / variance) ** 2, 0);
    const own = ((squares / weight ** 2) * robots.length) / (robots.length - 1);
    total += own;
    uncertainty += own ** 2 / (robots.length - 1);
    free += robots.length - 1;
  }
  return {
    variance: Math.max(leastVariance, total),
    degreesOfFreedom: uncertainty > 0 ? Math.min(free, total ** 2 / uncertainty) : free,
  };
}

function sampleRatio({ robots, parameters }: AbTestInput, effect: Effect): number {
  const treated = robots.filter(({ arm }) => arm === 'candidate');
  const preEpisodes = episodesBefore(robots);
  const share = preEpisodes > 0 ? episodesBefore(treated) / preEpisodes : treated.length / Math.max(1, robots.length);
  const total = effect.treatedEpisodes + effect.controlEpisodes;
  const { ratePhi } = parameters;
  const known = preEpisodes > 0 ? { preEpisodes } : {};
  return sampleRatioMismatch({ treated: effect.treatedEpisodes, total, share, ratePhi, ...known }).p;
}

const episodesBefore = (robots: readonly RobotEvidence[]): number =>
  robots.reduce((sum, { baseline }) => sum + baseline.episodes, 0);

function reasonsToBlock(
  { robots, blockedTasks = [] }: AbTestInput,
  effect: Effect,
  guardrails: readonly Guardrail[],
  sampleRatioP: number,
  limits: AbTestLimits,
): string[] {
  const reasons: string[] = [];
  const unsafe = robots.filter(({ arm, safetyEvents = 0 }) => arm === 'candidate' && safetyEvents > 0);
  if (unsafe.length > 0) reasons.push(`safety event on ${unsafe.map(({ robotId }) => robotId).join(', ')}`);
  if (blockedTasks.length > 0) reasons.push(`proven harm in task ${blockedTasks.join(', ')}`);
  if (effect.treatedEpisodes === 0 || effect.controlEpisodes === 0) {
    reasons.push(
      `missing telemetry: ${effect.treatedEpisodes} candidate and ${effect.controlEpisodes} control episodes`,
    );
  } else if (sampleRatioP < limits.sampleRatioP) {
    reasons.push(`sample-ratio mismatch: p ${sampleRatioP.toExponential(1)} < ${limits.sampleRatioP}`);
  }
  const missing = missingShare(robots, 'candidate') - missingShare(robots, 'control');
  if (Math.abs(missing) >= limits.missingFraction) {
    reasons.push(`missing telemetry: ${Math.round(100 * Math.abs(missing))} % more robots of one arm never reported`);
  }
  for (const { metric, verdict } of guardrails) {
    if (verdict === 'missingInOneArm') reasons.push(`missing telemetry: only one arm reports ${metric}`);
  }
  return reasons;
}

function missingShare(robots: readonly RobotEvidence[], arm: RobotEvidence['arm']): number {
  const group = robots.filter((robot) => robot.arm === arm);
  return group.length > 0 ? group.filter(({ blocks }) => blocks.length === 0).length / group.length : 1;
}

function refuseNonsense({ look, looks, informationMax }: AbTestInput): void {
  if (!(Number.isInteger(looks) && looks >= 1))
    throw new RangeError(`expected looks to be a whole number ≥ 1, got ${looks}`);
  if (!(Number.isInteger(look) && look >= 1 && look <= looks))
    throw new RangeError(`expected look in 1 to ${looks}, got ${look}`);
  if (!(informationMax > 0 && Number.isFinite(informationMax))) {
    throw new RangeError(`expected informationMax > 0, got ${informationMax}`);
  }
}
