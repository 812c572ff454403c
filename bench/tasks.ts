import { createHash } from 'node:crypto';

import { ulid } from 'ulid';

import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { fleetKeys, telemetryHour } from '../fleet/desk/keys.ts';
import { modelFile } from '../policies/model-manifest.ts';
import { tasksFile } from '../policies/version-tasks.ts';
import { jsonBytes } from '../store/json-objects.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';
import { readTaskCatalogue } from '../store/records/task-log.ts';
import type { JudgingThread } from '../workers/judging/judging-thread.ts';
import { fleetPolicy, openFleet, type OpenFleet } from './fleet/open-fleet.ts';
import { openThread } from './fleet/open-thread.ts';
import { benchRobotType } from './lake-content.ts';
import { addTasks } from './tasks/add-tasks.ts';
import { measureNets } from './tasks/nets.ts';
import { measureSets } from './tasks/sets.ts';
import { elapsedMs, medianOf } from './tasks/times.ts';

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
  /** Of that the nets of all tasks, in processor time, on cells of their own. */
  readonly netsCpuMs: number;
  /** A look of the monitor. */
  readonly monitorMs: number;
  /** Size of a tick's verdict document. */
  readonly verdictBytes: number;
  /** Mixing and holding out the same lake with all tasks against with three: smaller is slower. */
  readonly mixRatio: number;
  readonly heldoutRatio: number;
  /** Every offline gate of a candidate against a champion on that held-out set, and against three tasks: smaller is slower. */
  readonly gatesMs: number;
  readonly gatesRatio: number;
  /** The cycle's report with a verdict for every task. */
  readonly reportMs: number;
}

const [hourMs, days] = [3_600_000, 7];
const [championVersion, candidateVersion, trialId] = ['1.0.0', '1.1.0', 'tasks'];
const candidates = 125;

/** What many tasks cost a cycle, a trial and the monitor: everything that grows with the catalogue, at the design load. */
export async function measureTasks(options: TasksBenchOptions): Promise<TasksBenchResult> {
  const { tasks, robots, progress } = options;
  progress('nets of all tasks');
  const netsCpuMs = measureNets({ tasks, robots, candidates });
  progress(`nets ${netsCpuMs.toFixed(0)} ms of processor time`);
  const judged = await measureJudging(options);
  const few = await measureSets(options, benchRobotType.tasks.length);
  const many = await measureSets(options, tasks);
  const { gatesMs, reportMs } = many;
  const ratios = {
    mixRatio: few.mixMs / many.mixMs,
    heldoutRatio: few.heldoutMs / many.heldoutMs,
    gatesRatio: few.gatesMs / gatesMs,
  };
  return { leg: 'tasks', tasks, robots, netsCpuMs, ...judged, ...ratios, gatesMs, reportMs };
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
