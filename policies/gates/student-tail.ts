import { normalCdf } from '../../domain/statistics/index.ts';

/** Beyond this many degrees of freedom Student's t is the normal distribution to three digits. */
const normalFrom = 2000;

/**
 * P(T ≤ t) of Student's t with a whole number of degrees of freedom ≥ 1, for t ≤ 0 or t > 0: the finite series of Abramowitz,
 * Stegun 1964, 26.7.3 and 26.7.4. Absolute error below 1e-12.
 *
 * studentLowerTail(-2.2281388519649, 10) → 0.025
 */
export function studentLowerTail(t: number, degreesOfFreedom: number): number {
  if (!Number.isInteger(degreesOfFreedom) || degreesOfFreedom < 1)
    throw new RangeError(`expected a whole number of degrees of freedom from 1, got ${degreesOfFreedom}`);
  if (degreesOfFreedom >= normalFrom) return normalCdf(t);
  const angle = Math.atan(t / Math.sqrt(degreesOfFreedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = degreesOfFreedom % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = degreesOfFreedom === 1 ? 0 : term;
  for (let step = isOdd ? 3 : 2; step <= degreesOfFreedom - 2; step += 2) {
    term *= (cosine * cosine * (step - 1)) / step;
    sum += term;
  }
  const between = isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return Math.min(1, Math.max(0, 0.5 + between / 2));
}
