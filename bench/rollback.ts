import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Client, Connection } from '@temporalio/client';

import { duckDbEngine } from '../activities/adapters/duckdb-engine.ts';
import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { startTemporalServer } from '../demo/temporal-server.ts';
import { startWorkers } from '../demo/workers.ts';
import { openFleetReader } from '../fleet/desk/index.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';
import type { RollbackResult } from '../workflows/trial/messages.ts';
import { fleetPolicy, openFleet, type OpenFleet } from './fleet/open-fleet.ts';
import { startBenchGateway } from './fleet/server-process.ts';
import { landWeek } from './landing-content.ts';
import type { Running, Work } from './rollback/working-robots.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

export interface RollbackBenchOptions {
  /** 500 is the design load. */
  readonly robots: number;
  readonly rounds: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

export interface RollbackBenchResult {
  readonly leg: 'rollback';
  readonly robots: number;
  readonly rounds: number;
  /** From the alarm, which is the start of the rollback, to its end: every online robot has confirmed. */
  readonly medianMs: number;
  readonly worstMs: number;
  /** Collections and trainings that ended while rounds ran: the load beside them. */
  readonly loads: number;
}

const orchestration = 'orchestration';
const exposureLimitMs = 300_000;
const by = { who: 'bench', why: 'a candidate that will do harm' };

/**
 * Puts all robots but a holdback of 5 % on a candidate and takes them back, while episodes of 60 to 120 s run on every robot
 * and a collection and a training keep the other workers busy. Real server, workers, gateway and agents, on one machine.
 */
export async function measureRollback(options: RollbackBenchOptions): Promise<RollbackBenchResult> {
  const { robots, rounds, seed, progress } = options;
  progress(`registering ${robots} robots`);
  const fleet = await openFleet(robots, tinyPolicy(scitosG5Type, seed));
  const stops: (() => Promise<unknown>)[] = [() => fleet.close()];
  try {
    const champion = '1.0.0';
    const candidate = await fleet.register(tinyPolicy(scitosG5Type, seed + 1));
    const gateway = await startBenchGateway(fleet.directory);
    stops.push(() => gateway.stop());
    const client = await startOrchestrator(fleet, stops);
    const work = { robots: [...fleet.robots], directory: join(fleet.directory, 'robots'), seed };
    const fleetProcess = await startRobots({ ...work, gatewayUrl: gateway.url, root: fleet.rootDocument });
    stops.push(() => fleetProcess.stop());
    progress('every robot is connected');

    const load = keepBusy(client, fleet, options);
    stops.push(() => load.stop());
    const exposed = Math.floor(0.95 * robots);
    const takenMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await expose(fleet, { round, exposed, champion, candidate });
      await reached(fleetProcess, (running) => (running[candidate] ?? 0) === exposed, `${exposed} on ${candidate}`);
      const startMs = performance.now();
      const result = await rollBack(client, round);
      takenMs.push(performance.now() - startMs);
      const running = await fleetProcess.running();
      if (result.confirmed.length !== robots || running[champion] !== robots)
        throw new Error(`expected ${robots} robots back on ${champion}, got ${JSON.stringify({ running, result })}`);
      progress(`round ${round + 1}: ${robots} robots confirmed after ${Math.round(takenMs.at(-1) ?? 0)} ms`);
    }
    if (load.ended() === 0)
      throw new Error('expected collections and trainings beside the rollbacks, none of them ended well');
    const sorted = takenMs.toSorted((a, b) => a - b);
    const [medianMs, worstMs] = [sorted[Math.floor(rounds / 2)] ?? Number.NaN, sorted.at(-1) ?? Number.NaN];
    return { leg: 'rollback', robots, rounds, medianMs, worstMs, loads: load.ended() };
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Server and workers as `temporal-dev.sh` starts them. */
async function startOrchestrator(fleet: OpenFleet, stops: (() => Promise<unknown>)[]): Promise<Client> {
  const logs = join(fleet.directory, 'logs');
  mkdirSync(logs, { recursive: true });
  const server = await startTemporalServer({
    databaseFile: join(fleet.directory, 'temporal.db'),
    logFile: join(logs, 'temporal.log'),
  });
  stops.push(server.stop);
  const environment = {
    FLYWHEEL_STORE: join(fleet.directory, 'store'),
    FLYWHEEL_KEYS: join(fleet.directory, 'keys'),
    FLYWHEEL_SCRATCH: join(fleet.directory, 'scratch'),
    FLYWHEEL_TEMPORAL_ADDRESS: server.address,
    FLYWHEEL_LOG_LEVEL: 'error',
    TZ: 'UTC',
  };
  const lock = { remember: () => undefined };
  const workers = await startWorkers({ environment, logs, lock, say });
  for (const worker of workers) stops.push(() => worker.stop());
  const connection = await Connection.connect({ address: server.address });
  stops.push(() => connection.close());
  return new Client({ connection });
}

interface RobotsProcess {
  running(): Promise<Running>;
  stop(): Promise<void>;
}

async function startRobots(work: Work): Promise<RobotsProcess> {
  const child: ChildProcess = fork(fileURLToPath(new URL('rollback/robots-process.ts', import.meta.url)), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const died = once(child, 'exit').then(([code]): never => {
    throw new Error(`expected the robots to live on, they ended with ${String(code)}`);
  });
  died.catch(() => undefined);
  const ask = async (message: object): Promise<Running> => {
    const answered = once(child, 'message');
    child.send(message);
    const [running] = (await Promise.race([answered, died])) as [Running];
    return running;
  };
  await ask(work);
  return {
    running: () => ask({ question: 'running' }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** The assignment of a trial's last stage, written as its activity would; the lease outlives the round. */
async function expose(
  fleet: OpenFleet,
  what: { round: number; exposed: number; champion: string; candidate: string },
): Promise<void> {
  const { round, exposed, champion, candidate } = what;
  const { desk } = fleet;
  const { seq } = await openFleetReader({ store: fleet.store, clock: Date.now }).readAssignments(fleetPolicy);
  const trialId = `bench-${round}`;
  const robotIds = fleet.robots.slice(0, exposed).map(({ robotId }) => robotId);
  const overrides = [{ version: candidate, trialId, urgency: 'safeStop' as const, robotIds }];
  const snapshot = { defaultVersion: champion, championVersion: champion, trialId: null, overrides };
  const origin = { operationId: trialId, ...by, atMs: Date.now() };
  await desk.renewLease({ policy: fleetPolicy, trialId, atMs: Date.now() });
  const record = { kind: 'assign' as const, urgency: 'safeStop' as const, ...snapshot, ...origin };
  const written = await desk.write({ policy: fleetPolicy, seq: seq + 1, record });
  if (written.kind !== 'written') throw new Error(`expected the exposure to be written, got ${written.kind}`);
}

async function reached(fleet: RobotsProcess, is: (running: Running) => boolean, expected: string): Promise<void> {
  const endMs = performance.now() + exposureLimitMs;
  for (;;) {
    const running = await fleet.running();
    if (is(running)) return;
    if (performance.now() > endMs)
      throw new Error(`expected ${expected} within ${exposureLimitMs / 1_000} s, got ${JSON.stringify(running)}`);
    await sleep(250);
  }
}

async function rollBack(client: Client, round: number): Promise<RollbackResult> {
  const handle = await client.workflow.start('rollbackPolicy', {
    workflowId: workflowIds.rollbackPolicy(fleetPolicy),
    taskQueue: orchestration,
    args: [{ policy: fleetPolicy, reason: `harm seen in round ${round}`, who: 'bench', confirmEveryMs: 250 }],
  });
  return (await handle.result()) as RollbackResult;
}

/** A workflow's failure says what failed at its end only. */
function innermost(error: unknown): string {
  if (error instanceof Error && error.cause !== undefined) return innermost(error.cause);
  return error instanceof Error ? error.message : String(error);
}

/** A collection after the other, and beside them a training after the other, until it is stopped. */
function keepBusy(
  client: Client,
  fleet: OpenFleet,
  { seed, progress }: RollbackBenchOptions,
): { ended(): number; stop(): Promise<void> } {
  let ended = 0;
  const stopping = new AbortController();
  const repeat = async (act: (turn: number) => Promise<void>): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1)
      await act(turn).catch((error: unknown) => {
        if (!stopping.signal.aborted) progress(`the load beside it: ${innermost(error)}`);
        return sleep(1_000);
      });
  };
  const week = { robots: 2, episodesPerRobotHour: 42, framesPerEpisode: 20 };
  const scratchDirectory = join(fleet.directory, 'landing');
  const engine = duckDbEngine({ temporaryDirectory: join(fleet.directory, 'spill'), threads: 1 });
  const run = async (type: string, workflowId: string, input: object): Promise<void> => {
    const handle = await client.workflow.start(type, { workflowId, taskQueue: orchestration, args: [input] });
    if (stopping.signal.aborted) await handle.cancel();
    running.add(handle);
    try {
      await handle.result();
      ended += 1;
    } finally {
      running.delete(handle);
    }
  };
  const running = new Set<{ cancel(): Promise<unknown> }>();
  const collecting = repeat(async (turn) => {
    mkdirSync(scratchDirectory, { recursive: true });
    const session = await engine.open();
    try {
      await landWeek({ store: fleet.store, session, scratchDirectory }, { ...week, seed: seed + turn });
    } finally {
      await session.close();
    }
    await run('collectExperience', workflowIds.collectExperience(scitosG5Type.id), { policy: fleetPolicy });
  });
  const training = repeat(async (turn) => {
    if (ended === 0) await sleep(1_000);
    else await run('trainPolicy', `train/bench-${turn}`, { policy: fleetPolicy });
  });
  return {
    ended: () => ended,
    async stop() {
      stopping.abort();
      await Promise.allSettled([...running].map((handle) => handle.cancel()));
      await Promise.allSettled([collecting, training]);
    },
  };
}
