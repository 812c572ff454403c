import { utcDay } from '../../domain/facts/days.ts';
import {
  metricsOf,
  serviceSpans,
  type Economics,
  type GroupFacts,
  type Metric,
  type MetricName,
} from '../../domain/metrics/index.ts';
import { isRevokedRobot, readRobots, readSoundRobotLife } from '../../fleet/desk/index.ts';
import type { OnDamage } from '../../store/damaged-objects.ts';
import { failure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readEconomics } from '../../store/records/economics.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';
import { latestFacts } from '../facts/fact-state.ts';
import type { DaySpan, FactTables } from '../facts/fact-tables.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { readPolicyDocument } from '../registry/policy-document.ts';
import { bodyName, everything, sumOnline, sumOutcomes, timeGroupings, type Grouping } from './fact-sums.ts';
import { readRollouts, readTrainings } from './trial-and-cycle-counts.ts';

export interface MetricsPorts {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly facts: FactTables;
}

export interface MetricsQuestion extends DaySpan {
  readonly policy: string;
  readonly by?: Grouping | undefined;
}

export interface MetricGroup {
  /** `all` where nothing is told apart. */
  readonly name: string;
  readonly metrics: readonly { readonly name: MetricName; readonly metric: Metric }[];
}

export interface MetricsAnswer extends DaySpan {
  readonly policy: string;
  readonly by: Grouping | null;
  /** `noFacts`: nobody makes facts of telemetry yet; `empty`: nothing was told in this time; a store that refuses is an error. */
  readonly state: 'read' | 'empty' | 'noFacts';
  /** What was told until then is in; Unix ms; null without facts. */
  readonly asOfMs: number | null;
  readonly currency: string | null;
  readonly groups: readonly MetricGroup[];
  /** Objects that could not be read and were left out. */
  readonly damaged: readonly string[];
}

const dayMs = 86_400_000;
const readsAtOnce = 16;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;
/** Days that one question is about where nobody says, and at most. */
const usualDays = { defaultDays: 7, mostDays: 3_660 };

/** Whole UTC days: those that are asked for, else the last seven until the end of today; `InvalidInput` for a day that is none, and for too many of them. */
export function spanOf(
  asked: { readonly from?: string | undefined; readonly to?: string | undefined },
  nowMs: number,
  { defaultDays, mostDays } = usualDays,
): DaySpan {
  const to = asked.to ?? utcDay(nowMs + dayMs);
  const endMs = startOf(to, 'to');
  const from = asked.from ?? utcDay(endMs - defaultDays * dayMs);
  const startMs = startOf(from, 'from');
  if (endMs <= startMs || endMs - startMs > mostDays * dayMs)
    throw failure('InvalidInput', `to: expected a day after from, at most ${mostDays} later, got ${from} to ${to}`);
  return { from, to };
}

/** The start of a UTC day, Unix ms; `InvalidInput` for what is none. */
export function startOf(day: string, name: string): number {
  const atMs = dayPattern.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isFinite(atMs) && utcDay(atMs) === day) return atMs;
  throw failure('InvalidInput', `${name}: expected a UTC day, e.g. 2026-11-22, got ${day.slice(0, 40)}`);
}

/** Every metric of a policy over whole UTC days, by group. Only reads. Cost grows with the episodes of these days. */
export async function readMetrics(ports: MetricsPorts, question: MetricsQuestion): Promise<MetricsAnswer> {
  const { policy, by, from, to } = question;
  spanOf({ from, to }, 0);
  const [startMs, endMs] = [startOf(from, 'from'), startOf(to, 'to')];
  const damaged: string[] = [];
  const onDamage: OnDamage = ({ key }) => void damaged.push(key);
  const document = await readPolicyDocument(ports.store, policy);
  const state = await latestFacts(ports.store, policy);
  const scans = {
    outcomes: await ports.facts.scan('outcomes', question),
    days: await ports.facts.scan('fleet_days', question),
  };
  const economics = (await readEconomics(ports.store, policy))?.economics;
  const base = { policy, by: by ?? null, from, to, currency: economics?.currency ?? null };
  if (state === undefined) return { ...base, state: 'noFacts', asOfMs: null, groups: [], damaged };
  const untilMs = Math.min(endMs, state.asOfMs);
  const robotType = await readRobotType(ports.store, document.robotType.id, document.robotType.version);
  const { tasks } = await readTaskCatalogue(ports.store, policy, robotType);
  const activeTasks = tasks.flatMap(({ id, status }) => (status === 'active' ? [id] : []));
  const session = await ports.engine.open();
  try {
    const outcomes =
      scans.outcomes === undefined
        ? new Map<string, never>()
        : await sumOutcomes(session, scans.outcomes, { policy, by, span: { from, to } });
    const times = timeGroupings.includes(by)
      ? await timesOf({ ...ports, session, onDamage }, scans.days, { policy, by, from, to, startMs, untilMs })
      : undefined;
    const whole = by === undefined ? await wholeFleet(ports.store, { policy, startMs, endMs }, onDamage) : {};
    const names = new Set([...outcomes.keys(), ...(times?.keys() ?? []), ...(by === undefined ? [everything] : [])]);
    const groups = [...names].toSorted().map((name): MetricGroup => {
      const facts: GroupFacts = {
        ...(outcomes.get(name) ?? nothingTold),
        activeTasks: by === 'task' ? activeTasks.filter((task) => task === name) : activeTasks,
        time: times === undefined ? undefined : (times.get(name) ?? noTime),
        economics: economics satisfies Economics | undefined,
        ...whole,
      };
      return { name, metrics: metricsOf(facts) };
    });
    const isEmpty = outcomes.size === 0 && [...(times?.values() ?? [])].every(({ onlineMs }) => onlineMs === 0);
    return { ...base, state: isEmpty ? 'empty' : 'read', asOfMs: state.asOfMs, groups, damaged };
  } finally {
    await session.close();
  }
}

const noSums = { robots: 0, of: 0, hits: 0, hitsSquared: 0, hitsTimesOf: 0, ofSquared: 0 };
const nothingTold = {
  success: noSums,
  intervention: noSums,
  latency: null,
  policyLatency: null,
  decodingLatency: null,
  tasks: [],
} as const;
const noTime = { onlineMs: 0, serviceMs: 0, robots: 0 };

async function wholeFleet(
  store: ObjectStore,
  of: { readonly policy: string; readonly startMs: number; readonly endMs: number },
  onDamage: OnDamage,
): Promise<Pick<GroupFacts, 'rollouts' | 'trainings'>> {
  return { rollouts: await readRollouts(store, of, onDamage), trainings: await readTrainings(store, of, onDamage) };
}

/** Time in service by the robots' records, and of it online, by group. */
async function timesOf(
  {
    store,
    session,
    onDamage,
  }: { readonly store: ObjectStore; readonly session: SqlSession; readonly onDamage: OnDamage },
  fleetDays: string | undefined,
  of: MetricsQuestion & { readonly startMs: number; readonly untilMs: number },
): Promise<ReadonlyMap<string, typeof noTime>> {
  const { policy, by, startMs, untilMs } = of;
  const robots = [...(await readRobots(store, new Map(), onDamage)).values()].filter((one) => one.policy === policy);
  const service = new Map<string, Map<string, number>>();
  await inParallel(robots, readsAtOnce, async ({ robotId }) => {
    const life = await readSoundRobotLife(store, robotId, onDamage);
    const records = life.map((record) => ({
      ...record,
      isInService: record.retiredMs === undefined && !isRevokedRobot(record),
    }));
    for (const { record, ms } of serviceSpans(records, startMs, untilMs)) {
      const name = placeName(by, record);
      const byRobot = service.get(name) ?? new Map<string, number>();
      service.set(name, byRobot);
      byRobot.set(robotId, (byRobot.get(robotId) ?? 0) + ms);
    }
  });
  const online = new Map<string, Map<string, number>>();
  for (const { name, robotId, onlineMs } of fleetDays === undefined
    ? []
    : await sumOnline(session, fleetDays, { policy, by, span: of })) {
    const byRobot = online.get(name) ?? new Map<string, number>();
    online.set(name, byRobot);
    byRobot.set(robotId, onlineMs);
  }
  return new Map(
    [...new Set([...service.keys(), ...online.keys()])].map((name) => {
      const serviceOf = service.get(name) ?? new Map<string, number>();
      // What a robot claims beyond its time in service makes up for no other.
      const onlineMs = [...(online.get(name) ?? [])].reduce(
        (sum, [robotId, ms]) => sum + Math.min(ms, serviceOf.get(robotId) ?? 0),
        0,
      );
      const serviceMs = [...serviceOf.values()].reduce((sum, ms) => sum + ms, 0);
      return [name, { onlineMs, serviceMs, robots: serviceOf.size }] as const;
    }),
  );
}

function placeName(
  by: Grouping | undefined,
  record: { readonly robotId: string; readonly site: string; readonly robotType: { id: string; version: number } },
): string {
  if (by === 'robot') return record.robotId;
  if (by === 'site') return record.site;
  return by === 'body' ? bodyName(record.robotType) : everything;
}
