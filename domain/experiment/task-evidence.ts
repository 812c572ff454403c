import {
  bernoulliVariance,
  binomialCdf,
  mixedLogEvidence,
  normalCdf,
  robotBaseline,
  type FleetParameters,
  type RobotEvidence,
} from '../statistics/index.ts';
import type { TaskLimits } from './limits.ts';
import {
  armEffect,
  armsOf,
  noArms,
  successOf,
  worstOf,
  type ArmEffect,
  type Robots,
  type TaskArms,
} from './task-arms.ts';
import { sumByTask } from './task-totals.ts';

/** One task's figures. */
export interface TaskEvidence {
  readonly task: string;
  /** Candidate minus champion in this task, robot effects taken off; 0 when unknown. */
  readonly delta: number;
  readonly variance: number;
  /** One-sided p of "the drop is at most the margin"; 1 when unproven. */
  readonly p: number;
  /** The same without its worst candidate, at least `p`: what blocks. */
  readonly pWithoutWorst: number;
  readonly logEvidence: number;
  readonly episodes: { readonly candidate: number; readonly control: number };
  readonly robots: { readonly candidate: number; readonly control: number };
}

/**
 * The evidence of every task seen or listed, in the order of their names: robots' success less their own effect, so that the
 * task's mean cancels between the arms; each robot weighted by the inverse of its variance. What the robot type does not know is left out.
 */
export function taskEvidence(
  parameters: FleetParameters,
  robots: readonly RobotEvidence[],
  daysTreated: number,
  listed: readonly string[],
  limits: TaskLimits,
): TaskEvidence[] {
  const fleet: Robots = {
    isCandidate: robots.map(({ arm }) => arm === 'candidate'),
    effect: new Float64Array(robots.length),
    persistentVariance: new Float64Array(robots.length),
  };
  for (const [place, { baseline }] of robots.entries()) {
    const { base, theta } = robotBaseline(parameters, baseline);
    fleet.effect[place] = base - parameters.mu;
    fleet.persistentVariance[place] =
      parameters.betweenRobotVariance * (1 - theta) + parameters.dayVariance / Math.max(1, daysTreated);
  }
  const sums = sumByTask(robots);
  const arms = armsOf(sums, fleet);
  const byTask = new Map<string, TaskArms>(listed.map((task) => [task, noArms]));
  for (const [number, task] of sums.names.entries()) byTask.set(task, arms[number] ?? noArms);
  return [...byTask]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([task, own]) => withoutAnyOne(task, { fleet, arms: own, phi: parameters.phi, limits }));
}

/** Fewer candidates in a task cannot lose one and still be several. */
const leastForOneLess = 3;

/** One task, and by what it is judged. */
interface TaskQuestion {
  readonly fleet: Robots;
  readonly arms: TaskArms;
  readonly phi: number;
  readonly limits: TaskLimits;
}

/** A task is proven worse only if it is so without its worst candidate too: one robot vetoes no candidate. */
function withoutAnyOne(task: string, question: TaskQuestion): TaskEvidence {
  const { arms, fleet, phi, limits } = question;
  const { active: level, all: levelOfAll } = successOf(arms.control);
  const control = armEffect(fleet, arms.control, phi * bernoulliVariance(level));
  const all = oneTask(task, question, { level, control }, limits);
  if (all.robots.candidate < leastForOneLess) return all;
  const worst = worstOf(fleet, arms.candidate, levelOfAll);
  const rest = oneTask(task, question, { level, control }, { ...limits, minimumEpisodes: 0 }, worst);
  return { ...all, pWithoutWorst: Math.max(all.p, rest.p), logEvidence: Math.min(all.logEvidence, rest.logEvidence) };
}

/** The controls of a task, whom the candidates are held against whichever of them is left out. */
interface Controls {
  readonly level: number;
  readonly control: ArmEffect;
}

function oneTask(
  task: string,
  question: TaskQuestion,
  { level, control }: Controls,
  limits: TaskLimits,
  leftOut = -1,
): TaskEvidence {
  const { fleet, arms, phi } = question;
  const margin = limits.marginFraction;
  const tolerated = Math.max(0, level - margin);
  // under the hypothesis the candidates are at the tolerated level, not at the one they were seen at
  const candidate = armEffect(fleet, arms.candidate, phi * bernoulliVariance(tolerated), leftOut);
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

/** Fewer episodes an arm than the limit prove nothing. */
export const isUnproven = ({ episodes }: Pick<TaskEvidence, 'episodes'>, limits: TaskLimits): boolean =>
  Math.min(episodes.candidate, episodes.control) < limits.minimumEpisodes;
