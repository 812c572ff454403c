import {
  benjaminiHochberg,
  bernoulliVariance,
  holm,
  logEvidence,
  mcnemarExact,
  normalCdf,
  robotBaseline,
  type FleetParameters,
  type PairedOutcomes,
  type RobotEvidence,
} from '../statistics/index.ts';
import { defaultTaskLimits, parseTaskLimits, type TaskLimits, type TaskLimitsInput } from './limits.ts';

/** One task's figures. */
export interface TaskEvidence {
  readonly task: string;
  /** Candidate minus champion in this task, robot effects taken off; 0 when unknown. */
  readonly delta: number;
  readonly variance: number;
  /** One-sided p of "the drop is at most the margin"; 1 when unproven. */
  readonly p: number;
  readonly logEvidence: number;
  readonly episodes: { readonly candidate: number; readonly control: number };
  readonly robots: { readonly candidate: number; readonly control: number };
}

/** What the net says; `block` ends the test or the rollout, `warn` and `unproven` are for people. */
export interface TaskVerdict {
  readonly block: readonly string[];
  readonly warn: readonly string[];
  readonly unproven: readonly string[];
  /** Guard only: tasks whose evidence ever crossed, to be handed in again at the next tick. */
  readonly latched: readonly string[];
  readonly perTask: readonly TaskEvidence[];
  readonly reasons: readonly string[];
}

/**
 * The nets against forgetting single tasks (shared method, section 6). In an A/B test: per task the robots' residuals against
 * task mean + robot effect; a drop of more than the margin blocks after Holm, warns after Benjamini–Hochberg; fewer than 30
 * episodes an arm prove nothing. In a rollout's guard: an e-process per task, latched once it reaches K/alpha; a mean e-value
 * of 100 over the tasks blocks the tasks above it. `tasks` lists what must be proven even if no episode came.
 */
export function judgeTasks(input: {
  parameters: FleetParameters;
  robots: readonly RobotEvidence[];
  mode: 'abTest' | 'guard';
  daysTreated: number;
  tasks?: readonly string[];
  latched?: readonly string[];
  limits?: TaskLimitsInput;
}): TaskVerdict {
  const limits = input.limits === undefined ? defaultTaskLimits : parseTaskLimits(input.limits);
  const perTask = taskEvidence(input.parameters, input.robots, input.daysTreated, input.tasks ?? [], limits);
  const unproven = perTask.filter((task) => isUnproven(task, limits)).map(({ task }) => task);
  return input.mode === 'abTest'
    ? testVerdict(perTask, unproven, limits)
    : guardVerdict(perTask, unproven, input.latched ?? [], limits);
}

/**
 * The net before any robot: per task the same held-out episodes with the old and the new policy, exact McNemar against harm,
 * Holm at `blockAlpha`. Tasks with fewer than 30 held-out episodes are unproven.
 */
export function judgeHeldOutTasks(input: {
  tasks: readonly (PairedOutcomes & { readonly task: string; readonly total: number })[];
  limits?: TaskLimitsInput;
}): { block: string[]; unproven: string[]; perTask: { task: string; p: number; adjustedP: number; total: number }[] } {
  const limits = input.limits === undefined ? defaultTaskLimits : parseTaskLimits(input.limits);
  const { tasks } = input;
  const p = tasks.map((task) => (task.total < limits.minimumEpisodes ? 1 : mcnemarExact(task).oneSidedHarm));
  const { rejected, adjusted } = holm(p, limits.blockAlpha);
  return {
    block: tasks.flatMap(({ task }, index) => (rejected[index] === true ? [task] : [])),
    unproven: tasks.flatMap(({ task, total }) => (total < limits.minimumEpisodes ? [task] : [])),
    perTask: tasks.map(({ task, total }, index) => ({
      task,
      total,
      p: p[index] ?? 1,
      adjustedP: adjusted[index] ?? 1,
    })),
  };
}

function testVerdict(perTask: readonly TaskEvidence[], unproven: string[], limits: TaskLimits): TaskVerdict {
  const p = perTask.map((task) => task.p);
  const blocked = holm(p, limits.blockAlpha).rejected;
  const warned = benjaminiHochberg(p, limits.warnFraction).rejected;
  const named = (flags: readonly boolean[]): string[] =>
    perTask.flatMap(({ task }, index) => (flags[index] === true ? [task] : []));
  const block = named(blocked);
  const warn = named(warned).filter((task) => !block.includes(task));
  return { block, warn, unproven, latched: [], perTask, reasons: describe(perTask, block, 'Holm', limits) };
}

function guardVerdict(
  perTask: readonly TaskEvidence[],
  unproven: string[],
  before: readonly string[],
  limits: TaskLimits,
): TaskVerdict {
  const threshold = Math.log(Math.max(1, perTask.length) / limits.blockAlpha);
  const crossed = perTask.filter((task) => task.logEvidence >= threshold).map(({ task }) => task);
  const latched = [...new Set([...before, ...crossed])].toSorted();
  const meanThreshold = Math.log(limits.meanEvidence);
  const meanAlarm = logMean(perTask.map((task) => task.logEvidence)) >= meanThreshold;
  const driving = meanAlarm ? perTask.filter((task) => task.logEvidence >= meanThreshold).map(({ task }) => task) : [];
  const block = [...new Set([...latched, ...driving])].toSorted();
  const reasons = describe(perTask, block, `log evidence ≥ ${threshold.toFixed(2)}`, limits);
  return { block, warn: [], unproven, latched, perTask, reasons };
}

function describe(
  perTask: readonly TaskEvidence[],
  block: readonly string[],
  by: string,
  limits: TaskLimits,
): string[] {
  return perTask
    .filter(({ task }) => block.includes(task))
    .map(
      ({ task, delta, episodes, robots }) =>
        `task ${task}: ${(100 * delta).toFixed(2)} pp, ${100 * limits.marginFraction} pp allowed (${by}; ${episodes.candidate} and ${episodes.control} episodes of ${robots.candidate} and ${robots.control} robots)`,
    );
}

interface RobotTask {
  readonly arm: RobotEvidence['arm'];
  readonly successes: number;
  readonly episodes: number;
  /** The robot's own level above the fleet's. */
  readonly effect: number;
  readonly persistentVariance: number;
}

function taskEvidence(
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
    for (const [task, { successes, episodes }] of taskTotals(robot)) {
      const list = byTask.get(task) ?? [];
      list.push({ arm: robot.arm, successes, episodes, effect: base - parameters.mu, persistentVariance });
      byTask.set(task, list);
    }
  }
  return [...byTask]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([task, list]) => oneTask(task, list, parameters.phi, limits));
}

function taskTotals(robot: RobotEvidence): Map<string, { successes: number; episodes: number }> {
  const totals = new Map<string, { successes: number; episodes: number }>();
  for (const { perTask } of robot.blocks) {
    if (perTask === undefined) continue;
    for (const [task, { successes, episodes }] of Object.entries(perTask)) {
      const total = totals.get(task) ?? { successes: 0, episodes: 0 };
      total.successes += successes;
      total.episodes += episodes;
      totals.set(task, total);
    }
  }
  return totals;
}

function oneTask(task: string, robots: readonly RobotTask[], phi: number, limits: TaskLimits): TaskEvidence {
  const active = robots.filter(({ episodes }) => episodes > 0);
  const pooled = active.reduce((sum, { successes }) => sum + successes, 0) / Math.max(1, episodesOf(active));
  const [candidate, control] = [armEffect(active, 'candidate', pooled, phi), armEffect(active, 'control', pooled, phi)];
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
  if (isUnproven(figures, limits)) return { ...figures, p: 1, logEvidence: 0 };
  return {
    ...figures,
    p: normalCdf((delta + limits.marginFraction) / Math.sqrt(variance)),
    logEvidence: logEvidence({ delta, variance, tau: limits.tau, margin: limits.marginFraction }),
  };
}

/** Mean of success less the robots' own effects; the task's mean is in both arms and cancels. */
function armEffect(robots: readonly RobotTask[], arm: RobotTask['arm'], pooled: number, phi: number) {
  const mine = robots.filter((robot) => robot.arm === arm);
  let [weight, weighted] = [0, 0];
  for (const { successes, episodes, effect, persistentVariance } of mine) {
    const variance = (phi * bernoulliVariance(pooled)) / episodes + persistentVariance;
    weight += 1 / variance;
    weighted += (successes / episodes - effect) / variance;
  }
  const known = weight > 0;
  return {
    robots: mine.length,
    episodes: episodesOf(mine),
    mean: known ? weighted / weight : 0,
    variance: known ? 1 / weight : 1,
  };
}

const isUnproven = ({ episodes }: Pick<TaskEvidence, 'episodes'>, limits: TaskLimits): boolean =>
  Math.min(episodes.candidate, episodes.control) < limits.minimumEpisodes;

const episodesOf = (robots: readonly RobotTask[]): number => robots.reduce((sum, { episodes }) => sum + episodes, 0);

/** ln of the mean of exp(values), without overflow; -∞ becomes the lowest number for an empty list. */
function logMean(values: readonly number[]): number {
  if (values.length === 0) return -Number.MAX_VALUE;
  const largest = values.reduce((max, value) => Math.max(max, value), -Infinity);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0) / values.length);
}
