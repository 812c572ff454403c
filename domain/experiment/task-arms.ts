/** Robots, one place each: what is the same in every task. */
export interface Robots {
  readonly isCandidate: readonly boolean[];
  /** The robot's own level above the fleet's. */
  readonly effect: readonly number[];
  readonly persistentVariance: readonly number[];
}

/** What robots did in one task, in the order of the robots; lists of numbers and no object a robot, as a week of a fleet has a quarter of a million. */
export interface TaskRobots {
  readonly robot: number[];
  readonly successes: number[];
  readonly episodes: number[];
}

export const noRobots = (): TaskRobots => ({ robot: [], successes: [], episodes: [] });

export interface ArmEffect {
  readonly robots: number;
  readonly episodes: number;
  readonly mean: number;
  readonly variance: number;
}

/**
 * Mean of success less the robots' own effects; the task's mean is in both arms and cancels. `withinVariance`: of one episode. Of the robots that are
 * taken those with episodes.
 */
export function armEffect(
  { fleet, list }: { readonly fleet: Robots; readonly list: TaskRobots },
  isTaken: (place: number) => boolean,
  withinVariance: number,
): ArmEffect {
  let [robots, total, weight, weighted] = [0, 0, 0, 0];
  for (let place = 0; place < list.robot.length; place += 1) {
    const episodes = list.episodes[place] ?? 0;
    if (!(episodes > 0) || !isTaken(place)) continue;
    const robot = list.robot[place] ?? -1;
    const variance = withinVariance / episodes + (fleet.persistentVariance[robot] ?? 0);
    robots += 1;
    total += episodes;
    weight += 1 / variance;
    weighted += ((list.successes[place] ?? 0) / episodes - (fleet.effect[robot] ?? 0)) / variance;
  }
  const known = weight > 0;
  return { robots, episodes: total, mean: known ? weighted / weight : 0, variance: known ? 1 / weight : 1 };
}

export function successOf({ robot, successes, episodes }: TaskRobots, isTaken: (place: number) => boolean): number {
  let [sum, total] = [0, 0];
  for (let place = 0; place < robot.length; place += 1) {
    if (!isTaken(place)) continue;
    sum += successes[place] ?? 0;
    total += episodes[place] ?? 0;
  }
  return sum / Math.max(1, total);
}
