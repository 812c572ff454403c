import { estimateEffect, studentUpperQuantile, type FleetParameters, type RobotEvidence } from '../statistics/index.ts';
import { reasonsToBlock, sampleRatio } from './ab-blocks.ts';
import { boundClaims, claimSentence } from './plausible-claims.ts';
import { lookAt, type Look } from './ab-look.ts';
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

/**
 * One look of the A/B gate: group sequential in both directions at `alpha` each, robots as the unit, each against its own past.
 * The judge keeps no state: earlier information fractions are taken as evenly spaced. Below `smallArmRobots` an arm: the
 * model's variance and one look at the end. Throws on limits or looks that make no sense.
 */
export function judgeAbTest(input: AbTestInput): AbTestVerdict {
  const limits = input.limits === undefined ? defaultAbTestLimits : parseAbTestLimits(input.limits);
  refuseNonsense(input);
  const { parameters, look } = input;
  const { robots, excessive } = boundClaims(input.robots, limits.blockMinutes);
  const daysTreated = input.daysTreated ?? (look * limits.lookHours) / 24;
  const effect = estimateEffect({ parameters, robots, daysTreated, form: 'twoArm', boundWeights: true });
  const seen = lookAt(effect, input, limits);
  const sampleRatioP = sampleRatio({ ...input, robots }, effect);
  const guardrails = judgeGuardrails(robots, limits);
  const blocks = reasonsToBlock({ ...input, robots }, effect, guardrails, sampleRatioP, limits);
  const decided =
    blocks.length > 0 ? { decision: 'block' as const, reasons: blocks } : decide(seen, guardrails, input, limits);
  const half = studentUpperQuantile(0.005, Math.max(1, seen.degreesOfFreedom)) * Math.sqrt(seen.variance);
  return {
    ...decided,
    reasons: [...decided.reasons, ...excessive.map(claimSentence)],
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

function refuseNonsense({ look, looks, informationMax }: AbTestInput): void {
  if (!(Number.isInteger(looks) && looks >= 1))
    throw new RangeError(`expected looks to be a whole number ≥ 1, got ${looks}`);
  if (!(Number.isInteger(look) && look >= 1 && look <= looks))
    throw new RangeError(`expected look in 1 to ${looks}, got ${look}`);
  if (!(informationMax > 0 && Number.isFinite(informationMax))) {
    throw new RangeError(`expected informationMax > 0, got ${informationMax}`);
  }
}
