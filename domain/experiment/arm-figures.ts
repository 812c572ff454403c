import type { RobotEvidence } from '../statistics/index.ts';
import { sumByTask } from './task-totals.ts';

/** What the robots of one arm did, as it was told: no robot's own past is taken off. */
export interface ArmFigures {
  readonly successes: number;
  readonly episodes: number;
  /** Robots with an episode. */
  readonly robots: number;
}

export interface BothArms {
  readonly candidate: ArmFigures;
  readonly control: ArmFigures;
}

const none = { successes: 0, episodes: 0, robots: 0 };

/**
 * Plain success of both arms for people to read beside an effect. Where both arms have episodes at the same time only those blocks count, as they do for the effect; an
 * arm alone counts all of its own. Linear in the blocks.
 */
export function armFigures(robots: readonly RobotEvidence[]): BothArms {
  const blocksOf = (arm: RobotEvidence['arm']): ReadonlySet<number> =>
    new Set(
      robots.flatMap((robot) =>
        robot.arm === arm ? robot.blocks.flatMap(({ block, episodes }) => (episodes > 0 ? [block] : [])) : [],
      ),
    );
  const blocks = { candidate: blocksOf('candidate'), control: blocksOf('control') };
  const sums = { candidate: { ...none }, control: { ...none } };
  for (const robot of robots) {
    const own = sums[robot.arm];
    const others = blocks[robot.arm === 'candidate' ? 'control' : 'candidate'];
    let made = 0;
    for (const { block, successes, episodes } of robot.blocks) {
      if (others.size > 0 && !others.has(block)) continue;
      own.successes += successes;
      made += episodes;
    }
    own.episodes += made;
    if (made > 0) own.robots += 1;
  }
  return sums;
}

/** The same of single tasks, those that are asked for. Linear in the blocks: for tasks that decided. */
export function taskFigures(
  robots: readonly RobotEvidence[],
  tasks: readonly string[],
): readonly (BothArms & { readonly task: string })[] {
  if (tasks.length === 0) return [];
  const { names, size, task, robot, successes, episodes } = sumByTask(robots);
  const found = new Map(tasks.map((name) => [name, { candidate: { ...none }, control: { ...none } }]));
  for (let row = 0; row < size; row += 1) {
    const sums = found.get(names[task[row] ?? -1] ?? '');
    const arm = robots[robot[row] ?? -1]?.arm;
    const made = episodes[row] ?? 0;
    if (sums === undefined || arm === undefined || !(made > 0)) continue;
    sums[arm].successes += successes[row] ?? 0;
    sums[arm].episodes += made;
    sums[arm].robots += 1;
  }
  return [...found].map(([name, sums]) => ({ task: name, ...sums }));
}
