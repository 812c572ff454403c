import { quarantineKeyOf } from '../../activities/collection/quarantine.ts';
import { incidentRecordSchema } from '../../activities/incidents/incident-log.ts';
import type { ConsolePorts } from '../../console/context.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { trainingSetFile } from '../../datasets/training-set.ts';
import { quarantineRobot } from '../../fleet/desk/index.ts';
import { writePresence } from '../../fleet/desk/presence.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { writeLogEntry } from '../../store/append-log.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { recordAct } from '../../store/records/audit-log.ts';
import { addRobotTo, bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { noTemporal, openConsoleWorld, type ConsoleWorld } from '../console/console-world.ts';

/** When pages look at what was filled in. */
export const lookMs = startMs + 30 * hourMs;
export const cycleId = 'cycle/wall-1';
const digest = 'a'.repeat(64);
export const trialId = 'trial-1';
export const robotIdOf = (index: number): string => `robot-${String(index).padStart(3, '0')}`;

/** A console that listens, over a store in which every page has something to show. */
export interface ListeningConsole {
  readonly world: ConsoleWorld;
  readonly url: string;
  close(): Promise<void>;
}

/** `robots`: how many there are besides the three of the world; `loop`: what workflows say. */
export async function listeningConsole(
  fill: (world: ConsoleWorld) => Promise<void>,
  changes: Partial<ConsolePorts> = {},
): Promise<ListeningConsole> {
  const world = await openConsoleWorld();
  world.facts.nowMs = lookMs;
  await fill(world);
  let monotonicMs = 0;
  // Limits of rates are not what is looked at here.
  const app = await world.on({ monotonicMs: () => (monotonicMs += 2_000), ...changes });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { world, url, close: () => world.close() };
}

const runOf = (workflowId: string, status: unknown) => ({
  workflowId,
  run: 'RUNNING',
  startedMs: lookMs - 3 * hourMs,
  endedMs: null,
  status,
});

const tick = {
  verdict: 'hold',
  reason: 'at most 2.80 pp worse, 2.00 pp allowed',
  delta: -0.004,
  lowerBound: -0.028,
  marginFraction: 0.02,
  logEvidence: 0.4,
  threshold: 5.3,
  robots: 5,
  episodes: 420,
};

/** A trial at its second stage and a cycle that trains. */
export const runningLoop: ConsolePorts['loop'] = {
  ...noTemporal,
  trial: async () =>
    runOf('trial/wall', {
      policy,
      stage: 'rollout',
      candidateVersion: '1.1.0',
      waitingVersion: null,
      step: { kind: 'held', reason: tick.reason },
      result: null,
    }),
  trialSteps: async () => ({
    abTest: null,
    rollout: runOf('rollout/wall', {
      trialId,
      state: { kind: 'held', stage: 1, atMs: lookMs, reason: tick.reason, wantedExposure: 2 },
      rows: [{ stage: 0, robots: 5, lowerBound: -0.011, marginFraction: 0.02, reportingRobots: 5, episodes: 800 }],
      tick: { ...tick, verdictKey: `trials/${trialId}/verdicts/tick-00000029.json` },
    }),
  }),
  rollback: async () => null,
  cycle: async () => null,
  runningCycle: async () => ({
    cycle: runOf(cycleId, {
      stage: 'training',
      cause: 'the schedule',
      championVersion: '1.0.0',
      collection: { episodesStored: 812, quarantinedEpisodes: 3, reason: 'enough' },
    }),
    collection: null,
    training: {
      ...runOf('training/wall', { stage: 'training', trainRows: 120_000 }),
      steps: [
        {
          name: 'trainModel',
          attempt: 1,
          startedMs: lookMs - 600_000,
          beatMs: lookMs - 1_000,
          stage: null,
          step: 400,
          plannedSteps: 4_000,
          fromStep: 0,
          failure: null,
        },
      ],
    },
  }),
};

export const idleLoop: ConsolePorts['loop'] = {
  ...noTemporal,
  trial: async () => null,
  trialSteps: async () => ({ abTest: null, rollout: null }),
  rollback: async () => null,
  cycle: async () => null,
  runningCycle: async () => null,
};

/** Something for every page. */
export async function fillStore(world: ConsoleWorld): Promise<void> {
  await fillFleet(world, 12);
  await fillEpisodes(world);
  await fillIncidents(world);
  await fillModels(world);
  await fillTrial(world);
  await fillQuarantine(world);
}

/** Registers robots and lets a gateway tell of them. */
export async function fillFleet({ ports }: ConsoleWorld, robots: number): Promise<void> {
  const { store, clock } = ports;
  const robotIds = ['r0', 'r1', 'r2', ...Array.from({ length: robots }, (_, index) => robotIdOf(index))];
  for (const robotId of robotIds.slice(3)) await addRobotTo({ store, clock: () => startMs - 240 * hourMs }, robotId);
  await quarantineRobot({ store, clock }, { robotId: 'r2', who: 'ada', why: 'its camera is blind' });
  await tellPresence(store, robotIds, 0);
}

/** What a gateway says of robots: every tenth has been silent for an hour; `beat` makes some of them others. */
export const tellPresence = (
  store: ConsolePorts['store'],
  robotIds: readonly string[],
  beat: number,
  changed = 0,
): Promise<unknown> =>
  writePresence(store, policy, {
    gatewayId: 'g1',
    sinceMs: lookMs - 5 * hourMs,
    atMs: lookMs,
    robots: robotIds.map((robotId, index) => ({
      robotId,
      installedVersion: index % 5 === 0 || index < changed ? `1.${1 + (index < changed ? beat : 0)}.0` : '1.0.0',
      assignmentSeq: null,
      deliveredSeq: null,
      isBusy: false,
      droppedEpisodes: 0,
      lastSeenMs: lookMs - (index % 10 === 9 ? hourMs : 1_000),
      saidMs: lookMs,
    })),
  });

async function fillEpisodes({ facts, ports }: ConsoleWorld): Promise<void> {
  let id = 0;
  for (const [index, robotId] of ['r0', 'r1', ...Array.from({ length: 6 }, (_, at) => robotIdOf(at))].entries()) {
    const entries = Array.from({ length: 40 }, (_, at) =>
      episode(at, startMs + at * 0.6 * hourMs, {
        episodeId: episodeIdOf((id += 1)),
        policyVersion: index % 3 === 0 ? '1.1.0' : '1.0.0',
        trialId: index % 3 === 0 ? trialId : null,
        task: scitosG5Type.tasks[(at + index) % Math.max(1, scitosG5Type.tasks.length)],
        durationMs: 20_000 + 1_500 * ((at * 7 + index * 3) % 40),
        latencyP50Ms: 2 + ((at * 3 + index) % 11) / 4,
        correctedFrames: at % 9 === 0 ? 5 + at : 0,
        outcome: (at + index) % 7 === 0 ? 'failure' : 'success',
        failureReason: (at + index) % 7 === 0 ? 'collision' : null,
      }),
    );
    const receivedMs = startMs + 25 * hourMs;
    await facts.write([{ robotId, bootId: bootOf(index), receivedMs, clockSkewMs: 0, entries }], receivedMs);
  }
  await facts.compact();
  void ports;
}

/** Of the whole fleet, just after a change of its champion. */
export const fleetBroken = { incidentId: 'fleetBroken.fleet.1', reason: 'success −31.0 pp against its own past' };

async function fillIncidents({ ports: { store, clock } }: ConsoleWorld): Promise<void> {
  const opened = { incidentId: 'silent.r1.1', cause: 'silent', subject: 'r1', state: 'opened', atMs: lookMs - hourMs };
  const events = [
    { ...opened, reason: 'silent for 61 min, 10 min allowed' },
    { ...opened, incidentId: 'crashLoop.r0.1', cause: 'crashLoop', subject: 'r0', reason: '4 of 12 episodes crashed' },
    { ...opened, ...fleetBroken, cause: 'fleetBroken', subject: 'fleet', atMs: lookMs },
  ];
  await writeLogEntry(store, `incidents/${policy}`, 0, incidentRecordSchema.parse({ lookId: '1', events }));
  await store.put(
    `monitor/${policy}/looks/${'1'.padStart(20, '0')}.json`,
    jsonBytes({
      lookMs: lookMs - 120_000,
      logSeq: 1,
      scanFromMs: startMs,
      consumed: {},
      lives: {},
      losses: {},
      champions: { seq: -1, champion: null, previous: null, baseline: null, promotion: null, past: [] },
      memory: {},
      correctedFrames: [],
      lastCycleStartedMs: null,
      book: {
        'silent/r1': {
          kind: 'open',
          incidentId: 'silent.r1.1',
          openedAtMs: lookMs - hourMs,
          reason: 'silent for 61 min, 10 min allowed',
          clearTicks: 0,
          acknowledgedBy: null,
        },
        'fleetBroken/fleet': { kind: 'open', ...fleetBroken, openedAtMs: lookMs, clearTicks: 0, acknowledgedBy: null },
      },
      events: [],
      result: {},
    }),
  );
  for (const [at, act] of ['trial.pause', 'robot.quarantine'].entries())
    for (const outcome of ['asked', 'done'] as const)
      await recordAct(
        { store, clock },
        {
          actId: `act-${at}`,
          act,
          policy,
          subject: 'r2',
          reason: 'its camera is blind',
          who: 'ada',
          role: 'operator',
          via: 'page',
          outcome,
          answer: outcome === 'done' ? 'it is in quarantine' : '',
        },
      );
}

async function fillModels({ ports: { store, clock } }: ConsoleWorld): Promise<void> {
  const gate = { id: 'latency', outcome: 'pass', value: 1.5, limit: 20, unit: 'ms', sampleSize: 400, sentence: 'fast' };
  const worse = { ...gate, id: 'heldout.agreement', outcome: 'fail', value: 0.91, limit: 0.9, unit: 'fraction' };
  for (const version of ['1.0.0', '1.1.0']) {
    const manifest = {
      policy,
      version,
      robotType: { id: 'scitos-g5', version: 1, digest },
      files: { 'model.onnx': { sha256: digest, sizeBytes: 3 } },
      parents: version === '1.0.0' ? [] : ['1.0.0'],
      training: {
        cycleId,
        datasetVersion: { episodes: 4, frames: 5 },
        trainingSetDigest: digest,
        seed: 7,
        hyperparameters: { hidden: [8, 8] },
      },
      codeBuild: 'build-1',
      registeredAtMs: startMs,
      metrics: { accuracyFraction: 0.9 },
      gates: [{ id: 'latency', outcome: 'pass', value: 1.5, limit: 20 }],
    };
    const signature = { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' };
    await store.put(modelFile(policy, version, 'manifest.json'), jsonBytes({ manifest, signature }));
  }
  await moveAliases({ store, clock }, { policy, operationId: 'o', who: 'ada', why: 'first' }, () => ({
    champion: '1.0.0',
  }));
  const set = {
    datasetVersion: { episodes: 4, frames: 5 },
    seed: 7,
    targetFrames: 10,
    newFrames: 6,
    historyFrames: 4,
    effectiveFrames: 9,
    correctionShareBeforeCap: 0,
    correctionShareAfterCap: 0,
    needsLabelFrames: 2,
    failures: { validEpisodes: 3, addedEpisodes: 2, queuedForLabelEpisodes: 1 },
    strata: [{ source: 'new', task: 'follow', availableFrames: 5, takenFrames: 3 }],
  };
  await store.put(trainingSetFile(digest, 'manifest.json'), jsonBytes(set));
  await store.put(
    `reports/${cycleId}.json`,
    jsonBytes({
      cycleId,
      policy,
      outcome: 'offered',
      reason: '1.1.0 passed every gate',
      cause: 'the schedule',
      writtenAtMs: lookMs - 5 * hourMs,
      championVersion: '1.0.0',
      candidateVersion: '1.1.0',
      collection: {
        verdict: 'ok',
        episodesStored: 812,
        framesStored: 81_200,
        rules: [{ id: 'frame.finite', doc: 'every reading is a number', refused: 3 }],
      },
      mix: { ...set, failuresAdded: 2, failuresValid: 3, failuresWaiting: 1 },
      training: {
        seed: 7,
        steps: 40,
        warmStart: '1.0.0',
        curve: Array.from({ length: 40 }, (_, step) => ({
          step,
          trainLoss: 1 / (step + 1),
          validationLoss: step % 5 === 0 ? 1.2 / (step + 1) : null,
        })),
      },
      evaluation: {
        accuracyFraction: 0.93,
        championFraction: 0.91,
        majorityFraction: 0.4,
        linearFraction: 0.6,
        frames: 900,
        episodes: 10,
        gates: [gate, worse],
      },
    }),
  );
}

async function fillQuarantine({ ports: { store } }: ConsoleWorld): Promise<void> {
  for (const [index, rule] of ['episode.sampling-rate', 'frame.finite', 'segment.clock-skew'].entries()) {
    const sha256 = String(index).repeat(64);
    const place = index === 2 ? { episodeId: null, row: null } : { episodeId: episodeIdOf(index), row: 40 };
    const record = {
      sha256,
      cycleId: 'cycle-1',
      scope: index === 2 ? 'segment' : 'episode',
      landingKey: `landing/${robotIdOf(index)}/${sha256}`,
      robotId: robotIdOf(index),
      robotType: 'scitos-g5@1',
      receivedMs: lookMs - index * hourMs,
      sizeBytes: 1_200_000 / (index + 1),
      rules: [rule],
      violations: [{ rule, doc: 'a rule', value: '31.2', expected: 'at most 20', ...place }],
      violationsNotListed: 2 * index,
    };
    await store.put(quarantineKeyOf('cycle-1', sha256, 'json'), jsonBytes(record));
  }
}

async function fillTrial({ ports: { store } }: ConsoleWorld): Promise<void> {
  const stage = { minimumHours: 4, maximumHours: 48 };
  const plan = {
    trialId,
    kind: 'rollout',
    policy,
    candidateVersion: '1.1.0',
    championVersion: '1.0.0',
    createdAtMs: startMs,
    times: { dayMs: 86_400_000 },
    // The first five carry the candidate.
    robots: ['r0', ...[1, 4, 0, 2, 3, 5].map(robotIdOf), 'r1'].map((robotId) => ({ robotId })),
    excluded: [],
    stages: [
      { ...stage, robots: 2, marginFraction: 0.03 },
      { ...stage, robots: 3, marginFraction: 0.02 },
      { ...stage, robots: 8, marginFraction: null },
    ],
    approvalBefore: [2],
    abTest: null,
    rolloutLimits: { advance: { minimumEpisodes: 30 }, stages: [] },
    taskLimits: { marginFraction: 0.02 },
  };
  await store.put(`trials/${trialId}/plan.json`, jsonBytes(plan));
  for (let index = 0; index < 30; index += 1)
    await store.put(
      `trials/${trialId}/verdicts/tick-${String(index).padStart(8, '0')}.json`,
      jsonBytes({
        asked: {
          nowMs: lookMs - (30 - index) * 360_000,
          stage: index < 12 ? 0 : 1,
          hoursInStage: (index < 12 ? index : index - 12) / 10,
          hoursTotal: index / 10,
          exposures: [{ robots: index < 12 ? 2 : 3, atMs: startMs }],
        },
        verdict: {
          evidence: [
            { metric: 'success', delta: -0.004, logEvidence: 0.4, threshold: 5.3 },
            { metric: 'latency', delta: 0.001, logEvidence: -0.1, threshold: 6 },
          ],
        },
        result: { ...tick, delta: -0.02 + index * 0.001, lowerBound: -0.09 + index * 0.002, episodes: 20 * index },
        tasks: {
          block: [],
          unproven: scitosG5Type.tasks.slice(2),
          perTask: scitosG5Type.tasks.map((task, at) => ({
            task,
            delta: 0.06 - at * 0.04,
            variance: 0.0004 * (at + 1),
            episodes: { candidate: at < 2 ? 10 + 8 * index : 4, control: 900 },
            robots: { candidate: 5, control: 7 },
          })),
        },
      }),
    );
  const end = {
    trialId: 'trial-0',
    policy,
    candidateVersion: '1.0.5',
    outcome: 'rolledBack',
    reason: 'worse',
    atMs: startMs,
  };
  await store.put('trials/trial-0/end.json', jsonBytes(end));
}
