import { ApplicationFailure, ActivityFailure, log, sleep } from '@temporalio/workflow';

import type { JudgeLookResult } from '../../activities/trials/judge-look.ts';
import type { JudgeTickResult } from '../../activities/trials/judge-tick.ts';
import type { PlannedTrial } from '../../activities/trials/plan-trial.ts';
import { fleetClock, type FleetClock } from '../../domain/trial/fleet-clock.ts';
import { fleetActivities, guardActivities, returnActivities } from '../shared/activity-proxies.ts';
import { nowMs } from '../shared/now.ts';
import type { ReturnedRobots } from './messages.ts';

/** What a step of a trial must remember of its effects; goes with it when it continues as new. */
export interface TrialMemory {
  readonly policy: string;
  readonly who: string;
  readonly plan: PlannedTrial;
  /** Last record of the assignment log we know. */
  assignmentSeq: number;
  generation: number;
  ticks: number;
  leasedUntilMs: number;
  /** Fleet time of block 0; null before the first exposure. */
  originMs: number | null;
  exposures: readonly { readonly robots: number; readonly atMs: number }[];
  quarantined: number;
  /** How the robots were ordered back; null before. */
  returned: { urgency: 'whenIdle' | 'safeStop'; atMs: number } | null;
}

export const begunRun = (policy: string, who: string, plan: PlannedTrial): TrialMemory => ({
  policy,
  who,
  plan,
  assignmentSeq: plan.assignmentSeq,
  generation: -1,
  ticks: 0,
  leasedUntilMs: 0,
  originMs: null,
  exposures: [],
  quarantined: 0,
  returned: null,
});

export const clockOf = (run: TrialMemory): FleetClock => fleetClock(run.plan.times);
/** Fleet time now. */
export const fleetNow = (run: TrialMemory): number => clockOf(run).fleetMs(nowMs());

const trialIdOf = (run: TrialMemory): string => run.plan.plan.trialId;
const guard = (run: TrialMemory) => guardActivities(Math.max(1_000, run.plan.times.leaseMs));

/** `closed`: somebody else ended the trial · `late`: the store did not answer in time, and the lease goes on ending. */
export type Renewal = 'renewed' | 'closed' | 'late';

/** Lets the candidate run on. */
export async function renew(run: TrialMemory): Promise<Renewal> {
  const { policy, plan } = run;
  const atMs = nowMs();
  const { leaseMs } = plan.times;
  const asked = await judged(() => guard(run).renewLease({ policy, trialId: trialIdOf(run), atMs, leaseMs }));
  if (asked.kind === 'unjudged') return 'late';
  if (asked.result.kind === 'refused') return 'closed';
  run.leasedUntilMs = atMs + leaseMs;
  return 'renewed';
}

/** `late`: nothing is written yet, ask again · `refused`: the fleet is not ours any more. */
export type Exposed = { readonly kind: 'exposed' | 'late' } | { readonly kind: 'refused'; readonly reason: string };

/** Puts the first `robots` of the order on the candidate, once their lease lives. */
export async function expose(
  run: TrialMemory,
  wanted: { robots: number; isLastStage: boolean; faultyRobots: readonly string[]; why: string },
): Promise<Exposed> {
  const { faultyRobots } = wanted;
  const renewal = await renew(run);
  if (renewal === 'closed') return { kind: 'refused', reason: 'the trial was closed' };
  if (renewal === 'late') return { kind: 'late' };
  const seq = run.assignmentSeq + 1;
  const atMs = nowMs();
  const written = await fleetActivities().writeExposure.executeWithOptions({ summary: `${wanted.robots} robots` }, [
    {
      ...wanted,
      plan: run.plan.plan,
      faultyRobots: [...faultyRobots],
      seq,
      atMs,
      operationId: `${trialIdOf(run)}#${seq}`,
      who: run.who,
    },
  ]);
  // Asked again by the next tick, until the freeze ends.
  if (written.kind === 'frozen') return { kind: 'late' };
  if (written.kind !== 'written') return { kind: 'refused', reason: written.reason };
  run.assignmentSeq = written.seq;
  run.originMs ??= clockOf(run).fleetMs(atMs);
  if (wanted.robots > (run.exposures.at(-1)?.robots ?? 0))
    run.exposures = [...run.exposures, { robots: wanted.robots, atMs }];
  for (const robotId of faultyRobots.slice(run.quarantined))
    await fleetActivities().quarantineRobot({ robotId, who: run.who, why: `robotFault in trial ${trialIdOf(run)}` });
  run.quarantined = faultyRobots.length;
  return { kind: 'exposed' };
}

/** What both judges are asked with; undefined before anybody is exposed. */
async function question(run: TrialMemory, faultyRobots: readonly string[]) {
  const { plan, originMs } = run;
  if (originMs === null) return undefined;
  for (let isBehind = true; isBehind;) {
    const asked = { plan: plan.plan, generation: run.generation, originMs, nowMs: nowMs() };
    const collected = await guard(run).collectCells(asked);
    run.generation = collected.generation;
    ({ isBehind } = collected);
  }
  const { generation, exposures } = run;
  return {
    plan: plan.plan,
    generation,
    originMs,
    nowMs: nowMs(),
    exposures: [...exposures],
    faultyRobots: [...faultyRobots],
  };
}

/** Judgement of a moment: `unjudged` when the store could not be asked in time; the next tick asks again. */
export type Judged<T> = { readonly kind: 'judged'; readonly result: T } | { readonly kind: 'unjudged' };

/** One tick of the guard. Throws when judging is impossible, not when it is merely late. */
export async function tick(
  run: TrialMemory,
  clock: { stage: 0 | 1 | 2 | 3; hoursInStage: number; hoursTotal: number },
  faultyRobots: readonly string[],
): Promise<Judged<JudgeTickResult>> {
  return judged(async () => {
    const asked = await question(run, faultyRobots);
    if (asked === undefined) return undefined;
    // Counted before it is asked: a verdict that came too late for its tick is not the next one's.
    const tick = run.ticks;
    run.ticks += 1;
    return guard(run).judgeTick({ ...asked, ...clock, tick });
  });
}

/** One look at an A/B test. */
export const look = (
  run: TrialMemory,
  at: { look: number; hoursTotal: number },
  faultyRobots: readonly string[],
): Promise<Judged<JudgeLookResult>> =>
  judged(async () => {
    const asked = await question(run, faultyRobots);
    return asked === undefined ? undefined : guard(run).judgeLook({ ...asked, ...at });
  });

async function judged<T>(judge: () => Promise<T | undefined>): Promise<Judged<T>> {
  try {
    const result = await judge();
    return result === undefined ? { kind: 'unjudged' } : { kind: 'judged', result };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    if (error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true) throw error.cause;
    log.warn('no judgement at this tick', { error });
    return { kind: 'unjudged' };
  }
}

const mostRaces = 100;

/** Closes the trial at the next free place of the log, everybody on `version`; the champion alias follows. */
export async function closeTrial(
  run: TrialMemory,
  to: {
    version: string;
    urgency: 'whenIdle' | 'safeStop';
    why: string;
    isBetter?: boolean;
    lossFraction?: number | null;
  },
): Promise<void> {
  const { policy, who } = run;
  const trialId = trialIdOf(run);
  const { endExposure, readTrialState, repairAliases } = returnActivities();
  const atMs = nowMs();
  const { version, urgency, why } = to;
  for (let race = 0; race < mostRaces; race += 1) {
    const { seq: last, isClosed } = await readTrialState({ policy, trialId });
    const isMoreUrgent = run.returned?.urgency === 'whenIdle' && urgency === 'safeStop' && last === run.assignmentSeq;
    if (isClosed && !isMoreUrgent) break;
    const seq = last + 1;
    const operationId = `${trialId}#${seq}`;
    const order = { policy, trialId, version, seq, urgency, operationId, who, why, atMs, isForced: isMoreUrgent };
    const written = await endExposure(order);
    if (written.kind === 'conflict') continue;
    run.assignmentSeq = written.seq;
    break;
  }
  run.returned = { urgency, atMs };
  await repairAliases({
    policy,
    who,
    why,
    ...(to.isBetter === undefined ? {} : { isBetter: to.isBetter }),
    ...(to.lossFraction === undefined ? {} : { anchorLossFraction: to.lossFraction }),
  });
}

/** Robots that are online and not there yet are looked at this often. */
export const confirmEveryMs = (tickMs: number): number => Math.min(tickMs, 2_000);

/** Who follows the last order; `isDone` once nobody online is on the way, or the time for it is over. */
export async function confirmed(run: TrialMemory): Promise<{ isDone: boolean; robots: ReturnedRobots }> {
  const seen = await returnActivities().readConfirmations({ policy: run.policy, seq: run.assignmentSeq });
  const isLate = nowMs() - (run.returned?.atMs ?? 0) >= run.plan.times.confirmMs;
  const late = seen.waiting.map((robotId) => `${robotId}: not confirmed in time`);
  return {
    isDone: seen.waiting.length === 0 || isLate,
    robots: {
      confirmed: seen.confirmed,
      ...(seen.windowed === undefined ? {} : { windowed: seen.windowed }),
      offline: seen.offline,
      failed: [...seen.failed, ...late],
    },
  };
}

/** Waits for the robots to follow the last order. */
export async function untilConfirmed(run: TrialMemory): Promise<ReturnedRobots> {
  for (;;) {
    const { isDone, robots } = await confirmed(run);
    if (isDone) return robots;
    await sleep(confirmEveryMs(run.plan.times.tickMs));
  }
}

export const nobody: ReturnedRobots = { confirmed: 0, offline: [], failed: [] };
