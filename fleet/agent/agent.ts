import { readFileSync } from 'node:fs';
import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ulid } from 'ulid';

import type { Outcome } from '../../datasets/columns.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { robotIdSchema, wireLimits } from '../protocol/index.ts';
import { openContact } from './contact.ts';
import { lockDirectory } from './directory-lock.ts';
import type { Frame } from './episode-recorder.ts';
import { createExchange } from './exchange.ts';
import { createGatewayClient, type Answered, type Fetch } from './gateway-client.ts';
import { openInstallReports } from './install-reports.ts';
import { openInstallationFile } from './installation-file.ts';
import { isSeq } from './installation.ts';
import type { AtPoint } from './kill-points.ts';
import { defaultLimits, type AgentLimits } from './limits.ts';
import { repeat } from './loops.ts';
import { openModelFolder } from './model-folder.ts';
import type { PolicyRuntime } from './policy-runtime.ts';
import { momentOf, openRecording } from './recording.ts';
import { syncToDisk, type SyncDescriptor } from './spool.ts';
import { createSteward, type ActivePolicy, type Steward } from './steward.ts';
import {
  betterGatewayTime,
  skewAt,
  type GatewayTime,
  type MachineMoment,
  type MonotonicClock,
  type WallClock,
} from './times.ts';
import { createBell } from './waiting.ts';

export const agentVersion = '0.1.0';

export interface AgentOptions {
  readonly robotId: string;
  readonly gatewayUrl: string;
  readonly token: string;
  /** Folder of this robot alone; made when missing. */
  readonly directory: string;
  readonly robotType: RobotType;
  /** PEM of the key that signs the fleet's models: the only one this robot trusts. */
  readonly publicKeyPem: string;
  readonly clock: WallClock;
  readonly monotonic: MonotonicClock;
  /** Changes with every boot of the machine, when `monotonic` starts anew; Linux's own unless given. */
  readonly machineBootId?: string;
  readonly runtime: PolicyRuntime;
  readonly fetch?: Fetch;
  /** In [0, 1); spreads what a fleet would do at once. */
  readonly random?: () => number;
  /** The robot comes to a safe stop and resolves. Later than `safeStopTimeoutMs` it is switched all the same. */
  readonly onSafeStop?: () => Promise<void>;
  readonly log?: (line: string) => void;
  readonly limits?: Partial<AgentLimits>;
  /** Puts the spool on the disk; a simulated robot whose power is never cut may do nothing. */
  readonly sync?: SyncDescriptor;
  /** For tests of sudden death. */
  readonly at?: AtPoint;
}

export interface AgentStatus {
  readonly isConnected: boolean;
  readonly installedVersion: string | undefined;
  readonly trialId: string | null;
  readonly waitingBytes: number;
  readonly waitingSegments: number;
  readonly waitingTelemetry: number;
  readonly waitingReports: number;
  readonly droppedEpisodes: number;
  /** Frames the disk did not take. */
  readonly lostFrames: number;
  /** Robot clock minus gateway clock; undefined before the first contact. */
  readonly skewMs: number | undefined;
  readonly contactlessMs: number;
}

/** The robot's side of the fleet. Calls that record are synchronous and cheap; nothing in them waits for the network. */
export interface Agent {
  /** Opens an episode; `record` does it too, with the robot type's first task. Its frames say when it started. */
  beginEpisode(options?: { readonly task?: string }): void;
  /** Adds a frame; survives the death of this process when it returns. Throws on what the robot type does not know. */
  record(frame: Frame): void;
  /** Adds a frame in which the expert would have acted otherwise. */
  correct(frame: Frame, expertAction: ArrayLike<number>): void;
  /** A person or a safety system took over in this episode. */
  intervene(): void;
  /** Something that must never happen did; resolves when it is kept for good. */
  safetyEvent(kind: string): Promise<void>;
  /**
   * Resolves when the episode survives a power cut; false when there was none with frames. An `aborted` or failed one has a
   * reason. A switch that waited for the robot is done before it resolves.
   */
  endEpisode(outcome: Outcome, options?: { readonly reason?: string; readonly atUs?: number }): Promise<boolean>;
  /** What the robot should act by now; undefined while there is nothing that can be trusted. */
  policy(): ActivePolicy | undefined;
  /** The robot may be switched (default between episodes). */
  idle(): void;
  /** The robot must not be switched, though no episode is open. */
  busy(): void;
  status(): AgentStatus;
  /** Turns what is recorded into segments now. */
  settle(): Promise<void>;
  /** Orderly end: everything recorded is kept, nothing counts as a crash. An open episode ends as aborted. */
  close(): Promise<void>;
  /** What sudden death leaves, for simulated robots: nothing is finished, nothing is marked. */
  crash(): Promise<void>;
}

/** Opens a robot's agent; it loads the installed policy and then talks to the gateway by itself, however long that is away. */
export async function openAgent(options: AgentOptions): Promise<Agent> {
  const { robotType, monotonic, clock: wall } = options;
  const robotId = robotIdSchema.parse(options.robotId);
  const limits = { ...defaultLimits, ...options.limits };
  const { random = Math.random, log = () => undefined, at = () => undefined } = options;
  const machineBootId = options.machineBootId ?? linuxBootId();
  const now = (): MachineMoment => ({ machineBootId, monotonicMs: monotonic() });
  const folder = (name: string): string => path.join(options.directory, name);
  await mkdir(folder('models'), { recursive: true });
  const unlock = lockDirectory(options.directory, machineBootId);

  const newId = (): string => ulid(wall());
  const bootId = newId();
  const stop = new AbortController();
  const { signal } = stop;
  setMaxListeners(100, signal);
  const bells = {
    order: createBell(),
    steward: createBell(),
    upload: createBell(),
    telemetry: createBell(),
    reports: createBell(),
    settle: createBell(),
  };
  const tick = createBell();

  const contact = await openContact(folder('contact.json'), now);
  const file = await openInstallationFile(folder('installed.json'), at, log);
  const reports = await openInstallReports(folder('reports'));
  let gatewayTime: GatewayTime | undefined;
  const skewMs = (): number | undefined =>
    gatewayTime === undefined ? (file.state().skewMs ?? undefined) : skewAt(gatewayTime, wall(), monotonic());

  const gateway = createGatewayClient({
    robotId,
    gatewayUrl: options.gatewayUrl,
    token: options.token,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    monotonic,
    timeoutMs: limits.requestTimeoutMs,
    signal,
  });
  let steward: Steward | undefined;
  const acting = (): ActivePolicy | undefined => steward?.active();
  const models = openModelFolder({ ...options, directory: folder('models'), gateway, at });
  const recording = await openRecording({
    robotId,
    robotType,
    agentVersion,
    bootId,
    directory: options.directory,
    wall,
    monotonic,
    newId,
    skewMs,
    site: () => file.state().site ?? undefined,
    acting,
    limits,
    sync: options.sync ?? syncToDisk,
    at,
  });

  let isConnected = false;
  let isBusy = false;
  /** The agent ended the robot's episode: what the robot still records of it is left out until it begins anew. */
  let isSevered = false;
  let lostFrames = 0;
  let onlineSinceMs: number | undefined;

  const isIdle = (): boolean => !recording.episodes.isOpen() && !isBusy;

  async function keep(entry: Parameters<typeof recording.keep>[0]): Promise<void> {
    await recording.keep(entry);
    bells.telemetry.ring();
  }

  async function keepOnline(): Promise<void> {
    const untilMs = monotonic();
    if (onlineSinceMs === undefined) return;
    const durationMs = Math.max(0, Math.round(untilMs - onlineSinceMs));
    onlineSinceMs = untilMs;
    await keep({ kind: 'online', ...momentOf({ wall, acting }), durationMs });
  }

  const ownSteward = createSteward({
    file,
    models,
    now,
    contactlessMs: contact.contactlessMs,
    isIdle,
    at,
    log,
    beforeSwitch: keepOnline,
    async stopSafely() {
      const giveUp = new AbortController();
      const isTooLate = sleep(limits.safeStopTimeoutMs, true, { signal: giveUp.signal }).catch(() => true);
      const stopping = options.onSafeStop === undefined ? isTooLate : options.onSafeStop().then(() => false);
      const isCutOff = await Promise.race([stopping, isTooLate]).catch(() => true);
      giveUp.abort();
      isSevered = isCutOff && recording.episodes.isOpen();
      isBusy = false;
      await end('aborted', 'rollback');
    },
    async report(facts) {
      const clockSkewMs = Math.round(skewMs() ?? 0);
      await reports.add({ reportId: newId(), bootId, atMs: Math.max(0, Math.round(wall())), clockSkewMs, ...facts });
      bells.reports.ring();
    },
    safetyEvent: (event, version, trialId) =>
      keep({ kind: 'safetyEvent', atMs: Math.max(0, Math.round(wall())), policyVersion: version, trialId, event }),
  });

  async function end(outcome: Outcome, reason?: string, atUs?: number): Promise<boolean> {
    const isRecorded = await recording.end(outcome, reason, atUs);
    bells.telemetry.ring();
    bells.settle.ring();
    return isRecorded;
  }

  function contactMade({ sentMs, receivedMs }: Answered<unknown>, gatewayClockMs?: number): void {
    contact.made();
    bells.steward.ring();
    if (gatewayClockMs === undefined) return;
    gatewayTime = betterGatewayTime(gatewayTime, { sentMs, receivedMs, gatewayClockMs });
  }

  const exchange = createExchange({
    gateway,
    shelf: recording.shelf,
    telemetry: recording.telemetry,
    reports,
    steward: ownSteward,
    skewMs: () => skewMs() ?? 0,
    contactMade,
    at,
    log,
  });

  let heartbeatEveryMs: number = wireLimits.heartbeatEveryMs;
  let longPollMs: number = wireLimits.maxLongPollMs;

  async function handshake(): Promise<void> {
    const answer = await gateway.handshake({
      protocolVersion: wireLimits.protocolVersion,
      agentVersion,
      bootId,
      clockMs: Math.max(0, Math.round(wall())),
      robotType: { id: robotType.id, version: robotType.version, digest: robotTypeDigest(robotType) },
      installedVersion: acting()?.version ?? null,
    });
    const { body } = answer;
    contactMade(answer, body.clockMs);
    heartbeatEveryMs = limits.heartbeatEveryMs ?? body.heartbeatEveryMs;
    longPollMs = limits.longPollMs ?? body.longPollMs;
    await file.change((state) => ({ ...state, policy: body.policy, site: body.site, skewMs: skewMs() ?? null }));
    isConnected = true;
    bells.settle.ring();
  }

  async function heartbeat(): Promise<void> {
    const seq = file.state().orderSeq;
    const answer = await gateway.heartbeat({
      bootId,
      clockMs: Math.max(0, Math.round(wall())),
      installedVersion: acting()?.version ?? null,
      assignmentSeq: isSeq(seq) ? seq : null,
      isBusy: !isIdle(),
      waiting: {
        sizeBytes: recording.sizeBytes(),
        segments: recording.shelf.all().length,
        telemetryEntries: recording.telemetry.count(),
      },
      droppedEpisodes: recording.droppedEpisodes(),
    });
    contactMade(answer, answer.body.clockMs);
  }

  /** What could not be written is counted; what should not have been asked for is the caller's to hear. */
  function write(what: () => void): void {
    if (isSevered) return;
    try {
      what();
    } catch (cause) {
      if (cause instanceof TypeError || !(cause instanceof Error) || !('syscall' in cause)) throw cause;
      lostFrames += 1;
      log(`a frame was lost: ${cause.message}`);
      bells.settle.ring();
    }
  }

  function add(frame: Frame, expertAction?: ArrayLike<number>): void {
    write(() => recording.episodes.frame(frame, expertAction));
    if (recording.episodes.frames() < robotType.limits.maxEpisodeFrames) return;
    isSevered = true;
    void end('aborted', 'tooLong').catch((cause: unknown) => log(`an episode was not kept: ${String(cause)}`));
  }

  await ownSteward.start();
  steward = ownSteward;
  onlineSinceMs = monotonic();

  const loopPorts = { signal, random, backOff: limits.backOff, log };
  const loop = (name: string, bell: ReturnType<typeof createBell>, step: () => Promise<number>): Promise<void> =>
    repeat(loopPorts, name, bell, step);
  const spread = (timeMs: number): number => timeMs * (0.9 + 0.2 * random());

  async function talk(): Promise<void> {
    const connecting = new AbortController();
    signal.addEventListener('abort', () => connecting.abort(), { once: true });
    await repeat({ ...loopPorts, signal: connecting.signal }, 'handshake', tick, async () => {
      await handshake();
      connecting.abort();
      return 0;
    });
    await Promise.all([
      loop('heartbeat', createBell(), async () => {
        await heartbeat();
        return spread(heartbeatEveryMs);
      }),
      loop('order', bells.order, () => exchange.askForOrder(longPollMs)),
      loop('upload', bells.upload, exchange.upload),
      loop('telemetry', bells.telemetry, exchange.sendTelemetry),
      loop('install report', bells.reports, exchange.sendReport),
    ]);
  }

  const loops = Promise.all([
    talk(),
    loop('steward', bells.steward, async () => {
      await contact.keep();
      await ownSteward.reconcile();
      return limits.tickMs;
    }),
    loop('sync', createBell(), async () => {
      await recording.sync();
      return limits.syncIntervalMs;
    }),
    loop('online', createBell(), async () => {
      if (monotonic() - (onlineSinceMs ?? 0) >= limits.onlineEveryMs) await keepOnline();
      return limits.tickMs;
    }),
    loop('settle', bells.settle, async () => {
      await recording.settle({ mayBeUploaded: exchange.mayBeUploaded });
      bells.upload.ring();
      return limits.tickMs;
    }),
  ]);

  async function leave(): Promise<void> {
    stop.abort(new Error('the agent stops'));
    await loops;
  }

  return {
    beginEpisode(options = {}) {
      isSevered = false;
      recording.episodes.begin(options);
    },
    record: (frame) => add(frame),
    correct: (frame, expertAction) => add(frame, expertAction),
    intervene: () => write(recording.episodes.intervene),
    safetyEvent: (kind) => keep({ kind: 'safetyEvent', ...momentOf({ wall, acting }), event: kind.slice(0, 100) }),
    async endEpisode(outcome, { reason, atUs } = {}) {
      isSevered = false;
      const isRecorded = await end(outcome, reason, atUs);
      await ownSteward.switchIfReady();
      return isRecorded;
    },
    policy: acting,
    idle() {
      isBusy = false;
      isSevered = false;
      bells.steward.ring();
    },
    busy() {
      isBusy = true;
    },
    status: () => ({
      isConnected,
      installedVersion: acting()?.version,
      trialId: acting()?.trialId ?? null,
      waitingBytes: recording.sizeBytes(),
      waitingSegments: recording.shelf.all().length,
      waitingTelemetry: recording.telemetry.count(),
      waitingReports: reports.count(),
      droppedEpisodes: recording.droppedEpisodes(),
      lostFrames,
      skewMs: skewMs(),
      contactlessMs: contact.contactlessMs(),
    }),
    async settle() {
      await recording.settle({ now: true, mayBeUploaded: exchange.mayBeUploaded });
      bells.upload.ring();
    },
    async close() {
      await leave();
      await end('aborted', 'agentStopped');
      await keepOnline();
      await recording.settle({ now: true });
      await ownSteward.stop();
      recording.close();
      unlock();
    },
    async crash() {
      await leave();
      recording.close();
      unlock();
    },
  };
}

function linuxBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
