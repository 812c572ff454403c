import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

import { testSigner } from '../../support/keys.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { fleetActivities, type FleetActivities } from '../../../activities/index.ts';
import type { Signer } from '../../../policies/signer.ts';
import type { Clock } from '../../../store/clock.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import type { TrialSlot } from '../../../activities/ports/trial-slot.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { randomFromSeed } from '../../../domain/statistics/index.ts';
import { addRobot, championDesk, openFleet, openTelemetryLog, type RobotView } from '../../../fleet/desk/index.ts';
import { fleetKeys, telemetryHour } from '../../../fleet/desk/keys.ts';
import { writePresence } from '../../../fleet/desk/presence.ts';
import type { TelemetryEntry } from '../../../fleet/protocol/index.ts';

export const policy = 'wall';
export const hourMs = 3_600_000;
const gatewayId = 'gateway-1';
const bootId = '01J00000000000000000000000';
/** A whole hour. */
export const startMs = Date.UTC(2026, 5, 1);

type EpisodeEntry = Partial<Extract<TelemetryEntry, { kind: 'episode' }>>;

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly episodes: number;
  readonly success: number;
}

/** A fleet on a memory store: robots, versions 1.0.0 (champion, baseline) and 1.1.0, telemetry and presence written as a gateway writes them. */
export interface TrialWorld {
  readonly store: ObjectStore;
  /** With what manifests are signed here. */
  readonly signer: Signer;
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
  live(robotId: string, version: string, span: Span): Promise<void>;
  /** One batch as a gateway stores it. */
  report(robotId: string, entries: readonly (EpisodeEntry & { seq: number })[], receivedMs?: number): Promise<void>;
  /** What a gateway sees now: who is online, what they run, and the order they hold. */
  see(
    versionOf: (robotId: string) => RobotView['version'],
    online?: (robotId: string) => boolean,
    heldSeq?: number | null,
  ): Promise<void>;
  /** Every robot lives the same span, written as one object, as a gateway groups them. */
  liveTogether(
    span: { fromMs: number; toMs: number },
    of: (robotId: string) => { version: string; episodes: number; success: number },
  ): Promise<void>;
  robotIds: readonly string[];
  close(): Promise<void>;
}

export interface TrialWorldOptions {
  /** Registered versions: 1.0.0, 1.1.0, … Default 2. */
  readonly versions?: number;
  /** Default: a clock that only the test moves. */
  readonly clock?: Clock;
  readonly slot?: TrialSlot;
}

const idleSlot: TrialSlot = {
  offer: async ({ candidateVersion }) => ({ kind: 'offered', answer: `${candidateVersion} begins` }),
};

export async function openTrialWorld(robots: number, options: TrialWorldOptions = {}): Promise<TrialWorld> {
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
  const signer = testSigner(directory);
  const robotIds = Array.from({ length: robots }, (_, index) => `robot-${String(index).padStart(3, '0')}`);
  const random = randomFromSeed('trial world');
  const nextSeq = new Map<string, number>();
  const world = { nowMs: startMs };
  const clock = options.clock ?? ((): number => world.nowMs);
  const ports = { store, clock, signer, desk: championDesk({ store }), codeBuild: 'test' };
  const activities = fleetActivities({
    ...ports,
    fleet: openFleet({ store, clock }),
    telemetry: openTelemetryLog(store),
    slot: options.slot ?? idleSlot,
  });

  for (const robotId of robotIds) {
    const robotType = { id: 'scitos-g5', version: 1 };
    const place = { site: 'hall', stratum: `hall-${Number(robotId.slice(-3)) % 2}` };
    await addRobot(
      { store, clock },
      { robotId, policy, robotType, ...place, tokenHashes: ['0'.repeat(64)], who: 't', why: 't' },
    );
  }
  for (const name of ['first', 'second', 'third'].slice(0, options.versions ?? 2)) {
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
    atMs: clock(),
    policyVersion: '1.0.0',
    trialId: null,
    episodeId: '01J00000000000000000000001',
    task: 'follow',
    // Some trials of tests compress a day into seconds.
    durationMs: 10,
    outcome: 'success',
    failureReason: null,
    intervened: false,
    latencyP50Ms: 3,
    ...more,
  });
  const lineOf = (robotId: string, entries: readonly unknown[], receivedMs: number): string =>
    `${JSON.stringify({ robotId, bootId, receivedMs, clockSkewMs: 0, entries })}\n`;
  async function write(lines: readonly string[], receivedMs: number): Promise<void> {
    const bytes = new TextEncoder().encode(lines.join(''));
    const digest = createHash('sha256').update(bytes).digest('hex');
    await store.put(`${fleetKeys.telemetryHour(policy, telemetryHour(receivedMs))}/${digest}`, bytes);
  }
  const lived = (robotId: string, version: string, span: Span): readonly unknown[] =>
    Array.from({ length: span.episodes }, (_, index) => {
      const isSuccess = random() < span.success;
      return episode(seqOf(robotId), {
        atMs: Math.floor(span.fromMs + ((span.toMs - span.fromMs) * (index + 0.5)) / span.episodes),
        policyVersion: version,
        outcome: isSuccess ? 'success' : 'failure',
        failureReason: isSuccess ? null : 'collision',
      });
    });
  const batches = (robotId: string, entries: readonly unknown[], receivedMs: number): string[] =>
    Array.from({ length: Math.ceil(entries.length / 200) }, (_, at) =>
      lineOf(robotId, entries.slice(at * 200, at * 200 + 200), receivedMs),
    );

  return {
    store,
    signer,
    activities,
    reads,
    robotIds,
    get nowMs() {
      return clock();
    },
    set nowMs(value) {
      world.nowMs = value;
    },
    call: (name, input) =>
      environment.run(activities[name] as unknown as (input: never) => Promise<never>, input as never),
    live: (robotId, version, span) =>
      write(batches(robotId, lived(robotId, version, span), span.toMs - 1), span.toMs - 1),
    async liveTogether({ fromMs, toMs }, of) {
      const lines = robotIds.flatMap((robotId) => {
        const { version, ...more } = of(robotId);
        return batches(robotId, lived(robotId, version, { fromMs, toMs, ...more }), toMs);
      });
      if (lines.length > 0) await write(lines, toMs);
    },
    async report(robotId, entries, receivedMs = clock()) {
      const line = lineOf(
        robotId,
        entries.map(({ seq, ...more }) => episode(seq, more)),
        receivedMs,
      );
      await write([line], receivedMs);
    },
    async see(versionOf, online = () => true, heldSeq = null) {
      await writePresence(store, policy, {
        gatewayId,
        sinceMs: startMs - 100 * hourMs,
        atMs: clock(),
        robots: robotIds.map((robotId) => ({
          robotId,
          installedVersion: versionOf(robotId),
          assignmentSeq: heldSeq,
          deliveredSeq: null,
          isBusy: false,
          droppedEpisodes: 0,
          lastSeenMs: online(robotId) ? clock() : clock() - 2 * hourMs,
          saidMs: online(robotId) ? clock() : clock() - 2 * hourMs,
        })),
      });
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A fleet of 40 robots with three days of one champion, and a rollout of the newest candidate that is planned and leased. */
export async function openPlannedRollout(
  trialId: string,
): Promise<{ world: TrialWorld; plan: { trialId: string; digest: string } }> {
  const world = await openTrialWorld(40);
  const fromMs = startMs - 3 * 24 * hourMs;
  await world.liveTogether({ fromMs, toMs: startMs }, () => ({ version: '1.0.0', episodes: 300, success: 0.85 }));
  const planned = await world.call('planTrial', { policy, kind: 'rollout', trialId, nowMs: world.nowMs });
  if (planned.kind !== 'planned') throw new Error(JSON.stringify(planned));
  await world.call('renewLease', { policy, trialId, atMs: world.nowMs, leaseMs: 24 * hourMs });
  return { world, plan: planned.plan };
}
