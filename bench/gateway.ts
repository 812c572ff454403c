import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { ulid } from 'ulid';

import { bearer, segmentContentType, wireHeaders, wirePaths } from '../fleet/protocol/index.ts';
import { openClient, type Client } from './gateway-load/client.ts';
import { fleetPolicy, openFleet, type MeasuredRobot, type OpenFleet } from './fleet/open-fleet.ts';
import { startBenchGateway } from './fleet/server-process.ts';

export interface GatewayBenchOptions {
  /** 500 is the design load. */
  readonly robots: number;
  /** How long traffic is measured, after every robot has connected. */
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

export interface GatewayBenchResult {
  readonly leg: 'gateway';
  readonly robots: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Heartbeats, from sending to the whole answer, by the robots' clock. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Of the gateway's process. */
  readonly cpuCores: number;
  readonly rssBytes: number;
  /** From writing an assignment to the last robot's answer. */
  readonly orderToLastRobotMs: number;
  /** Answers with a status that no robot should see. */
  readonly failures: number;
}

/** One heartbeat every 30 s, one outcome every 86.4 s (1,000 episodes a day), one segment of 10 episodes. */
const heartbeatEveryMs = 30_000;
const episodeEveryMs = 86_400;
const episodesPerSegment = 10;
/** 10 episodes of 20 frames of 24 numbers, as the recorder writes them. */
const segmentBytes = 40_000;
const longPollMs = 30_000;
const modelBytes = 300_000;

/** The traffic of a fleet at the design's load, from this process, against a gateway in its own. */
export async function measureGateway(options: GatewayBenchOptions): Promise<GatewayBenchResult> {
  const { robots, seconds, progress } = options;
  progress(`registering ${robots} robots`);
  const fleet = await openFleet(robots, randomBytes(modelBytes));
  const gateway = await startBenchGateway(fleet.directory);
  const client = openClient(gateway.url);
  const load = new Load(fleet, client);
  try {
    await load.connect();
    progress(`every robot is connected; measuring for ${seconds} s`);
    const before = await usage(gateway.operationsUrl ?? '');
    const endMs = performance.now() + seconds * 1_000;
    await load.run(endMs);
    const after = await usage(gateway.operationsUrl ?? '');
    progress('ordering anew');
    const orderToLastRobotMs = await load.order();
    const heartbeats = load.heartbeatsMs.toSorted((a, b) => a - b);
    const at = (fraction: number): number => heartbeats[Math.ceil(fraction * heartbeats.length) - 1] ?? Number.NaN;
    return {
      leg: 'gateway',
      robots,
      seconds,
      requestsPerSecond: load.requests / seconds,
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
      cpuCores: (after.cpuSeconds - before.cpuSeconds) / ((after.atMs - before.atMs) / 1_000),
      rssBytes: after.rssBytes,
      orderToLastRobotMs,
      failures: load.failures,
    };
  } finally {
    load.stop();
    client.close();
    await gateway.stop();
    await load.ended();
    await fleet.close();
  }
}

class Load {
  readonly heartbeatsMs: number[] = [];
  requests = 0;
  failures = 0;
  readonly #fleet: OpenFleet;
  readonly #client: Client;
  readonly #bootId = ulid();
  readonly #seqs = new Map<string, number>();
  #isRunning = true;
  #seen = new Map<string, number>();
  #polls: Promise<void>[] = [];

  constructor(fleet: OpenFleet, client: Client) {
    this.#fleet = fleet;
    this.#client = client;
  }

  async connect(): Promise<void> {
    for (const robot of this.#fleet.robots) {
      const first = await this.#ask(robot, undefined);
      this.#polls.push(this.#poll(robot, first));
    }
  }

  /** Spreads each robot's requests evenly, as robots that started at any time do. */
  async run(endMs: number): Promise<void> {
    this.requests = 0;
    await Promise.all(
      this.#fleet.robots.flatMap((robot, index) => {
        const phase = index / this.#fleet.robots.length;
        return [
          this.#every(heartbeatEveryMs, phase, endMs, () => this.#heartbeat(robot)),
          this.#every(episodeEveryMs, phase, endMs, () => this.#outcome(robot)),
          this.#every(episodeEveryMs * episodesPerSegment, phase, endMs, () => this.#segment(robot)),
        ];
      }),
    );
  }

  /** Writes an assignment as a workflow's activity would, and waits until every robot holds it. */
  async order(): Promise<number> {
    const startMs = performance.now();
    const version = '1.0.0';
    const who = { operationId: 'bench', who: 'bench', why: 'bench', atMs: Date.now() };
    const snapshot = { defaultVersion: version, championVersion: version, trialId: null, overrides: [] };
    const record = { kind: 'assign' as const, urgency: 'safeStop' as const, ...snapshot, ...who };
    await this.#fleet.desk.write({ policy: fleetPolicy, seq: 0, record });
    while (this.#seen.size < this.#fleet.robots.length) {
      if (performance.now() - startMs > 60_000) throw new Error('expected every robot to hear the order within 60 s');
      await sleep(5);
    }
    return Math.max(...this.#seen.values()) - startMs;
  }

  stop(): void {
    this.#isRunning = false;
  }

  async ended(): Promise<void> {
    await Promise.allSettled(this.#polls);
  }

  async #every(periodMs: number, phase: number, endMs: number, act: () => Promise<void>): Promise<void> {
    let dueMs = performance.now() + phase * periodMs;
    while (dueMs < endMs) {
      await sleep(Math.max(0, dueMs - performance.now()));
      await act().catch(() => {
        this.failures += 1;
      });
      dueMs += periodMs;
    }
  }

  async #poll(robot: MeasuredRobot, first: string): Promise<void> {
    let etag = first;
    while (this.#isRunning) etag = await this.#ask(robot, etag).catch(() => sleep(1_000).then(() => etag));
  }

  async #ask({ robotId, token }: MeasuredRobot, etag: string | undefined): Promise<string> {
    const held: Record<string, string> = etag === undefined ? {} : { 'if-none-match': etag };
    const path = wirePaths.desired(robotId, etag === undefined ? 0 : longPollMs);
    const reply = await this.#client.send('GET', path, {
      authorization: bearer(token),
      [wireHeaders.orders]: 'signed',
      ...held,
    });
    this.requests += 1;
    if (reply.status === 200 && reply.text.includes('"seq":0')) this.#seen.set(robotId, performance.now());
    else if (reply.status !== 200 && reply.status !== 304) this.failures += 1;
    return reply.headers.etag ?? '';
  }

  async #heartbeat(robot: MeasuredRobot): Promise<void> {
    const elapsedMs = await this.#post(robot, wirePaths.heartbeat(robot.robotId), {
      bootId: this.#bootId,
      clockMs: Date.now(),
      installedVersion: '1.0.0',
      assignmentSeq: null,
      isBusy: true,
      waiting: { sizeBytes: 0, segments: 0, telemetryEntries: 0 },
      droppedEpisodes: 0,
    });
    this.heartbeatsMs.push(elapsedMs);
  }

  async #outcome(robot: MeasuredRobot): Promise<void> {
    const seq = this.#seqs.get(robot.robotId) ?? 0;
    this.#seqs.set(robot.robotId, seq + 1);
    const ran = { policyVersion: '1.0.0', trialId: null, task: 'wall-following', intervened: false };
    const outcome = { outcome: 'success', failureReason: null, durationMs: 60_000, latencyP50Ms: 3 };
    const entry = { kind: 'episode', seq, atMs: Date.now(), episodeId: ulid(), ...ran, ...outcome };
    const batch = { bootId: this.#bootId, clockSkewMs: 0, entries: [entry] };
    await this.#post(robot, wirePaths.telemetry(robot.robotId), batch);
  }

  async #segment({ robotId, token }: MeasuredRobot): Promise<void> {
    const bytes = randomBytes(segmentBytes);
    const path = wirePaths.segment(robotId, createHash('sha256').update(bytes).digest('hex'));
    const headers = { authorization: bearer(token), 'content-type': segmentContentType };
    const { status } = await this.#client.send('PUT', path, headers, bytes);
    this.requests += 1;
    if (status !== 201) this.failures += 1;
  }

  async #post({ token }: MeasuredRobot, path: string, body: unknown): Promise<number> {
    const headers = { authorization: bearer(token), 'content-type': 'application/json' };
    const { status, elapsedMs } = await this.#client.send('POST', path, headers, Buffer.from(JSON.stringify(body)));
    this.requests += 1;
    if (status !== 200) this.failures += 1;
    return elapsedMs;
  }
}

async function usage(operationsUrl: string): Promise<{ cpuSeconds: number; rssBytes: number; atMs: number }> {
  const text = await (await fetch(`${operationsUrl}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    cpuSeconds: value('process_cpu_seconds_total'),
    rssBytes: value('process_resident_memory_bytes'),
    atMs: performance.now(),
  };
}
