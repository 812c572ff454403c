/** Parameters of a Beta distribution of robot success fractions. */
export interface Beta {
  readonly a: number;
  readonly b: number;
}

/**
 * The Beta distribution with a given mean in (0, 1) and intra-class correlation in (0, 1): a + b = 1/icc - 1. Its
 * standard deviation is how far robots of such a fleet differ.
 *
 * betaFromMoments({ mean: 0.85, icc: 0.005 }) → { a: 169.15, b: 29.85, standardDeviation: 0.02525 }
 */
export function betaFromMoments(input: { mean: number; icc: number }): Beta & { readonly standardDeviation: number } {
  const { mean, icc } = input;
  if (!(mean > 0 && mean < 1)) throw new RangeError(`expected mean in (0, 1), got ${mean}`);
  if (!(icc > 0 && icc < 1)) throw new RangeError(`expected icc in (0, 1), got ${icc}`);
  const total = 1 / icc - 1;
  return { a: mean * total, b: (1 - mean) * total, standardDeviation: Math.sqrt(mean * (1 - mean) * icc) };
}

/** The posterior mean after x successes of n under a Beta(a, b) prior, how much of it comes from the data, and the prior's correlation. */
export function betaPosterior(input: Beta & { x: number; n: number }): {
  readonly mean: number;
  readonly dataWeight: number;
  readonly icc: number;
} {
  const { a, b, x, n } = input;
  return { mean: (a + x) / (a + b + n), dataWeight: n / (a + b + n), icc: 1 / (a + b + 1) };
}
