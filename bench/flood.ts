import { setTimeout as sleep } from 'node:timers/promises';

import { ulid } from 'ulid';

import { storePlan, type PlanReference } from '../activities/trials/stored-plan.ts';
import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { draftTrial, fleetProfiles } from '../domain/trial/index.ts';
import { bearer, wireLimits, wirePaths } from '../fleet/protocol/index.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';
import { inParallel } from '../store/in-parallel.ts';
import type { JudgingThread } from '../workers/judging/judging-thread.ts';
import { openThread } from './fleet/open-thread.ts';
import { fleetPolicy, openFleet, type MeasuredRobot, type OpenFleet } from './fleet/open-fleet.ts';
import { startBenchGateway } from './fleet/server-process.ts';
import { openClient, type Client } from './gateway-load/client.ts';

export interface FloodBenchOptions {
  /** 500 is the design load. */
  readonly robots: number;
  /** How long the flooding robot sends before each tick. */
  readonly seconds: number;
  /** Ticks with and without it, in turn; the medians count. */
  readonly rounds: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

export interface FloodBenchResult {
  readonly leg: 'flood';
  readonly robots: number;
  /** A tick: new cells, the guard's verdict, and the monitor's look. */
  readonly withoutMs: number;
  readonly withMs: number;
  /** with / without; smaller is better. */
  readonly ratio: number;
  /** The same of the processor time that a tick took, which other work on the machine does not change. */
  readonly cpuRatio: number;
  /** Entries the flooding robot sent before a tick, and how many of them were stored. */
  readonly sentEntries: number;
  readonly storedEntries: number;
}

const realEntries = 200_000;
const madeUpTasks = 500_000;
const entriesOfBatch = wireLimits.maxTelemetryEntries;
const sendersOfFlood = 8;
const realTask = scitosG5Type.tasks[0] ?? '';
const candidateVersion = '1.1.0';

/**
 * A tick of a fleet in which one robot sends 200,000 outcomes with gaps, each batch from another life, and 500,000 of tasks it made
 * up, against the same fleet without it. Real gateway, real store, the judging in its thread.
 */
export async function measureFlood(options: FloodBenchOptions): Promise<FloodBenchResult> {
  const { robots, rounds, seed, progress } = options;
  progress(`registering ${robots} robots`);
  const fleet = await openFleet(robots, tinyPolicy(scitosG5Type, seed));
  const gateway = await startBenchGateway(fleet.directory);
  const client = openClient(gateway.url);
  const thread = openThread(fleet);
  try {
    const originMs = Date.now();
    const ticking = new Ticking(thread.activities, await planned(fleet, originMs), originMs);
    const telling = new Telling(client, fleet.robots);
    await telling.all();
    await ticking.tick();
    const [without, withIt]: [Tick[], Tick[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      await telling.all();
      without.push(await ticking.tick());
      await Promise.all([telling.all(), telling.flood(options.seconds)]);
      withIt.push(await ticking.tick());
      progress(`round ${round + 1}: ${described(without.at(-1))} without, ${described(withIt.at(-1))} with`);
    }
    const [withoutMs, withMs] = [without, withIt].map((ticks) => medianOf(ticks.map(({ wallMs }) => wallMs))) as Pair;
    const [ownCpuMs, cpuMs] = [without, withIt].map((ticks) => medianOf(ticks.map((tick) => tick.cpuMs))) as Pair;
    const sentEntries = telling.sent / rounds;
    const storedEntries = telling.stored / rounds;
    const ratios = { ratio: withMs / withoutMs, cpuRatio: cpuMs / ownCpuMs };
    return { leg: 'flood', robots, withoutMs, withMs, ...ratios, sentEntries, storedEntries };
  } finally {
    await thread.close();
    client.close();
    await gateway.stop();
    await fleet.close();
  }
}

type Pair = [number, number];

interface Tick {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const described = (tick: Tick | undefined): string =>
  `${tick?.wallMs.toFixed(0)} ms (${tick?.cpuMs.toFixed(0)} of the processor)`;

const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The plan of a rollout on a past of 28 days of 60 episodes a robot. */
async function planned(fleet: OpenFleet, nowMs: number): Promise<PlanReference> {
  const draft = draftTrial({
    kind: 'rollout',
    policy: fleetPolicy,
    trialId: 'flood',
    championVersion: '1.0.0',
    candidateVersion,
    createdAtMs: nowMs,
    times: fleetProfiles.real,
    robots: fleet.robots.map(({ robotId }) => ({ robotId, stratum: 'rooms' })),
    excluded: [],
    history: fleet.robots.map(({ robotId }, robot) => ({
      robotId,
      cells: Array.from({ length: 28 }, (_, day) => ({
        day: Math.floor(nowMs / 86_400_000) - 1 - day,
        hour: 12,
        successes: 48 + ((robot + day) % 9),
        episodes: 60,
        policyVersion: '1.0.0',
      })),
    })),
    tasks: scitosG5Type.tasks,
    catalogue: scitosG5Type.tasks,
    candidateFraction: 0.2,
    effectFraction: 0.01,
    allowEquivalent: false,
    anchorLossFraction: null,
    approvalBefore: [],
  });
  if (draft.kind === 'impossible') throw new Error(`expected a plan, got none: ${draft.reason}`);
  return (await storePlan(fleet.store, draft.plan)).reference;
}

/** Ticks of one trial and looks of the monitor, one after the other. */
class Ticking {
  readonly #activities: JudgingThread['activities'];
  readonly #plan: PlanReference;
  readonly #originMs: number;
  #generation = -1;
  #ticks = 0;

  constructor(activities: JudgingThread['activities'], plan: PlanReference, originMs: number) {
    this.#activities = activities;
    this.#plan = plan;
    this.#originMs = originMs;
  }

  async tick(): Promise<Tick> {
    const startMs = performance.now();
    const before = process.cpuUsage();
    const question = { plan: this.#plan, originMs: this.#originMs, nowMs: Date.now() };
    const { generation } = await this.#activities.collectCells({ ...question, generation: this.#generation });
    this.#generation = generation;
    await this.#activities.judgeTick({
      ...question,
      generation,
      tick: this.#ticks++,
      stage: 0,
      hoursInStage: 1,
      hoursTotal: 1,
      exposures: [{ robots: 25, atMs: this.#originMs }],
      faultyRobots: [],
    });
    await this.#activities.observeFleet({
      policy: fleetPolicy,
      nowMs: Date.now(),
      dayMs: 86_400_000,
      limits: {},
      automaticRollback: false,
      rolledBack: null,
      drift: null,
      acknowledgements: [],
    });
    const { user, system } = process.cpuUsage(before);
    return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
  }
}

/** What robots report: each an outcome and its time online; the first one, at times, without measure. */
class Telling {
  sent = 0;
  stored = 0;
  readonly #client: Client;
  readonly #robots: readonly MeasuredRobot[];
  readonly #bootId = ulid();
  #seq = 0;

  constructor(client: Client, robots: readonly MeasuredRobot[]) {
    this.#client = client;
    this.#robots = robots;
  }

  async all(): Promise<void> {
    const seq = (this.#seq += 2);
    const base = { atMs: Date.now(), policyVersion: '1.0.0', trialId: null };
    const online = { ...base, kind: 'online', seq: seq + 1, durationMs: 60_000 };
    await inParallel(this.#robots, 50, async (robot) => {
      const { status } = await this.#tell(robot, this.#bootId, JSON.stringify([outcome(seq, realTask), online]));
      // The one that floods may have used up its share.
      const isSound = status === 200 || (status === 429 && robot === this.#robots[0]);
      if (!isSound) throw new Error(`expected 200 for an outcome, got ${status}`);
    });
  }

  /** Evenly over the time; what is refused is not sent again. */
  async flood(seconds: number): Promise<void> {
    const [robot] = this.#robots;
    if (robot === undefined) return;
    const batches = (realEntries + madeUpTasks) / entriesOfBatch;
    const startMs = performance.now();
    // Made once: what the robot costs is measured, not what it costs to play it.
    const [real, madeUp] = [realTask, 'made-up-BATCH'].map((task) => {
      const isReal = task === realTask;
      const tasks = Array.from({ length: entriesOfBatch }, (_, index) => (isReal ? task : `${task}-${index}`));
      return JSON.stringify(tasks.map((name, index) => outcome(2 * index, name)));
    }) as [string, string];
    const all = Array.from({ length: batches }, (_, batch) => batch);
    await inParallel(all, sendersOfFlood, async (batch) => {
      await sleep(Math.max(0, startMs + (batch / batches) * seconds * 1_000 - performance.now()));
      const entries = batch < realEntries / entriesOfBatch ? real : madeUp.replaceAll('BATCH', `${batch}`);
      const { status, text } = await this.#tell(robot, ulid(), entries);
      this.sent += entriesOfBatch;
      if (status === 200) this.stored += (JSON.parse(text) as { storedEntries: number }).storedEntries;
    });
  }

  #tell({ robotId, token }: MeasuredRobot, bootId: string, entries: string) {
    const headers = { authorization: bearer(token), 'content-type': 'application/json' };
    const body = Buffer.from(`{"bootId":"${bootId}","clockSkewMs":0,"entries":${entries}}`);
    return this.#client.send('POST', wirePaths.telemetry(robotId), headers, body);
  }
}

const outcome = (seq: number, task: string) => ({
  kind: 'episode',
  seq,
  atMs: Date.now(),
  policyVersion: '1.0.0',
  trialId: null,
  episodeId: ulid(),
  task,
  durationMs: 60_000,
  outcome: 'success',
  failureReason: null,
  intervened: false,
  latencyP50Ms: 3,
});
