import { assignArms, judgeAbTest, planAbTest, type RobotEvidence } from '../../domain/experiment/index.ts';
import { twoProportionTest, type Block } from '../../domain/statistics/index.ts';
import type { World } from './world.ts';

export interface AbRun {
  readonly decision: 'accept' | 'acceptEquivalent' | 'reject' | 'block';
  readonly rejection: 'worse' | 'unproven' | '';
  readonly hours: number;
  readonly looks: number;
  /** What a two-sided 5 % test of pooled episodes, looked at as often, would have said at its first "significant" look. */
  readonly naive: 'better' | 'worse' | 'none';
}

const lookHours = 6;

/** One whole A/B test: planned, 20 % of the robots on the candidate, looked at every six hours to its end. */
export function runAbTest(world: World, seed: string, plannedEffect = 0.01): AbRun {
  const { parameters } = world;
  const plan = planAbTest({
    robots: world.robots.length,
    successFraction: parameters.mu,
    rho: parameters.betweenRobotVariance / (parameters.mu * (1 - parameters.mu)),
    episodesPerRobotDay: meanRate(world),
    preDays: parameters.preDays,
    phi: parameters.phi,
    dayVariance: parameters.dayVariance,
    effect: plannedEffect,
  });
  const candidates = new Set(
    assignArms({ robots: world.robots, salt: seed, candidates: plan.candidateRobots }).candidate,
  );
  const blocks = world.robots.map((): Block[] => []);
  let naive: AbRun['naive'] = 'none';
  for (let look = 1; ; look += 1) {
    for (const [index, { robotId }] of world.robots.entries()) {
      const { n, x } = world.live(index, (look - 1) * lookHours, lookHours, candidates.has(robotId));
      blocks[index]?.push({ block: (look - 1) * lookHours, successes: x, episodes: n });
    }
    const robots = world.robots.map(({ robotId, baseline }, index): RobotEvidence => ({
      robotId,
      arm: candidates.has(robotId) ? 'candidate' : 'control',
      baseline,
      blocks: blocks[index] ?? [],
    }));
    if (naive === 'none') naive = naiveLook(robots);
    const { decision, rejection = '' } = judgeAbTest({
      parameters,
      robots,
      look,
      looks: plan.looks,
      informationMax: plan.informationMax,
    });
    if (decision !== 'continue') return { decision, rejection, hours: look * lookHours, looks: plan.looks, naive };
  }
}

function naiveLook(robots: readonly RobotEvidence[]): AbRun['naive'] {
  const sum = (arm: RobotEvidence['arm'], field: 'successes' | 'episodes'): number =>
    robots
      .filter((robot) => robot.arm === arm)
      .reduce((total, { blocks }) => total + blocks.reduce((own, block) => own + block[field], 0), 0);
  const { twoSided, difference } = twoProportionTest({
    x1: sum('control', 'successes'),
    n1: sum('control', 'episodes'),
    x2: sum('candidate', 'successes'),
    n2: sum('candidate', 'episodes'),
  });
  if (twoSided >= 0.05) return 'none';
  return difference > 0 ? 'better' : 'worse';
}

const meanRate = ({ robots }: World): number =>
  robots.reduce((sum, { episodesPerDay }) => sum + episodesPerDay, 0) / robots.length;
