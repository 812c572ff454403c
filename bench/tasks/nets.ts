import { judgeTasks, type RobotEvidence } from '../../domain/experiment/index.ts';
import type { FleetParameters } from '../../domain/statistics/index.ts';
import { dictionary } from '../../domain/dictionary.ts';
import { addReport, blocksOf, packCells, TaskNames, type Cells, type PackedCell } from '../../domain/trial/index.ts';
import { medianOf } from './times.ts';

const parameters: FleetParameters = {
  mu: 0.85,
  phi: 1,
  dayVariance: 9e-6,
  betweenRobotVariance: 1e-4,
  preDays: 7,
  ratePhi: 1,
};
const [hours, episodesAnHour, blocksAnHour, rounds] = [168, 3, 12, 15];
/** Of this thread alone, as trials are judged in one; the installed types do not know it. */
const { threadCpuUsage } = process as unknown as { readonly threadCpuUsage: typeof process.cpuUsage };

/**
 * Processor time of the thread for the nets of all tasks in one tick of a trial of seven days, each robot in turn on every task; median of fifteen, in ms. The cells are
 * packed hour by hour as the store of cells keeps them.
 */
export function measureNets(input: {
  readonly tasks: number;
  readonly robots: number;
  readonly candidates: number;
}): number {
  const tasks = Array.from({ length: input.tasks }, (_, index) => `task-${index}`);
  const cells = cellsOf(tasks, input.robots);
  const robots = cells.map((own, robot): RobotEvidence => {
    const arm = robot < input.candidates ? 'candidate' : 'control';
    const baseline = { successes: 430, episodes: hours * episodesAnHour, days: 7 };
    return { robotId: `r${robot}`, arm, baseline, blocks: own.flatMap((cell) => blocksOf(cell)) };
  });
  const times = Array.from({ length: rounds }, () => {
    const start = threadCpuUsage();
    judgeTasks({ parameters, robots, mode: 'guard', daysTreated: 7, tasks });
    const { user, system } = threadCpuUsage(start);
    return (user + system) / 1_000;
  });
  return medianOf(times);
}

function cellsOf(tasks: readonly string[], robots: number): readonly (readonly PackedCell[])[] {
  const names = new TaskNames();
  const byRobot = Array.from({ length: robots }, (): PackedCell[] => []);
  for (let hour = 0; hour < hours; hour += 1) {
    const cells: Cells = dictionary();
    for (let robot = 0; robot < robots; robot += 1)
      for (let episode = 0; episode < episodesAnHour; episode += 1)
        addReport(
          cells,
          { robotId: `${robot}`, version: '1.0.0', block: hour * blocksAnHour },
          {
            kind: 'episode',
            task: tasks[(robot * 31 + hour * episodesAnHour + episode) % tasks.length] ?? '',
            isSuccess: (robot * 7 + hour * 3 + episode) % 7 !== 0,
            intervened: false,
            latencyMs: 3,
          },
        );
    const packed = packCells(cells, names);
    for (const [robot, own] of byRobot.entries()) own.push(...(packed[`${robot}`]?.['1.0.0'] ?? []));
  }
  return byRobot;
}
