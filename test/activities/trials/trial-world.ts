import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

import { openFileSigner } from '../../../activities/adapters/file-signer.ts';
import { memoryObjectStore } from '../../../activities/adapters/memory-object-store.ts';
import { fleetActivities, type FleetActivities } from '../../../activities/index.ts';
import type { ObjectStore } from '../../../activities/ports.ts';
import { moveAliases } from '../../../activities/registry/aliases.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { randomFromSeed } from '../../../domain/statistics/index.ts';
import { addRobot, championDesk, type RobotView } from '../../../fleet/desk/index.ts';
import { fleetKeys, telemetryHour } from '../../../fleet/desk/keys.ts';
import { writePresence } from '../../../fleet/desk/presence.ts';
import type { TelemetryEntry } from '../../../fleet/protocol/index.ts';
import { openFleet, openTelemetry } from '../../../workers/open-fleet.ts';

export const policy = 'wall';
export const hourMs = 3_600_000;
const gatewayId = 'gateway-1';
const bootId = '01J00000000000000000000000';
/** A whole hour. */
export const startMs = Date.UTC(2026, 5, 1);

type EpisodeEntry = Partial<Extract<TelemetryEntry, { kind: 'episode' }>>;

/** A fleet on a memory store: robots, versions 1.0.0 (champion, baseline) and 1.1.0, telemetry and presence written as a gateway writes them. */
export interface TrialWorld {
  readonly store: ObjectStore;
  readonly activities: FleetActivities;
  nowMs: number;
  /** Keys read from the store so far. */
  readonly reads: string[];
  /** Runs an activity as a worker does. */
  call<Name extends keyof FleetActivities>(
    name: Name,
    input: Parameters<FleetActivities[Name]>[0],
  ): Promise<Awaited<ReturnType<FleetActivities[Name]>>>;
  /** Episodes of a robot that ended in `[fromMs, toMs)`, evenly, in one telemetry object. */
  live(
    robotId: string,
    version: string,
    span: { fromMs: number; toMs: number; episodes: number; success: number },
  ): Promise<void>;
  /** One batch as a gateway stores it. */
  report(robotId: string, entries: readonly (EpisodeEntry & { seq: number })[], receivedMs?: number): Promise<void>;
  /** What a gateway sees now: who is online and what they run. */
  see(versionOf: (robotId: string) => RobotView['version'], online?: (robotId: string) => boolean): Promise<void>;
  robotIds: readonly string[];
  close(): Promise<void>;
}

export async function openTrialWorld(robots: number): Promise<TrialWorld> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-trial-'));
  const reads: string[] = [];
  const memory = memoryObjectStore();
  const store: ObjectStore = {
    ...memory,
    get: (key, range) => {
      reads.push(key);
      return memory.get(key, range);
    },
  };
  const signer = openFileSigner(directory);
  const robotIds = Array.from({ length: robots }, (_, index) => `robot-${String(index).padStart(3, '0')}`);
  const random = randomFromSeed('trial world');
  const nextSeq = new Map<string, number>();
  const world = { nowMs: startMs };
  const clock = (): number => world.nowMs;
  const ports = { store, clock, signer, desk: championDesk({ store }), codeBuild: 'test' };
  const activities = fleetActivities({
    ...ports,
    fleet: openFleet({ store, clock }),
    telemetry: openTelemetry(store),
    slot: { offer: async ({ candidateVersion }) => ({ kind: 'offered', answer: `${candidateVersion} begins` }) },
  });

  for (const robotId of robotIds) {
    const robotType = { id: 'scitos-g5', version: 1 };
    const place = { site: 'hall', stratum: `hall-${Number(robotId.slice(-3)) % 2}` };
    await addRobot({ store, clock }, { robotId, policy, robotType, ...place, tokenHashes: [], who: 't', why: 't' });
  }
  for (const name of ['first', 'second']) {
    const bytes = new TextEncoder().encode(name);
    await store.put(`incoming/${name}`, bytes);
    await registerModel(ports)({
      policy,
      operationId: name,
      change: 'minor',
      parents: [],
      training: null,
      gates: [],
      metrics: {},
      robotType: { id: 'scitos-g5', version: 1, digest: 'e'.repeat(64) },
      sources: { 'model.onnx': `incoming/${name}` },
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
    });
  }
  await moveAliases(ports, { policy, operationId: 'baseline', who: 't', why: 't' }, () => ({
    champion: '1.0.0',
    baseline: '1.0.0',
    anchor: '1.0.0',
  }));

  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
  const seqOf = (robotId: string): number => {
    const seq = nextSeq.get(robotId) ?? 0;
    nextSeq.set(robotId, seq + 1);
    return seq;
  };
  const episode = (seq: number, more: EpisodeEntry): unknown => ({
    kind: 'episode',
    seq,
    atMs: world.nowMs,
    policyVersion: '1.0.0',
    trialId: null,
    episodeId: '01J00000000000000000000001',
    task: 'follow',
    durationMs: 60_000,
    outcome: 'success',
    failureReason: null,
    intervened: false,
    latencyP50Ms: 3,
    ...more,
  });
  async function write(robotId: string, entries: readonly unknown[], receivedMs: number): Promise<void> {
    const bytes = new TextEncoder().encode(
      `${JSON.stringify({ robotId, bootId, receivedMs, clockSkewMs: 0, entries })}\n`,
    );
    const digest = createHash('sha256').update(bytes).digest('hex');
    await store.put(`${fleetKeys.telemetryHour(policy, telemetryHour(receivedMs))}/${digest}`, bytes);
  }

  return {
    store,
    activities,
    reads,
    robotIds,
    get nowMs() {
      return world.nowMs;
    },
    set nowMs(value) {
      world.nowMs = value;
    },
    call: (name, input) =>
      environment.run(activities[name] as unknown as (input: never) => Promise<never>, input as never),
    async live(robotId, version, { fromMs, toMs, episodes, success }) {
      const all = Array.from({ length: episodes }, (_, index) => {
        const isSuccess = random() < success;
        return episode(seqOf(robotId), {
          atMs: Math.floor(fromMs + ((toMs - fromMs) * (index + 0.5)) / episodes),
          policyVersion: version,
          outcome: isSuccess ? 'success' : 'failure',
          failureReason: isSuccess ? null : 'collision',
        });
      });
      for (let at = 0; at < all.length; at += 200) await write(robotId, all.slice(at, at + 200), toMs - 1);
    },
    async report(robotId, entries, receivedMs = world.nowMs) {
      await write(
        robotId,
        entries.map(({ seq, ...more }) => episode(seq, more)),
        receivedMs,
      );
    },
    async see(versionOf, online = () => true) {
      await writePresence(store, policy, {
        gatewayId,
        sinceMs: startMs - 100 * hourMs,
        atMs: world.nowMs,
        robots: robotIds.map((robotId) => ({
          robotId,
          installedVersion: versionOf(robotId),
          assignmentSeq: null,
          deliveredSeq: null,
          isBusy: false,
          droppedEpisodes: 0,
          lastSeenMs: online(robotId) ? world.nowMs : world.nowMs - 2 * hourMs,
          saidMs: online(robotId) ? world.nowMs : world.nowMs - 2 * hourMs,
        })),
      });
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
