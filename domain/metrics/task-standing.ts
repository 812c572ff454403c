/** A task is operational above this success, over at least so many counted episodes. */
export const operationalTask = { successFraction: 0.8, episodes: 30 } as const;

/** How far a task is proven in a time. */
export const taskStandings = ['belowTarget', 'unproven', 'operational', 'retired'] as const;
export type TaskStanding = (typeof taskStandings)[number];

/**
 * Where an active task stands by its counted episodes of a time. Fewer than {@link operationalTask} asks for prove nothing, however they ended; exactly the
 * target is not above it.
 *
 * activeStanding({ episodes: 30, successes: 24 }) → 'belowTarget'
 */
export function activeStanding({
  episodes,
  successes,
}: {
  readonly episodes: number;
  readonly successes: number;
}): Exclude<TaskStanding, 'retired'> {
  if (!(episodes >= operationalTask.episodes)) return 'unproven';
  return successes > operationalTask.successFraction * episodes ? 'operational' : 'belowTarget';
}
