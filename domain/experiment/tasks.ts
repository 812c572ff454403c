import {
  benjaminiHochberg,
  holm,
  mcnemarExact,
  type FleetParameters,
  type PairedOutcomes,
  type RobotEvidence,
} from '../statistics/index.ts';
import { defaultTaskLimits, parseTaskLimits, type TaskLimits, type TaskLimitsInput } from './limits.ts';
import { boundClaims } from './plausible-claims.ts';
import { isUnproven, taskEvidence, type TaskEvidence } from './task-evidence.ts';

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
 * of 100 over the tasks blocks the tasks above it; the only task of a fleet is left to the guard itself. `tasks` lists what must be proven even if no episode came.
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
  const { robots } = boundClaims(input.robots, narrowestBlockMinutes);
  const perTask = taskEvidence(input.parameters, robots, input.daysTreated, input.tasks ?? [], limits);
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

/** Blocks of a rollout; wider ones bound online time less tightly. */
const narrowestBlockMinutes = 5;

function testVerdict(perTask: readonly TaskEvidence[], unproven: string[], limits: TaskLimits): TaskVerdict {
  const p = perTask.map((task) => task.p);
  const blocked = holm(
    perTask.map((task) => task.pWithoutWorst),
    limits.blockAlpha,
  ).rejected;
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
  // The only task is the whole: the guard's own evidence judges it, and knows a broken robot from a bad candidate.
  if (perTask.length < 2) return { block: [], warn: [], unproven, latched: [], perTask, reasons: [] };
  const threshold = Math.log(perTask.length / limits.blockAlpha);
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

/** ln of the mean of exp(values), without overflow; -∞ becomes the lowest number for an empty list. */
function logMean(values: readonly number[]): number {
  if (values.length === 0) return -Number.MAX_VALUE;
  const largest = values.reduce((max, value) => Math.max(max, value), -Infinity);
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0) / values.length);
}
