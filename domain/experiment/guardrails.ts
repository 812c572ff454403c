import {
  normalQuantile,
  sampleVariance,
  studentUpperQuantile,
  type Block,
  type RobotEvidence,
} from '../statistics/index.ts';
import type { AbTestLimits } from './limits.ts';

/** A metric that must not get worse while success is judged; positive difference = worse. */
export interface Guardrail {
  readonly metric: 'latency' | 'interventions';
  readonly difference: number;
  /** At most this, one-sided at `guardrailAlpha`. */
  readonly upperBound: number;
  readonly margin: number;
  readonly robots: readonly [candidate: number, control: number];
  readonly verdict: 'notInferior' | 'unproven' | 'notMeasured' | 'missingInOneArm';
}

/**
 * Non-inferiority of log latency and of interventions per episode, with the robot as the unit: mean of robot means per arm
 * (Welch's variance, smaller degrees of freedom). A metric neither arm reports is `notMeasured`; reported by one arm only
 * it is missing telemetry.
 */
export function judgeGuardrails(robots: readonly RobotEvidence[], limits: AbTestLimits): Guardrail[] {
  return [
    judge(robots, 'latency', ({ latencyLogSum }) => latencyLogSum, limits.latencyMargin, limits),
    judge(robots, 'interventions', ({ interventions }) => interventions, limits.interventionMarginFraction, limits),
  ];
}

function judge(
  robots: readonly RobotEvidence[],
  metric: Guardrail['metric'],
  valueOf: (block: Block) => number | undefined,
  margin: number,
  { guardrailAlpha }: AbTestLimits,
): Guardrail {
  const treated = armMeans(robots, 'candidate', valueOf);
  const control = armMeans(robots, 'control', valueOf);
  const counts = [treated.robots, control.robots] as const;
  const unknown = { metric, difference: 0, upperBound: Number.MAX_VALUE, margin, robots: counts };
  if (treated.robots === 0 && control.robots === 0) return { ...unknown, verdict: 'notMeasured' };
  if (treated.robots === 0 || control.robots === 0) return { ...unknown, verdict: 'missingInOneArm' };
  const difference = treated.mean - control.mean;
  if (treated.robots < 2 || control.robots < 2) return { ...unknown, difference, verdict: 'unproven' };
  const free = Math.min(treated.robots, control.robots) - 1;
  const multiple = Math.max(studentUpperQuantile(guardrailAlpha, free), -normalQuantile(guardrailAlpha));
  const upperBound = difference + multiple * Math.sqrt(treated.variance + control.variance);
  return { ...unknown, difference, upperBound, verdict: upperBound < margin ? 'notInferior' : 'unproven' };
}

function armMeans(
  robots: readonly RobotEvidence[],
  arm: RobotEvidence['arm'],
  valueOf: (block: Block) => number | undefined,
): { robots: number; mean: number; variance: number } {
  const means: number[] = [];
  for (const robot of robots) {
    if (robot.arm !== arm) continue;
    let [episodes, sum] = [0, 0];
    for (const block of robot.blocks) {
      const value = valueOf(block);
      if (value === undefined) continue;
      episodes += block.episodes;
      sum += value;
    }
    if (episodes > 0) means.push(sum / episodes);
  }
  const mean = means.length > 0 ? means.reduce((sum, value) => sum + value, 0) / means.length : 0;
  return { robots: means.length, mean, variance: (sampleVariance(means) ?? 0) / Math.max(1, means.length) };
}
