import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { concludeCollection } from '../../activities/collection/conclude-collection.ts';
import { ingestBatch } from '../../activities/collection/ingest-batch.ts';
import { openLake } from '../../activities/lake/lake.ts';
import { planCollection } from '../../activities/collection/plan-collection.ts';
import { openFleet, type OpenFleet } from '../../bench/fleet/open-fleet.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { readTelemetry } from '../../fleet/desk/index.ts';
import { parseScenario } from '../../fleet/simulator/scenario.ts';
import { simulateFleet } from '../../fleet/simulator/simulate-fleet.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { freePort } from '../../demo/processes.ts';

export interface WeekOptions {
  readonly robots: number;
  readonly episodesPerRobotDay: number;
  /** Disk quota of each robot: the one that is away for days must not hold them all. */
  readonly quotaBytes: number;
}

/** Where every episode of the week went, and every copy of one that came twice. */
export interface WeekAccount {
  readonly made: number;
  readonly sentAgain: number;
  readonly stored: number;
  readonly alreadyStored: number;
  readonly quarantined: number;
  readonly dropped: number;
  /** In the lake, each id once. */
  readonly distinctStored: number;
  /** As telemetry tells it, each once. */
  readonly reportedOutcomes: number;
  readonly reportedDropped: number;
  readonly lostAnswers: number;
  readonly gatewayKills: number;
}

const days = 7;
const dayMs = 86_400_000;
const framesPerEpisode = 20;
const robotType = { id: scitosG5Type.id, version: scitosG5Type.version };
/** The first robot is away on these days, half-open. Of the others, by position: one damages its files, one has a dead sensor. */
const away = { start: 1, end: 6 };
const damaging = { robot: 0, day: 2 };
const deadSensorRobot = 1;
const stormDay = 3;
const killDay = 5;
const child = fileURLToPath(new URL('../support/children/run-shifted-gateway.ts', import.meta.url));

/**
 * A week of a fleet, a day a few seconds: real agents, a gateway in a process of its own, landing, two collections into the
 * lake. One robot is away for five days, one uploads damaged files for a day, one has a dead sensor; on one day every
 * answer to an upload is lost, on another the gateway is killed.
 */
export async function liveCompressedWeek(options: WeekOptions): Promise<WeekAccount> {
  const fleet = await openFleet(options.robots, tinyPolicy(scitosG5Type, 1));
  const gateway = await killableGateway(fleet);
  const collect = await collector(fleet);
  const counts = { made: 0, dropped: 0, lostAnswers: 0, uploads: 0, gatewayKills: 0 };
  let day = 0;
  const [traveller, ...others] = fleet.robots;
  const isAway = (): boolean => day >= away.start && day < away.end;
  const telemetryAnswersLost = new Map<string, number>();

  /** Whether the answer to this request gets lost on its way. */
  function losesAnswer(robotId: string, url: string): boolean {
    if (day !== stormDay) return false;
    if (url.includes('/segments/')) return true;
    const lost = telemetryAnswersLost.get(robotId) ?? 0;
    if (!url.endsWith('/telemetry') || lost >= 2) return false;
    telemetryAnswersLost.set(robotId, lost + 1);
    return true;
  }

  async function send(url: string, init: RequestInit): Promise<Response> {
    const robotId = /\/v1\/robots\/([^/]+)\//.exec(url)?.[1] ?? '';
    if (robotId === traveller?.robotId && isAway()) throw new TypeError('the network is away');
    if (url.includes('/segments/')) {
      counts.uploads += 1;
      if (day === killDay && counts.gatewayKills === 0 && counts.uploads > options.robots / 3) {
        counts.gatewayKills += 1;
        await gateway.restart();
      }
    }
    const response = await fetch(url, init);
    if (!response.ok || !losesAnswer(robotId, url)) return response;
    await response.arrayBuffer();
    counts.lostAnswers += 1;
    throw new TypeError('the answer was lost');
  }

  async function live(): Promise<void> {
    const shiftMs = (day - days + 1) * dayMs;
    gateway.setClock(shiftMs);
    counts.uploads = 0;
    // Nobody waits for the uploads of the one that is away, nor for answers that are lost.
    const waitMs = day === stormDay ? 3_000 : 60_000;
    const results = await Promise.all([
      simulate(others, shiftMs, waitMs),
      simulate(traveller === undefined ? [] : [traveller], shiftMs, isAway() ? 0 : waitMs),
    ]);
    for (const result of results) {
      assert.equal(result.interruptedEpisodes + result.lostFrames, 0);
      counts.made += result.endedEpisodes;
    }
    // Robots keep count of what they ever dropped.
    counts.dropped = results.reduce((total, result) => total + result.droppedEpisodes, 0);
  }

  function simulate(robots: OpenFleet['robots'], shiftMs: number, drainMs: number) {
    const scenario = parseScenario({
      framesPerEpisode,
      quirks: robots === others ? [{ robots: [deadSensorRobot], deadSensor: 5 }] : [],
      faults: robots === others && day === damaging.day ? [{ kind: 'corruptSegment', robots: [damaging.robot] }] : [],
    });
    return simulateFleet({
      robots,
      directory: join(fleet.directory, 'robots'),
      scenario: () => scenario,
      seed: 100 + day,
      episodesPerRobot: options.episodesPerRobotDay,
      isRealTime: false,
      runtime: onnxRuntime(),
      drainMs,
      agent: {
        gatewayUrl: gateway.url,
        robotType: scitosG5Type,
        root: fleet.rootDocument,
        clock: () => Date.now() + shiftMs,
        monotonic: () => performance.now(),
        fetch: send,
        log: () => undefined,
        limits: {
          tickMs: 100,
          backOff: { firstMs: 20, longestMs: 1_000 },
          requestTimeoutMs: 10_000,
          quotaBytes: options.quotaBytes,
        },
      },
    });
  }

  try {
    let sentAgain = 0;
    const collections: Awaited<ReturnType<typeof collect>>[] = [];
    for (day = 0; day < days; day += 1) {
      await live();
      if (day !== stormDay) continue;
      // All of it arrived, no robot knows: what is collected now comes again tomorrow.
      sentAgain = await arrivedAndKept(fleet);
      collections.push(await collect('mid-week'));
    }
    collections.push(await collect('end of week'));
    const sum = (of: (each: (typeof collections)[number]) => number): number =>
      collections.reduce((total, each) => total + of(each), 0);
    return {
      made: counts.made,
      sentAgain,
      stored: sum((each) => each.episodesStored),
      alreadyStored: sum((each) => each.alreadyStored),
      // Damaged files are refused whole; the robot that made them brought nothing else that day.
      quarantined: sum((each) => each.quarantinedEpisodes) + options.episodesPerRobotDay,
      dropped: counts.dropped,
      distinctStored: await collect.distinctEpisodes(),
      ...(await reported(fleet)),
      lostAnswers: counts.lostAnswers,
      gatewayKills: counts.gatewayKills,
    };
  } finally {
    await gateway.stop();
    await fleet.close();
  }
}

/** Episodes in segments that lie in landing and still on a robot's disk. */
async function arrivedAndKept(fleet: OpenFleet): Promise<number> {
  const landed = new Set<string>();
  for await (const { key } of fleet.store.list('landing/')) landed.add(/([0-9a-f]{64})\.parquet$/.exec(key)?.[1] ?? '');
  let episodes = 0;
  for (const { robotId } of fleet.robots)
    for (const name of await readdir(join(fleet.directory, 'robots', robotId, 'segments'))) {
      const [, count, sha256] = /^\d{12}\.[a-z]+\.(\d+)\.([0-9a-f]{64})\.parquet$/.exec(name) ?? [];
      if (sha256 !== undefined && landed.has(sha256)) episodes += Number(count);
    }
  return episodes;
}

async function reported(fleet: OpenFleet): Promise<{ reportedOutcomes: number; reportedDropped: number }> {
  let [reportedOutcomes, reportedDropped] = [0, 0];
  const [startMs, endMs] = [Date.now() - (days + 1) * dayMs, Date.now() + dayMs];
  for await (const { entry } of readTelemetry(fleet.store, 'wall-follower', startMs, endMs)) {
    if (entry.kind === 'episode') reportedOutcomes += 1;
    if (entry.kind === 'dropped') reportedDropped += entry.successes + entry.others;
  }
  return { reportedOutcomes, reportedDropped };
}

/** The activities of `collectExperience`, one after the other. */
async function collector(fleet: OpenFleet) {
  const { store } = fleet;
  const scratchDirectory = join(fleet.directory, 'collect');
  await mkdir(scratchDirectory, { recursive: true });
  const engine = duckDbEngine({ temporaryDirectory: scratchDirectory, threads: 1 });
  const lake = openLake({ store, engine, clock: Date.now, stagingDirectory: scratchDirectory });
  const ports = { store, engine, lake, scratchDirectory, progress: () => undefined };
  const collect = async (cycleId: string) => {
    const startedFrom = await lake.currentVersion();
    const { manifestKey, batches } = await planCollection(ports)({ cycleId, robotType });
    for (let batch = 0; batch < batches; batch += 1)
      await ingestBatch(ports)({ cycleId, manifestKey, batch, robotType });
    return concludeCollection(ports)({ cycleId, manifestKey, robotType, startedFrom });
  };
  const distinctEpisodes = async (): Promise<number> => {
    const { episodes } = await lake.currentVersion();
    const session = await engine.open();
    try {
      const [row] = await session.rows(
        `SELECT count(*) AS n, count(DISTINCT episode_id) AS ids FROM ${await lake.scan('episodes', episodes)}`,
      );
      assert.equal(row?.['n'], row?.['ids']);
      return Number(row?.['ids']);
    } finally {
      await session.close();
    }
  };
  return Object.assign(collect, { distinctEpisodes });
}

/** A gateway in its own process, always on the same port. */
async function killableGateway(fleet: OpenFleet) {
  const port = await freePort();
  let shiftMs = 0;
  let running: ChildProcess;
  const start = async (): Promise<void> => {
    running = spawn(process.execPath, [child], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        FLYWHEEL_STORE: join(fleet.directory, 'store'),
        FLYWHEEL_SCRATCH: join(fleet.directory, 'scratch'),
        FLYWHEEL_LOG_LEVEL: 'silent',
        FLYWHEEL_GATEWAY_PORT: String(port),
        FLYWHEEL_GATEWAY_OPERATIONS_PORT: '0',
        FLYWHEEL_GATEWAY_COMMIT_MS: '200',
      },
    });
    running.send({ shiftMs });
    await once(running, 'message');
  };
  const kill = async (): Promise<void> => {
    const exited = once(running, 'exit');
    running.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    setClock(byMs: number) {
      shiftMs = byMs;
      running.send({ shiftMs });
    },
    async restart() {
      await kill();
      await start();
    },
    stop: kill,
  };
}

/** Holds the account against the sum that must come out, and prints it. */
export function checkAccount(account: WeekAccount): void {
  const lines = Object.entries(account).map(([name, value]) => `      ${name.padEnd(18)}${value}`);
  process.stdout.write(`${lines.join('\n')}\n`);
  const { made, sentAgain, stored, alreadyStored, quarantined, dropped } = account;
  assert.equal(made + sentAgain, stored + alreadyStored + quarantined + dropped);
  assert.equal(account.distinctStored, stored);
  assert.equal(account.reportedOutcomes, made);
  assert.equal(account.reportedDropped, dropped);
  assert.ok(sentAgain > 0 && alreadyStored > 0 && quarantined > 0 && dropped > 0 && account.lostAnswers > 0);
  assert.equal(account.gatewayKills, 1);
}
