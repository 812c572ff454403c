import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ulid } from 'ulid';

import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import { openLake } from '../activities/lake/lake.ts';
import { exportHeldoutSet } from '../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../activities/mix/mix-experience.ts';

import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { fleetKeys, telemetryHour } from '../fleet/desk/keys.ts';
import { modelFile } from '../policies/model-manifest.ts';
import { tasksFile } from '../policies/version-tasks.ts';
import { jsonBytes } from '../store/json-objects.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';
import { fileObjectStore } from '../store/adapters/file-object-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { publishRobotType, type RobotTypeReference } from '../store/records/robot-types.ts';
import { changeTasks, readTaskCatalogue } from '../store/records/task-log.ts';
import type { JudgingThread } from '../workers/judging/judging-thread.ts';
import { fleetPolicy, openFleet, type OpenFleet } from './fleet/open-fleet.ts';
import { openThread } from './fleet/open-thread.ts';
import { appendWeek, benchRobotType } from './lake-content.ts';

export interface TasksBenchOptions {
  readonly tasks: number;
  readonly robots: number;
  /** Of the week of 700,000 episodes that is mixed. */
  readonly scale: number;
  /** Ticks; the median counts. */
  readonly rounds: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

export interface TasksBenchResult {
  readonly leg: 'tasks';
  readonly tasks: number;
  readonly robots: number;
  /** Reading the catalogue, one record a task. */
  readonly catalogueMs: number;
  /** Planning a trial on the fleet's past: the first time, and with its hours summed up. */
  readonly planFirstMs: number;
  readonly planMs: number;
  /** A tick of a trial of seven days: new cells, the guard's verdict with a net for every task. */
  readonly tickMs: number;
  /** A look of the monitor. */
  readonly monitorMs: number;
  /** Size of a tick's verdict document. */
  readonly verdictBytes: number;
  /** Mixing and holding out the same lake with all tasks against with three: smaller is slower. */
  readonly mixRatio: number;
  readonly heldoutRatio: number;
}

const [hourMs, days] = [3_600_000, 7];
const [championVersion, candidateVersion, trialId] = ['1.0.0', '1.1.0', 'tasks'];
const candidates = 125;
const by = { who: 'bench', why: 'a fleet of many tasks' };
const add = (id: string) => ({ kind: 'add', id, instruction: `do ${id}` }) as const;

/** What many tasks cost a cycle, a trial and the monitor: everything that grows with the catalogue, at the design load. */
export async function measureTasks(options: TasksBenchOptions): Promise<TasksBenchResult> {
  const { tasks, robots } = options;
  const judged = await measureJudging(options);
  const few = await measureSets(options, benchRobotType.tasks.length);
  const many = await measureSets(options, tasks);
  const ratios = { mixRatio: few.mixMs / many.mixMs, heldoutRatio: few.heldoutMs / many.heldoutMs };
  return { leg: 'tasks', tasks, robots, ...judged, ...ratios };
}

async function measureJudging(options: TasksBenchOptions) {
  const { robots, rounds, seed, progress } = options;
  progress(`registering ${robots} robots and ${options.tasks} tasks`);
  const fleet = await openFleet(robots, tinyPolicy(scitosG5Type, seed));
  const thread = openThread(fleet);
  // The thread alone keeps no process up.
  const alive = setInterval(() => undefined, 1_000);
  try {
    const names = await addTasks(fleet.store, scitosG5Type, fleetPolicy, options.tasks);
    await fleet.register(tinyPolicy(scitosG5Type, seed + 1));
    for (const version of [championVersion, candidateVersion])
      await fleet.store.put(modelFile(fleetPolicy, version, tasksFile), jsonBytes({ catalogueSeq: 0, tasks: names }));
    const catalogueMs = await elapsedMs(() => readTaskCatalogue(fleet.store, fleetPolicy, scitosG5Type));
    const originMs = Math.floor(Date.now() / hourMs) * hourMs - days * 24 * hourMs;
    progress('telling of seven days before the trial');
    await tellWeek(fleet, names, originMs - days * 24 * hourMs, () => championVersion);
    const plan = (id: string) =>
      thread.activities.planTrial({ policy: fleetPolicy, kind: 'rollout', trialId: id, nowMs: originMs });
    const planFirstMs = await elapsedMs(() => plan('before'));
    let planned: Awaited<ReturnType<typeof plan>> | undefined;
    const planMs = await elapsedMs(async () => (planned = await plan(trialId)));
    if (planned?.kind !== 'planned') throw new Error(`expected a plan, got ${JSON.stringify(planned)}`);
    progress('telling of seven days of the trial');
    const treated = new Set(fleet.robots.slice(0, candidates).map(({ robotId }) => robotId));
    await tellWeek(fleet, names, originMs, (robotId) => (treated.has(robotId) ? candidateVersion : championVersion));
    const ticks = new Ticks(fleet, thread.activities, planned.plan, originMs);
    progress(`first tick: ${(await ticks.next()).tickMs.toFixed(0)} ms for the seven days`);
    const measured: Awaited<ReturnType<Ticks['next']>>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await tell(fleet, names, Date.now(), round, (robotId) =>
        treated.has(robotId) ? candidateVersion : championVersion,
      );
      measured.push(await ticks.next());
      progress(`tick ${round + 1}: ${measured.at(-1)?.tickMs.toFixed(0)} ms`);
    }
    return {
      catalogueMs,
      planFirstMs,
      planMs,
      tickMs: medianOf(measured.map(({ tickMs }) => tickMs)),
      monitorMs: medianOf(measured.map(({ monitorMs }) => monitorMs)),
      verdictBytes: measured.at(-1)?.verdictBytes ?? 0,
    };
  } finally {
    clearInterval(alive);
    await thread.close();
    await fleet.close();
  }
}

/** One record a task: as many writes as a fleet owner would make in years. */
async function addTasks(
  store: ObjectStore,
  robotType: RobotType,
  policy: string,
  count: number,
): Promise<readonly string[]> {
  const names = Array.from({ length: count - robotType.tasks.length }, (_, index) => `task-${index}`);
  for (const id of names)
    await changeTasks({ store, clock: Date.now }, { policy, robotType, changes: [add(id)], ...by });
  return [...robotType.tasks, ...names];
}

async function tellWeek(
  fleet: OpenFleet,
  tasks: readonly string[],
  startMs: number,
  versionOf: (robotId: string) => string,
): Promise<void> {
  for (let hour = 0; hour < days * 24; hour += 1) await tell(fleet, tasks, startMs + hour * hourMs, hour, versionOf);
}

const episodesAnHour = 3;
/** Robots live on: what they tell is numbered on and on. */
const bootId = ulid(1);
let told = 0;

/** An hour of every robot, one object as gateways write them: each episode of another task. */
async function tell(
  { store, robots }: OpenFleet,
  tasks: readonly string[],
  atMs: number,
  hour: number,
  versionOf: (robotId: string) => string,
): Promise<void> {
  const firstSeq = (told += episodesAnHour + 1);
  const receivedMs = atMs + 1_000;
  const lines = robots.map(({ robotId }, robot) => {
    const base = { policyVersion: versionOf(robotId), trialId: null };
    const episodes = Array.from({ length: episodesAnHour }, (_, episode) => {
      const isSuccess = (robot * 7 + hour * 3 + episode) % 7 !== 0;
      return {
        ...base,
        kind: 'episode',
        seq: firstSeq + episode,
        atMs: atMs + episode,
        episodeId: ulid(atMs + episode),
        task: tasks[(robot * 31 + hour * episodesAnHour + episode) % tasks.length],
        durationMs: 60_000,
        outcome: isSuccess ? 'success' : 'failure',
        failureReason: isSuccess ? null : 'collision',
        intervened: false,
        latencyP50Ms: 3,
      };
    });
    const online = { ...base, kind: 'online', seq: firstSeq + episodesAnHour, atMs: atMs + 10, durationMs: hourMs };
    return JSON.stringify({ robotId, bootId, receivedMs, clockSkewMs: 0, entries: [...episodes, online] });
  });
  const bytes = new TextEncoder().encode(`${lines.join('\n')}\n`);
  const digest = createHash('sha256').update(bytes).digest('hex');
  await store.put(`${fleetKeys.telemetryHour(fleetPolicy, telemetryHour(receivedMs))}/${digest}`, bytes);
}

/** Ticks of one trial and looks of the monitor, one after the other. */
class Ticks {
  readonly #fleet: OpenFleet;
  readonly #activities: JudgingThread['activities'];
  readonly #plan: Parameters<JudgingThread['activities']['judgeTick']>[0]['plan'];
  readonly #originMs: number;
  #generation = -1;
  #ticks = 0;

  constructor(
    fleet: OpenFleet,
    activities: JudgingThread['activities'],
    plan: Parameters<JudgingThread['activities']['judgeTick']>[0]['plan'],
    originMs: number,
  ) {
    this.#fleet = fleet;
    this.#activities = activities;
    this.#plan = plan;
    this.#originMs = originMs;
  }

  async next(): Promise<{ readonly tickMs: number; readonly monitorMs: number; readonly verdictBytes: number }> {
    const question = { plan: this.#plan, originMs: this.#originMs, nowMs: Date.now() };
    let verdictKey = '';
    const tickMs = await elapsedMs(async () => {
      for (let isBehind = true; isBehind;) {
        const collected = await this.#activities.collectCells({ ...question, generation: this.#generation });
        this.#generation = collected.generation;
        isBehind = collected.isBehind;
      }
      ({ verdictKey } = await this.#activities.judgeTick({
        ...question,
        generation: this.#generation,
        tick: this.#ticks++,
        stage: 1,
        hoursInStage: 60,
        hoursTotal: days * 24,
        exposures: [{ robots: candidates, atMs: this.#originMs }],
        faultyRobots: [],
      }));
    });
    const verdict = await this.#fleet.store.get(verdictKey);
    return { tickMs, verdictBytes: verdict?.length ?? 0, monitorMs: await elapsedMs(() => this.#look()) };
  }

  #look(): Promise<unknown> {
    return this.#activities.observeFleet({
      policy: fleetPolicy,
      nowMs: Date.now(),
      dayMs: 24 * hourMs,
      limits: {},
      automaticRollback: false,
      rolledBack: null,
      drift: null,
      acknowledgements: [],
    });
  }
}

const framesAnEpisode = 20;
const episodesAWeek = 700_000;
const targetFrames = 2_000_000;

/** A week of history and a new one of so many tasks, mixed and held out; the best of three. */
async function measureSets(options: TasksBenchOptions, tasks: number) {
  const { scale, seed, progress } = options;
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-tasks-'));
  const store = fileObjectStore({ root: join(directory, 'store') });
  const engine = duckDbEngine({ temporaryDirectory: join(directory, 'spill') });
  const lake = openLake({ store, engine, clock: Date.now, stagingDirectory: join(directory, 'staging') });
  const session = await engine.open();
  try {
    await publishRobotType(store, benchRobotType);
    const names = await addTasks(store, benchRobotType, fleetPolicy, tasks);
    const { seq } = await readTaskCatalogue(store, fleetPolicy, benchRobotType);
    const { id, version } = benchRobotType;
    const robotType: RobotTypeReference =
      seq < 0 ? { id, version } : { id, version, catalogue: { policy: fleetPolicy, seq } };
    progress(`making two weeks of ${tasks} tasks`);
    const week = { seed, episodes: episodesAWeek * scale, frames: framesAnEpisode, tasks: names };
    await appendWeek(lake, session, { ...week, week: 0 });
    const newSince = await lake.currentVersion();
    await appendWeek(lake, session, { ...week, week: 1 });
    const datasetVersion = await lake.currentVersion();
    const ports = { store, engine, lake, progress: () => undefined, scratchDirectory: join(directory, 'scratch') };
    const [mixMs, heldoutMs]: [number[], number[]] = [[], []];
    for (let round = 0; round < 3; round += 1) {
      const settings = { seed: seed + round, targetFrames: Math.ceil(targetFrames * scale) };
      mixMs.push(
        await elapsedMs(() =>
          mixExperience(ports)({ cycleId: 'bench', robotType, datasetVersion, newSince, ...settings }),
        ),
      );
      heldoutMs.push(await elapsedMs(() => exportHeldoutSet(ports)({ robotType, datasetVersion })));
      progress(`mix ${mixMs.at(-1)?.toFixed(0)} ms, held-out set ${heldoutMs.at(-1)?.toFixed(0)} ms`);
    }
    return { mixMs: Math.min(...mixMs), heldoutMs: Math.min(...heldoutMs) };
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
