import {
  assignArms,
  defaultRolloutLimits,
  maximumHours,
  stageLimits,
  stageRobots,
} from '../../domain/experiment/index.ts';
import { wilsonInterval } from '../../domain/statistics/index.ts';
import { blocksPerHour, type World } from './world.ts';

export interface NaiveRun {
  readonly end: 'promoted' | 'rolledBack' | 'ended';
  readonly hours: number;
}

/**
 * The usual fixed-threshold canary on the same stages, for comparison: every five minutes the 95 % Wilson intervals of all
 * candidate and all control episodes; apart and the candidate lower = rollback. After the stage's minimum time: less than 2 pp
 * below = next stage. Episodes count as independent and no robot has a past.
 */
export function runNaiveRollout(world: World, seed: string, canaries?: number): NaiveRun {
  const fleet = world.robots.length;
  const order = assignArms({ robots: world.robots, salt: seed, candidates: fleet }).candidate.map((id) =>
    world.robots.findIndex(({ robotId }) => robotId === id),
  );
  const limits = defaultRolloutLimits;
  let block = 0;
  for (let stage = 0; stage < 4; stage += 1) {
    const size = stage === 0 && canaries !== undefined ? canaries : stageRobots(limits, stage, fleet);
    const exposed = new Set(order.slice(0, size));
    const { minimumHours, minimumTotalHours } = stageLimits(limits, stage);
    const start = block;
    let [x1, n1, x2, n2] = [0, 0, 0, 0];
    for (;;) {
      for (let robot = 0; robot < fleet; robot += 1) {
        const candidate = exposed.has(robot);
        const { n, x } = world.live(robot, block / blocksPerHour, 1 / blocksPerHour, candidate);
        if (candidate) [x2, n2] = [x2 + x, n2 + n];
        else [x1, n1] = [x1 + x, n1 + n];
      }
      block += 1;
      const hours = block / blocksPerHour;
      const control = wilsonInterval({ successes: x1, trials: n1, z: 1.96 });
      const treated = wilsonInterval({ successes: x2, trials: n2, z: 1.96 });
      if (treated.high < control.low) return { end: 'rolledBack', hours };
      const inStage = (block - start) / blocksPerHour;
      const old = inStage >= minimumHours && hours >= minimumTotalHours;
      if (old && x2 / n2 > x1 / n1 - 0.02) break;
      if (inStage >= 2 * maximumHours(limits, stage, fleet)) return { end: 'ended', hours };
    }
  }
  return { end: 'promoted', hours: block / blocksPerHour };
}
