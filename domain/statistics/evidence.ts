import { binomialCdf, normalLogCdf } from './distributions.ts';

/**
 * Evidence against "the candidate is at most `margin` worse": the log of a one-sided normal-mixture e-process, which
 * may be looked at after every episode. Reject at level alpha once it reaches ln(1/alpha) (Howard et al. 2021, arXiv
 * 1810.08240, one-sided normal mixture).
 *
 * `delta` = candidate - champion; `variance` = its variance, > 0; `tau` = the scale of harm looked for; `margin` ≥ 0.
 * Falls as delta rises. A variance that is not a positive number is no evidence: 0.
 *
 * logEvidence({ delta: -0.12, variance: 0.0006, tau: 0.05, margin: 0.005 }) → 8.7598
 */
export function logEvidence(input: { delta: number; variance: number; tau: number; margin: number }): number {
  const { delta, variance, tau, margin } = input;
  if (!(variance > 0) || !Number.isFinite(variance) || !Number.isFinite(delta)) return 0;
  const total = variance + tau * tau;
  const a = (-(delta + margin) * tau) / Math.sqrt(variance * total);
  // far in the lower tail a²/2 and ln Φ(a) cancel: there their sum is Mills' ratio as a series (Abramowitz & Stegun 26.2.12)
  const r = 1 / (a * a);
  const tail =
    a < -50
      ? Math.log1p(-r * (1 - 3 * r * (1 - 5 * r))) - Math.log(-a * Math.sqrt(2 * Math.PI))
      : (a * a) / 2 + normalLogCdf(a);
  return Math.LN2 + 0.5 * Math.log(variance / total) + tail;
}

/**
 * Half-width of a confidence sequence: delta ± radius holds at all times together with probability 1 - 2·alpha (one
 * side: 1 - alpha). Normal mixture with scale `tau` (Waudby-Smith et al. 2021, arXiv 2103.06476). A variance that is
 * not a positive number gives 2: the whole range of a difference of fractions.
 *
 * confidenceRadius({ variance: 6e-6, tau: 0.02, alpha: 0.01 }) → 0.00856
 */
export function confidenceRadius(input: { variance: number; tau: number; alpha: number }): number {
  const { variance, tau, alpha } = input;
  if (!(variance > 0) || !Number.isFinite(variance)) return 2;
  const total = variance + tau * tau;
  return Math.sqrt(((2 * variance * total) / (tau * tau)) * Math.log1p(Math.sqrt(total / variance) / (2 * alpha)));
}

/** Scales looked at beside the main one. A scale alone is blind where the standard error is far larger than itself. */
const widerTaus = [0.15, 0.4] as const;
const widerShare = 0.1;

/**
 * {@link logEvidence} over three scales: `tau` with weight 0.8, and 0.15 and 0.4 with 0.1 each. A mean of e-processes is one,
 * so it may be looked at as often. With `tau` 0.05 alone no harm at all could alarm at a standard error of 13 pp; this costs
 * 0.22 of log evidence where the error is small.
 *
 * mixedLogEvidence({ delta: -0.6, variance: 0.0169, tau: 0.05, margin: 0.005 }) → 6.7588, of one scale 1.9224
 */
export function mixedLogEvidence(input: { delta: number; variance: number; tau: number; margin: number }): number {
  const { variance, delta } = input;
  if (!(variance > 0) || !Number.isFinite(variance) || !Number.isFinite(delta)) return 0;
  const parts = [
    Math.log(1 - widerShare * widerTaus.length) + logEvidence(input),
    ...widerTaus.map((tau) => Math.log(widerShare) + logEvidence({ ...input, tau })),
  ];
  const largest = Math.max(...parts);
  return largest + Math.log(parts.reduce((sum, part) => sum + Math.exp(part - largest), 0));
}

const radiusTaus = [0.05, ...widerTaus] as const;

/**
 * The smallest {@link confidenceRadius} of four scales, each at its part of alpha: `tau` at 0.7, 0.05, 0.15 and 0.4 at 0.1. By
 * the union bound it holds at all times together. With `tau` 0.02 alone it is 65 pp at a standard error of 6.6 pp, of four
 * scales 27 pp; where the error is small this costs 3–4 % of the radius.
 *
 * mixedConfidenceRadius({ variance: 0.0044, tau: 0.02, alpha: 0.01 }) → 0.2694
 */
export function mixedConfidenceRadius({
  variance,
  tau,
  alpha,
}: {
  variance: number;
  tau: number;
  alpha: number;
}): number {
  return Math.min(
    confidenceRadius({ variance, tau, alpha: alpha * (1 - widerShare * radiusTaus.length) }),
    ...radiusTaus.map((wider) => confidenceRadius({ variance, tau: wider, alpha: alpha * widerShare })),
  );
}

/**
 * Evidence of a few episodes against "success is at least `tolerated`": the log of an e-process that is exact for any number of
 * them, a uniform mixture of the lower fractions against the tolerated one. May be looked at after every episode. No episodes, or
 * nothing that could be lower, give 0.
 *
 * binomialLogEvidence({ successes: 5, episodes: 10, tolerated: 0.93 }) → 5.80
 */
export function binomialLogEvidence(input: { successes: number; episodes: number; tolerated: number }): number {
  const { successes: x, episodes: n, tolerated: p } = input;
  if (!(n > 0) || !(p > 0 && p < 1)) return 0;
  // P(Beta(x + 1, n - x + 1) ≤ p) by the binomial tail
  const below = 1 - binomialCdf(x, n + 1, p);
  if (!(below > 0)) return 0;
  return logBeta(x + 1, n - x + 1) + Math.log(below) - (x + 1) * Math.log(p) - (n - x) * Math.log1p(-p);
}

/**
 * Evidence that a share of events left its expected value: log of Beta-mixture against Binomial(n, theta0), prior
 * Beta(a, a(1-theta0)/theta0), so centred on theta0 (Lindon & Malek 2022, arXiv 2011.03567, two cells). May be looked at
 * after every event; two-sided, so the caller looks at the direction. Counts may be fractional. No events, or an
 * expected share of 0 or 1, give 0.
 *
 * shareLogEvidence({ x: 30, n: 400, theta0: 0.05, a: 20 }) → 0.7692
 */
export function shareLogEvidence(input: { x: number; n: number; theta0: number; a: number }): number {
  const { x, n, theta0, a } = input;
  if (!(n > 0) || !(theta0 > 0 && theta0 < 1)) return 0;
  const b = (a * (1 - theta0)) / theta0;
  const mixture = logBeta(a + x, b + n - x) - logBeta(a, b);
  return mixture - x * Math.log(theta0) - (n - x) * Math.log1p(-theta0);
}

const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);

/** ln Γ(x) for x > 0 by Stirling's series after shifting to x ≥ 10; relative error below 1e-14 (Abramowitz & Stegun 6.1.41). */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  while (y < 10) {
    shift += Math.log(y);
    y += 1;
  }
  const r = 1 / (y * y);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r / 1188)))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
