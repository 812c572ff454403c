import binomialCdfOf from '@stdlib/stats-base-dists-binomial-cdf';
import chiSquareCdfOf from '@stdlib/stats-base-dists-chisquare-cdf';
import chiSquareQuantileOf from '@stdlib/stats-base-dists-chisquare-quantile';
import normalCdfOf from '@stdlib/stats-base-dists-normal-cdf';
import normalLogCdfOf from '@stdlib/stats-base-dists-normal-logcdf';
import normalQuantileOf from '@stdlib/stats-base-dists-normal-quantile';
import studentQuantileOf from '@stdlib/stats-base-dists-t-quantile';

/** Φ(x), the standard normal distribution function; exact in the lower tail down to x = -38. NaN stays NaN. */
export const normalCdf = (x: number): number => normalCdfOf(x, 0, 1);

/** ln Φ(x), without underflow far in the lower tail. NaN stays NaN. */
export const normalLogCdf = (x: number): number => normalLogCdfOf(x, 0, 1);

/** z with Φ(z) = p, for 0 < p < 1; ±Infinity at the ends. For an upper tail ask for -normalQuantile(tail): exact where 1 - p rounds to 1. */
export const normalQuantile = (p: number): number => normalQuantileOf(p, 0, 1);

/** t with P(T > t) = tail, Student's t with the given degrees of freedom (> 0); exact for tails down to 1e-300. */
export const studentUpperQuantile = (tail: number, degreesOfFreedom: number): number =>
  -studentQuantileOf(tail, degreesOfFreedom);

/** x with P(χ² ≤ x) = p for the given degrees of freedom. */
export const chiSquareQuantile = (p: number, degreesOfFreedom: number): number =>
  chiSquareQuantileOf(p, degreesOfFreedom);

/** P(X ≤ x) for X ~ Binomial(trials, p). */
export const binomialCdf = (x: number, trials: number, p: number): number => binomialCdfOf(x, trials, p);

/** P(χ² > x) for the given degrees of freedom; 1 for x ≤ 0. Loses accuracy below 1e-15. */
export const chiSquareUpperTail = (x: number, degreesOfFreedom: number): number =>
  x <= 0 ? 1 : Math.max(0, 1 - chiSquareCdfOf(x, degreesOfFreedom));
