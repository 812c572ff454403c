/** 97.5 % of the standard normal distribution. */
const twoSided = 1.959963984540054;

/**
 * The 95 % interval of a task's effect, candidate minus champion, by the normal approximation by which the nets of single tasks judge it. null: nothing is known,
 * because an arm has no episode of the task or the variance is not finite. Within [−1, 1], where effects lie.
 *
 * taskInterval({ delta: 0.1, variance: 0.0025, episodes: { candidate: 40, control: 40 } }) → { low: 0.002, high: 0.198 }
 */
export function taskInterval({
  delta,
  variance,
  episodes,
}: {
  readonly delta: number;
  readonly variance: number | null;
  readonly episodes: { readonly candidate: number; readonly control: number };
}): { readonly low: number; readonly high: number } | null {
  if (variance === null || !Number.isFinite(variance) || variance < 0 || !Number.isFinite(delta)) return null;
  if (episodes.candidate === 0 || episodes.control === 0) return null;
  const half = twoSided * Math.sqrt(variance);
  return { low: Math.max(-1, delta - half), high: Math.min(1, delta + half) };
}
