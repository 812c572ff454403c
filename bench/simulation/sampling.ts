import { betaFromMoments, type Random } from '../../domain/statistics/index.ts';

/** A Poisson count by inversion; mean up to about 500. */
export function poisson(mean: number, random: Random): number {
  let term = Math.exp(-mean);
  let sum = term;
  const target = random();
  let count = 0;
  while (target > sum && count < 2000) {
    count += 1;
    term *= mean / count;
    sum += term;
  }
  return count;
}

/** pⁿ of more trials than this may underflow. */
const mostTrialsAtOnce = 500;

/** Successes of n trials, by inversion over the failures; p near 1 is cheap. Many trials are drawn in halves. */
export function binomial(n: number, p: number, random: Random): number {
  if (n === 0 || p >= 1) return n;
  if (p <= 0) return 0;
  if (n > mostTrialsAtOnce) {
    return binomial(Math.floor(n / 2), p, random) + binomial(Math.ceil(n / 2), p, random);
  }
  const odds = (1 - p) / p;
  let term = p ** n;
  let sum = term;
  const target = random();
  let failures = 0;
  while (target > sum && failures < n) {
    failures += 1;
    term *= (odds * (n - failures + 1)) / failures;
    sum += term;
  }
  return n - failures;
}

/** A standard normal number (Box–Muller, one of the pair). */
export const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** A Beta number with the given mean and intra-class correlation; correlation 0 gives the mean. */
export function betaNumber(mean: number, icc: number, random: Random): number {
  if (icc === 0) return mean;
  const { a, b } = betaFromMoments({ mean, icc });
  const one = gammaNumber(a, random);
  return one / (one + gammaNumber(b, random));
}

/** A Gamma number of scale 1 and shape ≥ 1 (Marsaglia & Tsang 2000). */
function gammaNumber(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
