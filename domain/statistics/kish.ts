/**
 * How many equally weighted samples a weighted set is worth: (Σw)²/Σw² (Kish 1965). Weights ≥ 0; an empty set or all
 * zeros are worth 0.
 *
 * kishEffectiveSize([1, 1, 1, 10]) → 1.64
 */
export function kishEffectiveSize(weights: Iterable<number>): number {
  let sum = 0;
  let squares = 0;
  for (const weight of weights) {
    sum += weight;
    squares += weight * weight;
  }
  return squares > 0 ? (sum * sum) / squares : 0;
}
