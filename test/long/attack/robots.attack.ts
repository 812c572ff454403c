import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { MockActivityEnvironment } from '@temporalio/testing';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { fleetActivities, monitorActivities } from '../../../activities/index.ts';
import { addRobot, championDesk, openFleet, openTelemetryLog } from '../../../fleet/desk/index.ts';
import { fleetKeys, telemetryHour } from '../../../fleet/desk/keys.ts';
import { writePresence } from '../../../fleet/desk/presence.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import type { PlanReference } from '../../../activities/trials/stored-plan.ts';
import { trialKeys } from '../../../activities/trials/trial-keys.ts';
import { storePlan } from '../../../activities/trials/stored-plan.ts';
import { draftTrial, fleetProfiles } from '../../../domain/trial/index.ts';
import { randomFromSeed, type Random } from '../../../domain/statistics/index.ts';

/** What an attacker of this project is given. `count`: rounds; `report` hears of each. */
export interface AttackInput {
  readonly seed: string;
  readonly count: number;
  readonly report: (line: string) => void;
}

const policy = 'wall';
const hourMs = 3_600_000;
const minuteMs = 60_000;
const startMs = Date.UTC(2026, 5, 1);
const robotIds = Array.from({ length: 24 }, (_, index) => `robot-${String(index).padStart(3, '0')}`);
const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'follow', '💥', '../..', 'x'.repeat(63)];

const kinds = ['flood', 'gaps', 'names', 'lie', 'fail', 'unsafe', 'clone', 'clock'] as const;
type Kind = (typeof kinds)[number];

/** A verdict or a look takes at most this long on one core, whatever one robot sends; a slow machine gets ten times that. */
const mostTickMs = 20_000;
/** Documents a tick may write, bytes. */
const mostDocumentBytes = 4 * 1024 * 1024;

interface Line {
  readonly robotId: string;
  readonly bootId: string;
  readonly clockSkewMs: number;
  readonly entries: readonly Record<string, unknown>[];
}

/**
 * Hostile robots against the real activities of judge and monitor over a store in memory: floods, gaps, made-up names, lies of 1 to
 * 100 times, clones, wrong clocks. One robot of 24 is hostile in each round; the candidate is as good as the champion in one half of the
 * rounds and 40 pp worse in the other. Throws when one robot has a good model taken back, hides the harm, pollutes an object, makes
 * a tick or a document large, or blinds a look.
 */
export async function attack({ seed, count, report }: AttackInput): Promise<void> {
  const random = randomFromSeed(`robots/${seed}`);
  for (let round = 0; round < count; round += 1) {
    const kind = kinds[round % kinds.length] ?? 'lie';
    const isHarmful = Math.floor(round / kinds.length) % 2 === 1;
    const attackerRank = random() < 0.5 ? 0 : 20;
    const factor = [1, 5, 25, 100][Math.floor(random() * 4)] ?? 1;
    const told = `${kind} × ${factor} by ${attackerRank === 0 ? 'a candidate' : 'a control'}, ${isHarmful ? 'harmful' : 'equal'} candidate`;
    const outcome = await oneRound({ kind, isHarmful, attackerRank, factor, random });
    report(`${round}: ${told}: ${outcome}`);
  }
}

async function oneRound(round: {
  kind: Kind;
  isHarmful: boolean;
  attackerRank: number;
  factor: number;
  random: Random;
}): Promise<string> {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  const { random } = round;
  const store = memoryObjectStore();
  let nowMs = startMs;
  const clock = (): number => nowMs;
  const fleet = openFleet({ store, clock });
  const telemetry = openTelemetryLog(store);
  const signer = { sign: async () => new Uint8Array(), publicKeys: async () => [] } as never;
  const ports = { store, clock, signer, desk: championDesk({ store }), codeBuild: 'attack', fleet, telemetry };
  const slot = { offer: async () => ({ kind: 'offered', answer: '' }) } as never;
  const trials = fleetActivities({ ...ports, slot });
  const monitor = monitorActivities({
    store,
    fleet,
    telemetry,
    notifier: undefined,
    loop: {
      cycles: async () => ({ running: 0, lastStartedMs: null }),
      sight: async () => undefined,
      turnHolder: async () => null,
      startCycle: async () => ({ kind: 'started', workflowId: 'c' }),
      startRollback: async () => ({ workflowId: 'r' }),
    },
  });
  const environment = new MockActivityEnvironment();
  const call = <Input, Output>(activity: (input: Input) => Promise<Output>, input: Input): Promise<Output> =>
    environment.run<[Input], Output, (input: Input) => Promise<Output>>(activity, input);

  for (const robotId of robotIds) {
    const robotType = { id: 'type', version: 1 };
    const place = { site: 'hall', stratum: 'hall' };
    await addRobot(
      { store, clock },
      { robotId, policy, robotType, ...place, tokenHashes: ['0'.repeat(64)], who: 'a', why: 'a' },
    );
  }
  await moveAliases({ store, clock }, { policy, operationId: 'first', who: 'a', why: 'a' }, () => ({
    champion: '1.0.0',
  }));
  const plan = await planOf(store, random);
  const order = plan.order;
  const attacker = order[round.attackerRank] ?? '';
  const candidates = new Set(order.slice(0, 8));
  const seqs = new Map<string, number>();
  const nextSeq = (life: string, step: number): number => {
    const seq = (seqs.get(life) ?? -step) + step;
    seqs.set(life, seq);
    return seq;
  };
  let [generation, slowestMs, largest] = [-1, 0, 0];
  const faulty: string[] = [];
  for (let hour = 1; hour <= 6; hour += 1) {
    nowMs = startMs + hour * hourMs;
    const lines = robotIds.flatMap((robotId) => {
      const isCandidate = candidates.has(robotId) && !faulty.includes(robotId);
      const success = isCandidate && round.isHarmful ? 0.45 : 0.85;
      const version = isCandidate ? '1.1.0' : '1.0.0';
      const work = { robotId, version, success, nowMs, random, nextSeq };
      return robotId === attacker ? hostileLines(round.kind, round.factor, work) : honestLines(work);
    });
    const body = new TextEncoder().encode(
      lines.map((line) => JSON.stringify({ ...line, receivedMs: nowMs })).join('\n'),
    );
    const digest = createHash('sha256').update(body).digest('hex');
    await store.put(`${fleetKeys.telemetryHour(policy, telemetryHour(nowMs))}/${digest}`, body);
    await writePresence(store, policy, {
      gatewayId: 'gateway-1',
      sinceMs: startMs - 100 * hourMs,
      atMs: nowMs,
      robots: robotIds.map((robotId) => ({
        robotId,
        installedVersion: candidates.has(robotId) ? '1.1.0' : '1.0.0',
        assignmentSeq: null,
        deliveredSeq: null,
        isBusy: false,
        droppedEpisodes: 0,
        lastSeenMs: nowMs,
        saidMs: nowMs,
      })),
    });
    const begun = performance.now();
    const question = { plan: plan.reference, originMs: startMs, nowMs };
    const collected = await call(trials.collectCells, { ...question, generation });
    ({ generation } = collected);
    const hours = { hoursInStage: hour, hoursTotal: hour };
    const exposures = [{ robots: 8, atMs: startMs }];
    const verdict = await call(trials.judgeTick, {
      ...question,
      ...hours,
      generation,
      exposures,
      faultyRobots: [...faulty],
      tick: hour,
      stage: 0,
    });
    const look = await call(monitor.observeFleet, {
      policy,
      dayMs: 24 * hourMs,
      nowMs: nowMs + minuteMs,
      limits: {},
      automaticRollback: true,
      rolledBack: null,
      drift: null,
      acknowledgements: [],
    });
    slowestMs = Math.max(slowestMs, performance.now() - begun);
    const shares = Object.values(look.failureFraction);
    assert.ok(
      shares.every((share) => share === null || (share >= 0 && share <= 1)),
      `shares ${shares.join()}`,
    );
    largest = Math.max(largest, (await store.get(trialKeys.tick('attack', hour)))?.length ?? 0);
    assert.ok(largest <= mostDocumentBytes, `a verdict of ${largest} bytes`);
    assert.ok(slowestMs <= mostTickMs, `a tick of ${Math.round(slowestMs)} ms`);
    assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), before);
    if (verdict.verdict === 'robotFault' && verdict.suspectRobotId !== undefined) {
      assert.equal(verdict.suspectRobotId, attacker, verdict.reason);
      faulty.push(verdict.suspectRobotId);
    }
    if (verdict.verdict === 'rollback') {
      assert.ok(round.isHarmful, `a good model was taken back: ${verdict.reason}`);
      return `rolled back after ${hour} h`;
    }
    if (round.isHarmful) assert.notEqual(verdict.verdict, 'advance', `harm was hidden: ${verdict.reason}`);
  }
  assert.ok(!round.isHarmful, 'a harmful model ran for 6 h');
  return faulty.length > 0 ? 'the robot went back, the model stays' : 'the model stays';
}

async function planOf(
  store: ReturnType<typeof memoryObjectStore>,
  random: Random,
): Promise<{ readonly reference: PlanReference; readonly order: readonly string[] }> {
  const history = robotIds.map((robotId) => ({
    robotId,
    cells: Array.from({ length: 7 * 24 }, (_, hour) => ({
      day: Math.floor(hour / 24),
      hour: hour % 24,
      episodes: 40,
      successes: 33 + Math.floor(random() * 3),
      policyVersion: '1.0.0',
    })),
  }));
  const draft = draftTrial({
    kind: 'rollout',
    policy,
    trialId: 'attack',
    championVersion: '1.0.0',
    candidateVersion: '1.1.0',
    createdAtMs: startMs,
    times: fleetProfiles.real,
    robots: robotIds.map((robotId) => ({ robotId, stratum: 'hall' })),
    excluded: [],
    history,
    tasks: ['follow'],
    catalogue: ['follow', 'constructor'],
    candidateFraction: 0.2,
    effectFraction: 0.01,
    allowEquivalent: false,
    anchorLossFraction: null,
    approvalBefore: [],
  });
  assert.equal(draft.kind, 'planned');
  const { plan, reference } = await storePlan(store, draft.plan);
  return { reference, order: plan.robots.map(({ robotId }) => robotId) };
}

interface Work {
  readonly robotId: string;
  readonly version: string;
  readonly success: number;
  readonly nowMs: number;
  readonly random: Random;
  readonly nextSeq: (life: string, step: number) => number;
}

const bootOf = (number: number): string => `01J${String(number).padStart(23, '0')}`;

const linesOf = (
  robotId: string,
  bootId: string,
  entries: readonly Record<string, unknown>[],
  clockSkewMs = 0,
): Line[] =>
  Array.from({ length: Math.ceil(entries.length / 500) }, (_, part) => ({
    robotId,
    bootId,
    clockSkewMs,
    entries: entries.slice(part * 500, part * 500 + 500),
  }));

function episode(work: Work, index: number, of: number, more: Record<string, unknown> = {}): Record<string, unknown> {
  const isSuccess = work.random() < work.success;
  return {
    kind: 'episode',
    atMs: Math.floor(work.nowMs - hourMs + (hourMs * (index + 0.5)) / of),
    policyVersion: work.version,
    trialId: null,
    episodeId: bootOf(index),
    task: 'follow',
    durationMs: minuteMs,
    outcome: isSuccess ? 'success' : 'failure',
    failureReason: isSuccess ? null : 'collision',
    intervened: false,
    latencyP50Ms: 3,
    ...more,
  };
}

const perHour = 40;

function honestLines(work: Work): Line[] {
  const bootId = bootOf(1);
  const entries = Array.from({ length: perHour }, (_, index) => ({
    ...episode(work, index, perHour),
    seq: work.nextSeq(`${work.robotId}/${bootId}`, 1),
  }));
  return linesOf(work.robotId, bootId, entries);
}

function hostileLines(kind: Kind, factor: number, work: Work): Line[] {
  const { robotId, random, nextSeq } = work;
  const made = (number: number, step: number, more: (index: number) => Record<string, unknown>, boot = 1): Line[] => {
    const bootId = bootOf(boot);
    const entries = Array.from({ length: number }, (_, index) => ({
      ...episode(work, index, number, more(index)),
      seq: nextSeq(`${robotId}/${bootId}`, step),
    }));
    return linesOf(robotId, bootId, entries);
  };
  const all = (outcome: string) => () => ({ outcome, failureReason: outcome === 'success' ? null : 'collision' });
  switch (kind) {
    case 'flood':
      return made(perHour * factor, 1, () => ({}));
    case 'gaps':
      return Array.from({ length: 20 }, (_, boot) =>
        made(2 * factor, 7, () => ({}), 1 + boot + 100 * Math.floor(random() * 50)),
      ).flat();
    case 'names':
      return made(perHour * factor, 1, (index) => ({
        task: names[index % (names.length + 1)] ?? `made-up-${work.nowMs}-${index}`,
        failureReason: names[index % names.length] ?? 'x',
        outcome: 'failure',
      }));
    case 'lie':
      return made(perHour * factor, 1, all('success'));
    case 'fail':
      return made(perHour * factor, 1, all('failure'));
    case 'unsafe': {
      const bootId = bootOf(1);
      const event = {
        kind: 'safetyEvent',
        atMs: work.nowMs - 1,
        policyVersion: work.version,
        trialId: null,
        event: 'bump',
      };
      return [
        ...honestLines(work),
        ...linesOf(robotId, bootId, [{ ...event, seq: nextSeq(`${robotId}/${bootId}`, 1) }]),
      ];
    }
    case 'clone':
      return [...honestLines(work), ...made(perHour, 1, () => ({}), 2)];
    case 'clock':
      return made(perHour, 1, (index) => ({ atMs: [0, 9_999_999_999_999, 946_684_800_000][index % 3] }));
    default:
      return kind satisfies never;
  }
}
