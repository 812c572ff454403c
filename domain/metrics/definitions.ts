import { costOf, type Economics } from './economics.ts';
import { counted, fractionOf, noData, notDefined, plainFraction, type Metric, type RobotSums } from './metric.ts';
import { activeStanding } from './task-standing.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** 95th percentile over `n` episodes with its interval; an end that the sample is too small for is null. */
export interface ToldLatency {
  readonly n: number;
  readonly p95Ms: number;
  readonly lowMs: number | null;
  readonly highMs: number | null;
}

/** What was told of one group in a time; each metric says which of it it needs. */
export interface GroupFacts {
  /** Counted episodes (`is_counted`) that succeeded, and in which somebody took over. */
  readonly success: RobotSums;
  readonly intervention: RobotSums;
  /** Of the counted episodes' median latencies; null where none was told. */
  readonly latency: ToldLatency | null;
  /** Of its parts where images were decoded: decoding and scaling them, and the policy's own. */
  readonly decodingLatency: ToldLatency | null;
  readonly policyLatency: ToldLatency | null;
  /** Counted episodes and successes of each task. */
  readonly tasks: readonly { readonly task: string; readonly episodes: number; readonly successes: number }[];
  /** Tasks that the fleet may be asked for. */
  readonly activeTasks: readonly string[];
  /** Time online and in service; undefined: robots do not tell time by such a group. */
  readonly time?: { readonly onlineMs: number; readonly serviceMs: number; readonly robots: number } | undefined;
  /** Ended trials that gave a candidate to robots; undefined: not told by such a group. */
  readonly rollouts?: { readonly ended: number; readonly failed: number } | undefined;
  /** Cycles that trained; undefined: not told by such a group. */
  readonly trainings?: { readonly trained: number; readonly offered: number } | undefined;
  /** Undefined: nobody said what things cost. */
  readonly economics?: Economics | undefined;
}

const noTime = notDefined('time online is told by robot, not by task, version or trial');

/** successes / counted episodes. Fraction, 0 to 1. No counted episode: no data. Interval over robots. n: episodes. */
export const success = ({ success: sums }: GroupFacts): Metric => fractionOf(sums, 'no counted episode');

/**
 * min(1, time online / time in service), where robots that told nothing were not online. Fraction, 0 to 1. In service: registered, with a token, not
 * retired. No robot in service: no data. All robots, no sample: no interval. n: robots.
 */
export const uptime = ({ time }: GroupFacts): Metric => {
  if (time === undefined) return noTime;
  if (!(time.serviceMs > 0)) return noData('no robot was in service');
  return counted(Math.min(1, time.onlineMs / time.serviceMs), time.robots);
};

/**
 * 95th percentile over counted episodes of the episode's median latency of the policy. Milliseconds, > 0. Episodes without a latency are left
 * out; none: no data. Interval by order statistics; an end that the sample is too small for is open. n: episodes with a latency.
 */
export const latency = ({ latency: told }: GroupFacts): Metric => latencyOf(told, 'no counted episode with a latency');

const latencyOf = (told: ToldLatency | null, why: string): Metric =>
  told === null ? noData(why) : { kind: 'value', value: told.p95Ms, n: told.n, low: told.lowMs, high: told.highMs };

const nothingDecoded = 'no counted episode that told of decoded images';

/** As `latency`, of the episode's median time for decoding and scaling images. Milliseconds, ≥ 0. n: episodes that told it. */
export const decodingLatency = ({ decodingLatency: told }: GroupFacts): Metric => latencyOf(told, nothingDecoded);

/** As `latency`, of the episode's median latency without decoding, where images were decoded. Milliseconds, ≥ 0. n: episodes that told it. */
export const policyLatency = ({ policyLatency: told }: GroupFacts): Metric => latencyOf(told, nothingDecoded);

/** Counted episodes in which a person or a safety system took over / counted episodes. Fraction, 0 to 1. No counted episode: no data. n: episodes. */
export const interventions = ({ intervention }: GroupFacts): Metric => fractionOf(intervention, 'no counted episode');

/**
 * Active tasks with at least 30 counted episodes of which more than 80 % succeeded / active tasks. Fraction, 0 to 1. A task with fewer episodes is
 * not operational: it is unproven. No active task: no data. n: active tasks.
 */
export const tasksOperational = ({ tasks, activeTasks }: GroupFacts): Metric => {
  if (activeTasks.length === 0) return noData('no active task');
  const active = new Set(activeTasks);
  const operational = tasks.filter((told) => active.has(told.task) && activeStanding(told) === 'operational');
  return counted(operational.length / activeTasks.length, activeTasks.length);
};

/** Successful counted episodes / robot hours online. Items an hour, ≥ 0. No time online: no data. n: items. */
export const throughput = ({ success: sums, time }: GroupFacts): Metric => {
  if (time === undefined) return noTime;
  if (!(time.onlineMs > 0)) return noData('no robot was online');
  return counted(sums.hits / (time.onlineMs / hourMs), sums.hits);
};

/** Cost of everything used up / items, in the currency of the economics. ≥ 0. No item, or no economics: no data. n: items. */
export const costPerItem = (facts: GroupFacts): Metric => {
  const cost = costIn(facts);
  if (typeof cost !== 'number') return cost;
  const items = facts.success.hits;
  return items > 0 ? counted(cost / items, items) : noData('no item');
};

/** itemWithoutRobot · items − cost of everything used up, in the currency of the economics; below 0 where robots cost more. No economics: no data. n: items. */
export const savings = (facts: GroupFacts): Metric => {
  const cost = costIn(facts);
  if (typeof cost !== 'number') return cost;
  const items = facts.success.hits;
  return counted((facts.economics?.itemWithoutRobot ?? 0) * items - cost, items);
};

function costIn({ economics, time, success: sums, intervention }: GroupFacts): number | Metric {
  if (time === undefined) return noTime;
  if (economics === undefined) return noData('nobody said what things cost: `flywheel costs set`');
  return costOf(economics, {
    robotDays: time.serviceMs / dayMs,
    onlineHours: time.onlineMs / hourMs,
    interventions: intervention.hits,
    failures: sums.of - sums.hits,
  });
}

/** Trials that gave a candidate to robots and were rolled back, or whose A/B test found harm / those that ended. Fraction, 0 to 1. None ended: no data. n: trials. */
export const failedRollouts = ({ rollouts }: GroupFacts): Metric =>
  rollouts === undefined
    ? notDefined('a trial is one of the whole fleet')
    : plainFraction(rollouts.failed, rollouts.ended, 'no trial ended');

/** Cycles that trained and brought a candidate that was promoted or offered / cycles that trained. Fraction, 0 to 1. None trained: no data. n: cycles. */
export const trainingYield = ({ trainings }: GroupFacts): Metric =>
  trainings === undefined
    ? notDefined('a cycle is one of the whole fleet')
    : plainFraction(trainings.offered, trainings.trained, 'no cycle trained');

/** Every metric by its name, in the order in which people read them. `unit`: `fraction`, `ms`, `perHour` or `currency`. */
export const metrics = {
  success: { unit: 'fraction', of: success, sentence: 'counted episodes that succeeded' },
  uptime: { unit: 'fraction', of: uptime, sentence: 'time online of the time in service' },
  latency: { unit: 'ms', of: latency, sentence: '95th percentile of the episodes’ median latency' },
  policyLatency: {
    unit: 'ms',
    of: policyLatency,
    sentence: 'the same without decoding images, where images were decoded',
  },
  decodingLatency: { unit: 'ms', of: decodingLatency, sentence: 'the same of decoding images alone' },
  interventions: { unit: 'fraction', of: interventions, sentence: 'counted episodes in which somebody took over' },
  tasksOperational: { unit: 'fraction', of: tasksOperational, sentence: 'active tasks above 80 % over 30 episodes' },
  throughput: { unit: 'perHour', of: throughput, sentence: 'successful episodes an hour online' },
  costPerItem: { unit: 'currency', of: costPerItem, sentence: 'cost of a successful episode' },
  savings: { unit: 'currency', of: savings, sentence: 'against items made without robots' },
  failedRollouts: {
    unit: 'fraction',
    of: failedRollouts,
    sentence: 'trials on robots that were rolled back, or whose A/B test found harm',
  },
  trainingYield: { unit: 'fraction', of: trainingYield, sentence: 'trainings whose candidate was promoted or offered' },
} as const;

export type MetricName = keyof typeof metrics;
export type MetricUnit = (typeof metrics)[MetricName]['unit'];
export const metricNames = Object.keys(metrics) as readonly MetricName[];

/** All metrics of a group. */
export const metricsOf = (facts: GroupFacts): readonly { readonly name: MetricName; readonly metric: Metric }[] =>
  metricNames.map((name) => ({ name, metric: metrics[name].of(facts) }));
