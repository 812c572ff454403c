import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { ulid } from 'ulid';

import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { bearer, wirePaths } from '../fleet/protocol/index.ts';
import { openFleet, type MeasuredRobot } from './fleet/open-fleet.ts';
import { startBenchGateway, startServerProcess } from './fleet/server-process.ts';
import { openClient, type Client } from './gateway-load/client.ts';

export interface GatewayClipsOptions {
  readonly robots: number;
  /** How long each half of a round lasts. */
  readonly seconds: number;
  /** Each without clips, then with them. */
  readonly rounds: number;
  readonly progress: (line: string) => void;
}

export interface GatewayClipsResult {
  readonly leg: 'gateway-clips';
  readonly robots: number;
  /** From sending to the whole answer, all rounds together: without clips, with them, and how many times longer. */
  readonly heartbeatP99Ms: number;
  readonly heartbeatWithClipsP99Ms: number;
  readonly heartbeatRatio: number;
  readonly telemetryP99Ms: number;
  readonly telemetryWithClipsP99Ms: number;
  readonly telemetryRatio: number;
  readonly samples: number;
  /** Bytes of parts that were stored, a second. */
  readonly clipMegabytesPerSecond: number;
  readonly clips: number;
  /** How often robots were asked to come again with a clip. */
  readonly busy: number;
  readonly gatewayRssBytes: number;
  /** Answers of heartbeats and telemetry with a status that no robot should see. */
  readonly failures: number;
}

/** Denser than robots are, so that the 99th of 100 is measured within a minute. */
const everyMs = 1_000;
const modelBytes = 300_000;

interface Half {
  readonly heartbeatsMs: number[];
  readonly telemetryMs: number[];
  failures: number;
}

/**
 * Heartbeats and telemetry of a fleet while every robot of it brings clips as fast as it may, against the same without clips, in turns. The
 * clips come from a process of their own with a lower priority, as the robots' processors are not the gateway's.
 */
export async function measureGatewayClips(options: GatewayClipsOptions): Promise<GatewayClipsResult> {
  const { robots, seconds, rounds, progress } = options;
  const fleet = await openFleet(robots, randomBytes(modelBytes), seeingType);
  const settings = { FLYWHEEL_GATEWAY_CLIP_FREE_MIB: '0', FLYWHEEL_GATEWAY_DAY_CLIP_MIB: '100000000' };
  const gateway = await startBenchGateway(fleet.directory, settings);
  const client = openClient(gateway.url);
  const [without, withClips]: [Half, Half] = [emptyHalf(), emptyHalf()];
  const seqs = new Map<string, number>();
  const script = fileURLToPath(new URL('gateway-load/clip-robots-main.ts', import.meta.url));
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await runHalf(client, fleet.robots, seqs, seconds, without);
      const bringers = await startServerProcess(script, {
        CLIP_ROBOTS: JSON.stringify({ url: gateway.url, robots: fleet.robots }),
      });
      try {
        await runHalf(client, fleet.robots, seqs, seconds, withClips);
      } finally {
        await bringers.stop();
      }
      progress(
        `round ${round}: heartbeats p99 ${p99(without.heartbeatsMs)}, with clips ${p99(withClips.heartbeatsMs)}`,
      );
    }
    const counters = await (await fetch(`${gateway.operationsUrl}/metrics`)).text();
    return describe(robots, seconds * rounds, without, withClips, counters);
  } finally {
    client.close();
    await gateway.stop();
    await fleet.close();
  }
}

const seeingType = {
  ...scitosG5Type,
  cameras: [
    {
      name: 'front',
      width: 640,
      height: 480,
      rateHz: 10,
      colour: 'rgb' as const,
      codec: 'jpeg' as const,
      learned: { width: 64, height: 48 },
      mayLeaveRobot: true,
    },
  ],
};

const emptyHalf = (): Half => ({ heartbeatsMs: [], telemetryMs: [], failures: 0 });

const p99 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1] ?? Number.NaN;

async function runHalf(
  client: Client,
  robots: readonly MeasuredRobot[],
  seqs: Map<string, number>,
  seconds: number,
  half: Half,
): Promise<void> {
  const bootId = ulid();
  const endMs = performance.now() + seconds * 1_000;
  const send = async ({ token }: MeasuredRobot, path: string, body: unknown, into: number[]): Promise<void> => {
    const headers = { authorization: bearer(token), 'content-type': 'application/json' };
    const reply = await client
      .send('POST', path, headers, Buffer.from(JSON.stringify(body)))
      .catch(() => ({ status: 0, elapsedMs: Number.POSITIVE_INFINITY }));
    into.push(reply.elapsedMs);
    if (reply.status !== 200) half.failures += 1;
  };
  await Promise.all(
    robots.map(async (robot, index) => {
      for (let dueMs = performance.now() + (index / robots.length) * everyMs; dueMs < endMs; dueMs += everyMs) {
        await sleep(Math.max(0, dueMs - performance.now()));
        const seq = seqs.get(robot.robotId) ?? 0;
        seqs.set(robot.robotId, seq + 1);
        await send(robot, wirePaths.heartbeat(robot.robotId), heartbeat(bootId), half.heartbeatsMs);
        await send(robot, wirePaths.telemetry(robot.robotId), outcome(bootId, seq), half.telemetryMs);
      }
    }),
  );
}

const heartbeat = (bootId: string) => ({
  bootId,
  clockMs: Date.now(),
  installedVersion: '1.0.0',
  assignmentSeq: null,
  isBusy: true,
  waiting: { sizeBytes: 0, segments: 0, telemetryEntries: 0 },
  droppedEpisodes: 0,
});

const outcome = (bootId: string, seq: number) => {
  const ran = { policyVersion: '1.0.0', trialId: null, task: 'wall-following', intervened: false };
  const result = { outcome: 'success', failureReason: null, durationMs: 60_000, latencyP50Ms: 3 };
  const entry = { kind: 'episode', seq, atMs: Date.now(), episodeId: ulid(), ...ran, ...result };
  return { bootId, clockSkewMs: 0, entries: [entry] };
};

function describe(robots: number, seconds: number, without: Half, withClips: Half, counters: string) {
  const counted = (name: string): number =>
    [...counters.matchAll(new RegExp(`^${name} (\\S+)$`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
  const [heartbeatP99Ms, heartbeatWithClipsP99Ms] = [p99(without.heartbeatsMs), p99(withClips.heartbeatsMs)];
  const [telemetryP99Ms, telemetryWithClipsP99Ms] = [p99(without.telemetryMs), p99(withClips.telemetryMs)];
  return {
    leg: 'gateway-clips' as const,
    robots,
    heartbeatP99Ms,
    heartbeatWithClipsP99Ms,
    heartbeatRatio: heartbeatWithClipsP99Ms / heartbeatP99Ms,
    telemetryP99Ms,
    telemetryWithClipsP99Ms,
    telemetryRatio: telemetryWithClipsP99Ms / telemetryP99Ms,
    samples: withClips.heartbeatsMs.length,
    clipMegabytesPerSecond: counted('flywheel_gateway_clip_bytes_total') / 1e6 / seconds,
    clips: counted('flywheel_gateway_clips_total\\{outcome="stored"\\}'),
    busy: counted('flywheel_gateway_clips_refused_total\\{reason="overloaded"\\}'),
    gatewayRssBytes: counted('process_resident_memory_bytes'),
    failures: without.failures + withClips.failures,
  };
}
