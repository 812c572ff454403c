import type { TaskSums } from './task-totals.ts';

/** Robots, one place each: what is the same in every task. */
export interface Robots {
  readonly isCandidate: readonly boolean[];
  /** The robot's own level above the fleet's. */
  readonly effect: Float64Array;
  readonly persistentVariance: Float64Array;
}

/**
 * What the robots of one arm did in one task, in the order of the robots: `start` inclusive to `end` exclusive of lists of numbers that all tasks share, as a
 * week of a fleet has a quarter of a million of them.
 */
export interface TaskArm {
  readonly start: number;
  readonly end: number;
  readonly robot: Int32Array;
  readonly successes: Float64Array;
  readonly episodes: Float64Array;
}

/** Both arms of a task. */
export interface TaskArms {
  readonly candidate: TaskArm;
  readonly control: TaskArm;
}

const noArm: TaskArm = {
  start: 0,
  end: 0,
  robot: new Int32Array(0),
  successes: new Float64Array(0),
  episodes: new Float64Array(0),
};
export const noArms: TaskArms = { candidate: noArm, control: noArm };

/** The arms of every task, in the order of its names; in each the order of the rows stays. */
export function armsOf({ names, size, ...sums }: TaskSums, { isCandidate }: Pick<Robots, 'isCandidate'>): TaskArms[] {
  const robot = new Int32Array(size);
  const [successes, episodes] = [new Float64Array(size), new Float64Array(size)];
  // Two lists a task, its candidates first: how long each is, then where the next row of it goes.
  const listOf = (row: number): number =>
    2 * (sums.task[row] ?? 0) + (isCandidate[sums.robot[row] ?? -1] === true ? 0 : 1);
  const ends = new Int32Array(2 * names.length + 1);
  for (let row = 0; row < size; row += 1) {
    const next = listOf(row) + 1;
    ends[next] = (ends[next] ?? 0) + 1;
  }
  for (let list = 1; list < ends.length; list += 1) ends[list] = (ends[list] ?? 0) + (ends[list - 1] ?? 0);
  const starts = ends.slice();
  for (let row = 0; row < size; row += 1) {
    const list = listOf(row);
    const at = starts[list] ?? 0;
    starts[list] = at + 1;
    robot[at] = sums.robot[row] ?? 0;
    successes[at] = sums.successes[row] ?? 0;
    episodes[at] = sums.episodes[row] ?? 0;
  }
  const arm = (list: number): TaskArm => {
    const [start, end] = [ends[list] ?? 0, ends[list + 1] ?? 0];
    return { start, end, robot, successes, episodes };
  };
  return names.map((_, task) => ({ candidate: arm(2 * task), control: arm(2 * task + 1) }));
}

export interface ArmEffect {
  readonly robots: number;
  readonly episodes: number;
  readonly mean: number;
  readonly variance: number;
}

/**
 * Mean of success less the robots' own effects; the task's mean is in both arms and cancels. `withinVariance`: of one episode. Robots without
 * episodes and the one at `leftOut` are not taken.
 */
export function armEffect(fleet: Robots, arm: TaskArm, withinVariance: number, leftOut = -1): ArmEffect {
  const { start, end, robot, successes, episodes } = arm;
  const { effect, persistentVariance } = fleet;
  let [robots, total, weight, weighted] = [0, 0, 0, 0];
  for (let place = start; place < end; place += 1) {
    const made = episodes[place] ?? 0;
    if (!(made > 0) || place === leftOut) continue;
    const own = robot[place] ?? -1;
    const variance = withinVariance / made + (persistentVariance[own] ?? 0);
    robots += 1;
    total += made;
    weight += 1 / variance;
    weighted += ((successes[place] ?? 0) / made - (effect[own] ?? 0)) / variance;
  }
  const known = weight > 0;
  return { robots, episodes: total, mean: known ? weighted / weight : 0, variance: known ? 1 / weight : 1 };
}

/** Successes an episode of an arm: of the robots with episodes, and of all. */
export function successOf({ start, end, successes, episodes }: TaskArm): {
  readonly active: number;
  readonly all: number;
} {
  let [sum, activeSum, total, activeTotal] = [0, 0, 0, 0];
  for (let place = start; place < end; place += 1) {
    const made = episodes[place] ?? 0;
    const own = successes[place] ?? 0;
    sum += own;
    total += made;
    if (!(made > 0)) continue;
    activeSum += own;
    activeTotal += made;
  }
  return { active: activeSum / Math.max(1, activeTotal), all: sum / Math.max(1, total) };
}

/** Place of the robot with the fewest successes below what is expected of it; the first of several. */
export function worstOf(
  { effect }: Robots,
  { start, end, robot, successes, episodes }: TaskArm,
  level: number,
): number {
  let [worst, least] = [start, Number.POSITIVE_INFINITY];
  for (let place = start; place < end; place += 1) {
    const excess = (successes[place] ?? 0) - (episodes[place] ?? 0) * ((effect[robot[place] ?? -1] ?? 0) + level);
    if (excess < least) [worst, least] = [place, excess];
  }
  return worst;
}
