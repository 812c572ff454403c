import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import type { VersionedHistory } from '../../domain/statistics/index.ts';
import { fleetClock, RobotLives, type FleetTimes } from '../../domain/trial/index.ts';
import { newEntries, openHourMs, type TelemetryBatch, type TelemetryLog } from '../../fleet/desk/index.ts';
import { readSoundJson, type DamagedObject, type OnDamage } from '../../store/damaged-objects.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { trialKeys } from './trial-keys.ts';
import { countedEpisode, isUndatedEpisode } from './telemetry-reports.ts';

/** Outcomes by robot, version and fleet hour since 1970: `[hour, successes, episodes]`. */
const summarySchema = z.strictObject({
  robots: dictionarySchema(dictionarySchema(z.array(z.tuple([z.int(), z.int(), z.int()])))),
  tasks: z.array(z.string()),
  /** Outcomes of which nobody knows the time; in no hour. */
  undated: z.int().min(0).default(0),
});
type Summary = z.infer<typeof summarySchema>;

const hourMs = 3_600_000;
/** What a robot brings later than this is no past to compare with; fleet hours. */
const latestHours = 56 * 24;
/** Versions that a robot can have run in one hour; it names no more. */
const mostVersions = 20;
/** And in all hours that a plan looks at. */
const mostVersionsInAll = 200;
/** As many as a robot type can have. */
const mostTasks = 1_024;

export interface FleetHistory {
  readonly history: readonly VersionedHistory[];
  readonly tasks: readonly string[];
  /** Outcomes received in this time of which nobody knows when they were. */
  readonly undated: number;
  /** Telemetry objects that could not be read, or not whole. */
  readonly damaged: readonly DamagedObject[];
}

/** Which history is asked for. `catalogue`: only these tasks are noted; undefined: any, up to what a robot type can have. */
export interface HistoryQuestion {
  readonly policy: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly times: FleetTimes;
  readonly nowMs: number;
  readonly catalogue?: readonly string[] | undefined;
  /** Tasks that an hour's kept sum notes, for plans to come that look for others; default: `catalogue`. */
  readonly known?: readonly string[] | undefined;
}

/**
 * What every robot did in `[startMs, endMs)` by hour and version, and the tasks seen. Hours that are over are summed up once
 * and kept, so the next plan reads only what came since. A batch sent twice counts once within its hour.
 */
export async function readHistory(
  ports: { readonly store: ObjectStore; readonly telemetry: TelemetryLog },
  of: HistoryQuestion,
): Promise<FleetHistory> {
  const robots = new Map<string, Map<string, Map<number, [number, number]>>>();
  const tasks = new Set<string>();
  const isTask = taskFilter(of.catalogue);
  const damaged: DamagedObject[] = [];
  let undated = 0;
  for (let atMs = Math.floor(of.startMs / hourMs) * hourMs; atMs < of.endMs; atMs += hourMs) {
    const summary = await summaryOf(ports, of, atMs, (object) => damaged.push(object));
    undated += summary.undated;
    for (const task of summary.tasks) if (isTask(task, tasks)) tasks.add(task);
    for (const [robotId, versions] of Object.entries(summary.robots)) {
      const known = robots.get(robotId) ?? new Map<string, Map<number, [number, number]>>();
      robots.set(robotId, known);
      for (const [version, hours] of Object.entries(versions)) addHours(known, version, hours);
    }
  }
  const history = [...robots].map(([robotId, versions]) => ({ robotId, cells: cellsOf(versions) }));
  return { history, tasks: [...tasks], undated, damaged };
}

/** A cell a version and hour, however often a robot came back to that hour: what a plan holds is bounded for every robot. */
function addHours(
  versions: Map<string, Map<number, [number, number]>>,
  version: string,
  hours: readonly (readonly [number, number, number])[],
): void {
  if (!versions.has(version) && versions.size >= mostVersionsInAll) return;
  const sums = versions.get(version) ?? new Map<number, [number, number]>();
  versions.set(version, sums);
  for (const [hour, successes, episodes] of hours) {
    const sum = sums.get(hour) ?? [0, 0];
    sums.set(hour, sum);
    sum[0] += successes;
    sum[1] += episodes;
  }
}

const cellsOf = (versions: ReadonlyMap<string, ReadonlyMap<number, readonly [number, number]>>) =>
  [...versions].flatMap(([policyVersion, hours]) =>
    [...hours].map(([hour, [successes, episodes]]): VersionedHistory['cells'][number] => ({
      day: Math.floor(hour / 24),
      hour: ((hour % 24) + 24) % 24,
      successes,
      episodes,
      policyVersion,
    })),
  );

/** Whether a task is noted beside those that are. */
function taskFilter(catalogue: readonly string[] | undefined): (task: string, noted: ReadonlySet<string>) => boolean {
  if (catalogue === undefined) return (_, { size }) => size < mostTasks;
  const known = new Set(catalogue);
  return (task) => known.has(task);
}

async function summaryOf(
  { store, telemetry }: { readonly store: ObjectStore; readonly telemetry: TelemetryLog },
  { policy, times, nowMs, catalogue, known = catalogue }: HistoryQuestion,
  atMs: number,
  onDamage: OnDamage,
): Promise<Summary> {
  let isSumDamaged = false;
  const text = new Date(atMs).toISOString();
  const key = trialKeys.telemetrySummary(policy, times.dayMs, `${text.slice(0, 10)}/${text.slice(11, 13)}`);
  // A sum is made anew of what it was made of.
  const kept = await readSoundJson(store, key, summarySchema, () => (isSumDamaged = true));
  if (kept !== undefined) return kept;
  const summing = new HourSum(times, taskFilter(known));
  let batches = 0;
  for await (const object of telemetry.keys(policy, atMs, atMs))
    for (const batch of await telemetry.read(object, onDamage)) {
      batches += 1;
      summing.take(batch);
    }
  const isClosed = atMs < openHourMs(nowMs);
  if (isClosed && isSumDamaged) await store.put(key, jsonBytes(summing.summary()));
  else if (isClosed && batches > 0) await store.putIfAbsent(key, jsonBytes(summing.summary()));
  return summing.summary();
}

/** The sums of one hour of receipt. Bounded for every robot: versions, hours, tasks. */
class HourSum {
  readonly #clock;
  readonly #isTask;
  readonly #lives = new RobotLives();
  readonly #robots = new Map<string, Map<string, Map<number, [number, number, number]>>>();
  readonly #tasks = new Set<string>();
  #undated = 0;

  constructor(times: FleetTimes, isTask: ReturnType<typeof taskFilter>) {
    this.#clock = fleetClock(times);
    this.#isTask = isTask;
  }

  take(batch: TelemetryBatch): void {
    const { robotId, receivedMs } = batch;
    const oldest = Math.floor(this.#clock.fleetMs(receivedMs) / hourMs) - latestHours;
    for (const entry of newEntries(this.#lives, batch)) {
      if (isUndatedEpisode(batch, entry)) this.#undated += 1;
      const episode = countedEpisode(batch, entry);
      if (episode === undefined) continue;
      const hour = Math.floor(this.#clock.fleetMs(episode.atMs) / hourMs);
      if (hour < oldest) continue;
      if (this.#isTask(episode.task, this.#tasks)) this.#tasks.add(episode.task);
      const versions = this.#robots.get(robotId) ?? new Map<string, Map<number, [number, number, number]>>();
      this.#robots.set(robotId, versions);
      if (!versions.has(episode.version) && versions.size >= mostVersions) continue;
      const hours = versions.get(episode.version) ?? new Map<number, [number, number, number]>();
      versions.set(episode.version, hours);
      const sum = hours.get(hour) ?? [hour, 0, 0];
      hours.set(hour, sum);
      sum[1] += episode.isSuccess ? 1 : 0;
      sum[2] += 1;
    }
  }

  summary(): Summary {
    return {
      tasks: [...this.#tasks],
      undated: this.#undated,
      robots: dictionary([...this.#robots].map(([robotId, versions]) => [robotId, hoursOf(versions)] as const)),
    };
  }
}

const hoursOf = (versions: Map<string, Map<number, [number, number, number]>>): Summary['robots'][string] =>
  dictionary(
    [...versions].map(([version, hours]): [string, [number, number, number][]] => [version, [...hours.values()]]),
  );
