import { normalQuantile } from './distributions.ts';

/**
 * Episodes per arm to tell p1 from p2 in a two-sided fixed-sample test (Fleiss 1981, unpooled and pooled variance), if
 * episodes were independent; multiply by {@link designEffect} for robots. `unpooled` and `pooled` are rounded up.
 *
 * sampleSizePerArm({ p1: 0.85, p2: 0.88, alpha: 0.05, power: 0.8 }) → { unpooled: 2033, pooled: 2036, … }
 */
export function sampleSizePerArm(input: { p1: number; p2: number; alpha: number; power: number }): {
  readonly unpooled: number;
  readonly pooled: number;
  readonly unpooledExact: number;
  readonly pooledExact: number;
} {
  const { p1, p2, alpha, power } = input;
  if (p1 === p2) throw new RangeError(`expected p2 to differ from p1, got ${p1} twice; no sample tells equals apart`);
  const za = -normalQuantile(alpha / 2);
  const zb = normalQuantile(power);
  const spread = p1 * (1 - p1) + p2 * (1 - p2);
  const mean = (p1 + p2) / 2;
  const squared = (p1 - p2) ** 2;
  const unpooledExact = ((za + zb) ** 2 * spread) / squared;
  const pooledExact = (za * Math.sqrt(2 * mean * (1 - mean)) + zb * Math.sqrt(spread)) ** 2 / squared;
  return { unpooled: Math.ceil(unpooledExact), pooled: Math.ceil(pooledExact), unpooledExact, pooledExact };
}

/**
 * Episodes per arm to show that a candidate equal to the champion is no more than `margin` (a fraction > 0) worse, one
 * sided at `alpha`. Independent episodes; multiply by {@link designEffect} for robots.
 *
 * sampleSizeNonInferiority({ p: 0.85, margin: 0.02, alpha: 0.05, power: 0.8 }) → { episodes: 3942, exact: 3941.38 }
 */
export function sampleSizeNonInferiority(input: { p: number; margin: number; alpha: number; power: number }): {
  readonly episodes: number;
  readonly exact: number;
} {
  const { p, margin, alpha, power } = input;
  if (!(margin > 0)) throw new RangeError(`expected margin > 0, got ${margin}`);
  const exact = ((normalQuantile(power) - normalQuantile(alpha)) ** 2 * 2 * p * (1 - p)) / margin ** 2;
  return { episodes: Math.ceil(exact), exact };
}

/**
 * How many times more episodes are needed because `m` episodes of one robot resemble each other with intra-robot
 * correlation `rho`: 1 + (m - 1)·rho (Kish 1965), and what a robot's m episodes are worth in independent ones.
 */
export function designEffect(input: { m: number; rho: number }): {
  readonly factor: number;
  readonly effectivePerRobot: number;
} {
  const factor = 1 + (input.m - 1) * input.rho;
  return { factor, effectivePerRobot: input.m / factor };
}
