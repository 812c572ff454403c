import { isUnproven, type TaskEvidence } from '../../../domain/experiment/task-evidence.ts';
import type { TaskLimits } from '../../../domain/experiment/limits.ts';
import {
  bernoulliVariance,
  binomialCdf,
  mixedLogEvidence,
  normalCdf,
  otherTask,
  robotBaseline,
  type FleetParameters,
  type RobotEvidence,
} from '../../../domain/statistics/index.ts';

function totalsOf({
  blocks,
}: RobotEvidence): ReadonlyMap<string, { readonly successes: number; readonly episodes: number }> {
  const totals = new Map<string, { successes: number; episodes: number }>();
  for (const block of blocks)
    for (const [task, { successes, episodes }] of Object.entries(block.perTask ?? {})) {
      if (task === otherTask) continue;
      const total = totals.get(task) ?? { successes: 0, episodes: 0 };
      totals.set(task, { successes: total.successes + successes, episodes: total.episodes + episodes });
    }
  return totals;
}

interface RobotTask {
  readonly arm: RobotEvidence['arm'];
  readonly successes: number;
  readonly episodes: number;
  /** The robot's own level above the fleet's. */
  readonly effect: number;
  readonly persistentVariance: number;
}

/** The evidence of every task, robot by robot and arm by arm as it is defined: slow, and to the last bit what the fast way must give. */
export function plainTaskEvidence(
  parameters: FleetParameters,
  robots: readonly RobotEvidence[],
  daysTreated: number,
  listed: readonly string[],
  limits: TaskLimits,
): TaskEvidence[] {
  const byTask = new Map<string, RobotTask[]>(listed.map((task) => [task, []]));
  for (const robot of robots) {
    const { base, theta } = robotBaseline(parameters, robot.baseline);
    const persistentVariance =
      parameters.betweenRobotVariance * (1 - theta) + parameters.dayVariance / Math.max(1, daysTreated);
    const { arm } = robot;
    const effect = base - parameters.mu;
    for (const [task, { successes, episodes }] of totalsOf(robot)) {
      const list = byTask.get(task) ?? [];
      if (list.length === 0) byTask.set(task, list);
      list.push({ arm, successes, episodes, effect, persistentVariance });
    }
  }
  return [...byTask]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([task, list]) => withoutAnyOne(task, list, parameters.phi, limits));
}

/** Fewer candidates in a task cannot lose one and still be several. */
const leastForOneLess = 3;

/** A task is proven worse only if it is so without its worst candidate too: one robot vetoes no candidate. */
function withoutAnyOne(task: string, robots: readonly RobotTask[], phi: number, limits: TaskLimits): TaskEvidence {
  const all = oneTask(task, robots, phi, limits);
  if (all.robots.candidate < leastForOneLess) return all;
  const level = successOf(robots.filter(({ arm }) => arm === 'control'));
  const excess = ({ arm, successes, episodes, effect }: RobotTask): number =>
    arm === 'candidate' ? successes - episodes * (effect + level) : Number.POSITIVE_INFINITY;
  const worst = robots.reduce((one, other) => (excess(other) < excess(one) ? other : one));
  const others = robots.filter((robot) => robot !== worst);
  const rest = oneTask(task, others, phi, { ...limits, minimumEpisodes: 0 });
  return { ...all, pWithoutWorst: Math.max(all.p, rest.p), logEvidence: Math.min(all.logEvidence, rest.logEvidence) };
}

function oneTask(task: string, robots: readonly RobotTask[], phi: number, limits: TaskLimits): TaskEvidence {
  const margin = limits.marginFraction;
  const arms = {
    candidate: robots.filter(({ arm, episodes }) => arm === 'candidate' && episodes > 0),
    control: robots.filter(({ arm, episodes }) => arm === 'control' && episodes > 0),
  };
  const level = successOf(arms.control);
  const tolerated = Math.max(0, level - margin);
  // under the hypothesis the candidates are at the tolerated level, not at the one they were seen at
  const candidate = armEffect(arms.candidate, phi * bernoulliVariance(tolerated));
  const control = armEffect(arms.control, phi * bernoulliVariance(level));
  const known = candidate.robots > 0 && control.robots > 0;
  const delta = known ? candidate.mean - control.mean : 0;
  const variance = known ? candidate.variance + control.variance : 1;
  const figures = {
    task,
    delta,
    variance,
    episodes: { candidate: candidate.episodes, control: control.episodes },
    robots: { candidate: candidate.robots, control: control.robots },
  };
  if (isUnproven(figures, limits)) return { ...figures, p: 1, pWithoutWorst: 1, logEvidence: 0 };
  const p = Math.max(
    normalCdf((delta + margin) / Math.sqrt(variance)),
    skewedTail(tolerated, delta + margin, variance),
  );
  return {
    ...figures,
    p,
    pWithoutWorst: p,
    logEvidence: mixedLogEvidence({ delta, variance, tau: limits.tau, margin }),
  };
}

/**
 * P(a mean at most this far above the tolerated success), for as many independent episodes as the variance is worth. Near 100 %
 * success a handful of failures is far more likely than the normal tail says.
 */
function skewedTail(tolerated: number, excess: number, variance: number): number {
  const episodes = Math.max(1, Math.round(bernoulliVariance(tolerated) / variance));
  const successes = Math.ceil(episodes * Math.min(1, Math.max(0, tolerated + excess)));
  return binomialCdf(Math.min(episodes, successes), episodes, tolerated);
}

/** Mean of success less the robots' own effects; the task's mean is in both arms and cancels. `withinVariance`: of one episode. */
function armEffect(robots: readonly RobotTask[], withinVariance: number) {
  let [weight, weighted] = [0, 0];
  for (const { successes, episodes, effect, persistentVariance } of robots) {
    const variance = withinVariance / episodes + persistentVariance;
    weight += 1 / variance;
    weighted += (successes / episodes - effect) / variance;
  }
  const known = weight > 0;
  return {
    robots: robots.length,
    episodes: episodesOf(robots),
    mean: known ? weighted / weight : 0,
    variance: known ? 1 / weight : 1,
  };
}

const successOf = (robots: readonly RobotTask[]): number =>
  robots.reduce((sum, { successes }) => sum + successes, 0) / Math.max(1, episodesOf(robots));

const episodesOf = (robots: readonly RobotTask[]): number => robots.reduce((sum, { episodes }) => sum + episodes, 0);
