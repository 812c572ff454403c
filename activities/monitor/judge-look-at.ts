import {
  conditionsSince,
  groupBySite,
  isSiteSubject,
  isSilent,
  judgeAutomaticRollback,
  judgeData,
  openSince,
  judgeFleetLevel,
  judgePromotion,
  promotionGuardLimits,
  type PromotedRobot,
  judgeFailures,
  judgeLoop,
  judgeRobotAnomalies,
  judgeRobots,
  type FailureFindings,
  type Finding,
  type FleetBaseline,
  type IncidentCause,
  type LoopSight,
} from '../../domain/monitoring/index.ts';
import { fleetClock } from '../../domain/trial/index.ts';
import type { DiskSpace } from '../ports/cycles.ts';
import type { MonitorState } from './monitor-state.ts';
import type { ObserveRequest } from './monitor-input.ts';
import type { WatchedFleet } from './watch-robots.ts';

/** `ask`: it would be rolled back, but a person has to. */
export interface RollbackAdvice {
  readonly kind: 'none' | 'start' | 'ask';
  readonly reason: string;
  /** The promotion it takes back. */
  readonly promotion: string | null;
}

/** What is around the fleet: the workflows of its policy, and the disks. */
export interface Surroundings {
  /** Undefined: nobody can tell. */
  readonly sight: LoopSight | undefined;
  readonly disks: Awaited<ReturnType<DiskSpace>>;
  /** Why orders could not be signed; undefined: they could, or are not. */
  readonly unsigned: string | undefined;
  /** The fleet's past from before the last promotion; undefined when nobody knows it. */
  readonly pastAtPromotion: FleetBaseline | undefined;
}

export interface LookJudgement {
  readonly findings: readonly Finding[];
  readonly isKnown: (cause: IncidentCause, subject: string) => boolean;
  readonly failures: FailureFindings;
  readonly rollback: RollbackAdvice;
}

/** Everything that is wrong now, and what could not be seen. Robots on trial are the trial's: nothing is known of them here. */
export function judgeLookAt(
  input: ObserveRequest,
  state: MonitorState,
  watched: WatchedFleet,
  baseline: FleetBaseline | undefined,
  { sight, disks, unsigned, pastAtPromotion }: Surroundings,
): LookJudgement {
  const { limits, nowMs, drift } = input;
  const { presence, onTrial } = watched;
  const hourOf = (realMs: number): number => Math.floor(fleetClock(input).fleetMs(realMs) / hourMs);
  const openedMs = openSince(state.book, ['errorRate', 'failureReason']);
  const openedHour = openedMs === undefined ? undefined : hourOf(openedMs);
  const registered = new Set(watched.robots.map(({ robotId }) => robotId));
  const robots = watched.robots.filter(({ robotId }) => !onTrial.has(robotId));
  const anomalies =
    baseline === undefined
      ? { findings: [], judged: new Set<string>() }
      : judgeRobotAnomalies(robots, baseline, limits);
  const failures = judgeFailures(state.memory, hourOf(nowMs), limits, openedHour);
  const rollback = adviseRollback(input, state, watched, pastAtPromotion);
  const level = judgeFleetLevel(robots, baseline);
  const silence = new Map(robots.map((robot) => [robot.robotId, isSilent(robot, presence, limits.silentAfterMs)]));
  return {
    failures,
    rollback,
    findings: groupBySite(
      [
        ...judgeRobots(robots, presence, nowMs, limits),
        ...anomalies.findings,
        ...failures.findings,
        ...judgeData(state.data),
        ...judgeGateways(watched),
        ...judgeDisks(disks),
        ...(sight === undefined || state.loop === undefined ? [] : judgeLoop(sight, state.loop, nowMs)),
        ...level.findings,
        ...state.lifeOverlaps.filter(({ robotId }) => registered.has(robotId)).map(overlapFinding),
        ...state.damaged.map(({ key, why }): Finding => ({ cause: 'damagedObject', subject: key, reason: why })),
        ...(drift?.alarm === true ? [fleetWide('drift', drift.reason)] : []),
        ...(unsigned === undefined ? [] : [fleetWide('ordersUnsigned', unsigned)]),
        ...(rollback.kind === 'none' ? [] : [fleetWide('rollbackNeeded', rollback.reason)]),
      ],
      new Map(robots.flatMap(({ robotId, site }) => (site === undefined ? [] : [[robotId, site] as const]))),
      state.book,
    ),
    isKnown: knownBy({ input, watched, registered, silence, judged: anomalies.judged, failures, level, disks, sight }),
  };
}

/** What could be seen at all: an incident closes only where something is known. */
const knownBy =
  (seen: {
    readonly input: ObserveRequest;
    readonly watched: WatchedFleet;
    readonly registered: ReadonlySet<string>;
    readonly silence: ReadonlyMap<string, boolean | undefined>;
    readonly judged: ReadonlySet<string>;
    readonly failures: FailureFindings;
    readonly level: { readonly isKnown: boolean };
    readonly disks: Surroundings['disks'];
    readonly sight: LoopSight | undefined;
  }): LookJudgement['isKnown'] =>
  (cause, subject) => {
    const { watched, registered, silence } = seen;
    const { onTrial } = watched;
    // Of a site something is known as long as somebody tells of its robots.
    if (isSiteSubject(subject)) return watched.presence === 'known';
    switch (cause) {
      case 'silent':
        // A robot that is not registered any more is gone for good.
        return !onTrial.has(subject) && (!silence.has(subject) || silence.get(subject) !== undefined);
      case 'crashLoop':
      case 'unsafe':
      case 'installRefused':
      case 'orderRefused':
        return !onTrial.has(subject);
      case 'anomaly':
        return seen.judged.has(subject) || !registered.has(subject);
      case 'failureReason':
      case 'errorRate':
        return seen.failures.isKnown;
      case 'fleetBroken':
        return seen.level.isKnown;
      case 'drift':
        return seen.input.drift !== null;
      case 'ordersUnsigned':
      case 'badData':
      case 'leftOut':
      case 'collectionStuck':
      case 'damagedObject':
      case 'twoLives':
        // What the last collections said stands until a later one says otherwise.
        return true;
      case 'rollbackNeeded':
        return !watched.isTrialOpen;
      case 'gatewayDead':
        return true;
      case 'diskFull':
        return seen.disks.length > 0;
      case 'scheduleOff':
      case 'learningStopped':
      case 'cycleFailed':
      case 'championHolds':
      case 'stepRetries':
      case 'workflowStuck':
      case 'approvalWaits':
        return seen.sight !== undefined;
      default:
        return cause satisfies never;
    }
  };

/** Less room than this on a disk is an incident while it can still be written down. */
const leastFreeFraction = 0.05;
const leastFreeBytes = 256 * 1024 * 1024;

const judgeDisks = (disks: Surroundings['disks']): Finding[] =>
  disks
    .filter(({ freeBytes, totalBytes }) => freeBytes < Math.max(leastFreeBytes, leastFreeFraction * totalBytes))
    .map(({ folder, freeBytes, totalBytes }) => ({
      cause: 'diskFull',
      subject: folder,
      reason: `${mib(freeBytes)} of ${mib(totalBytes)} MiB are free, ${mib(Math.max(leastFreeBytes, leastFreeFraction * totalBytes))} are the least`,
    }));
const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024);

/** Robots are registered, and no gateway tells of any. */
const judgeGateways = ({ presence, robots }: WatchedFleet): Finding[] =>
  presence === 'unknown' && robots.length > 0
    ? [fleetWide('gatewayDead', `no gateway reports which of ${robots.length} robots are online`)]
    : [];

const hourMs = 3_600_000;
const fleetWide = (cause: IncidentCause, reason: string): Finding => ({ cause, subject: 'fleet', reason });

/** Why the promotion is to be taken back for what robots succeed in; undefined while nothing says so. */
function successFell(
  input: ObserveRequest,
  { robots }: WatchedFleet,
  past: FleetBaseline | undefined,
  { champion, hoursSincePromotion }: { readonly champion: string; readonly hoursSincePromotion: number },
): string | undefined {
  if (past === undefined || hoursSincePromotion > 24 * promotionGuardLimits.days) return undefined;
  const { alarm, reason } = judgePromotion({
    parameters: past.parameters,
    nowHour: Math.floor(fleetClock(input).fleetMs(input.nowMs) / hourMs),
    fleetDayVariance: past.fleetDayVariance,
    fleetHoursVariance: past.fleetHoursVariance,
    robots: robots.flatMap(({ robotId, memory }): PromotedRobot[] => {
      const baseline = past.robots[robotId];
      return baseline === undefined || memory === undefined ? [] : [{ robotId, baseline, hours: memory.hours }];
    }),
  });
  return alarm ? `${champion} does worse than the champion before it: ${reason}` : undefined;
}

const overlapFinding = ({ robotId, boots, fromMs, untilMs }: MonitorState['lifeOverlaps'][number]): Finding => ({
  cause: 'twoLives',
  subject: robotId,
  reason: `two lives at once, ${boots.join(' and ')}, from ${new Date(fromMs).toISOString()} to ${new Date(untilMs).toISOString()}: a copied card? Their episodes of that time are doubtful`,
});

const none = (reason: string): RollbackAdvice => ({ kind: 'none', reason, promotion: null });

/** Only outside trials, only what the champion did since its promotion, and never to the baseline by itself. */
function adviseRollback(
  input: ObserveRequest,
  { champions }: MonitorState,
  watched: WatchedFleet,
  past: FleetBaseline | undefined,
): RollbackAdvice {
  const { champion, previous, baseline, promotion } = champions;
  if (champion === null || promotion === null || champion === baseline) return none('the baseline runs');
  if (watched.isTrialOpen) return none('a trial runs: its guard decides');
  const hoursSincePromotion = fleetClock(input).fleetHours(input.nowMs - promotion.atMs);
  const facts = {
    conditions: conditionsSince(watched.robots, champion, promotion.atMs),
    hoursSincePromotion,
    alreadyRolledBack: promotion.isReturn || input.rolledBack === promotion.operationId,
  };
  const byCrashes = judgeAutomaticRollback({ ...facts, target: 'previous' });
  const fall = facts.alreadyRolledBack
    ? undefined
    : successFell(input, watched, past, { champion, hoursSincePromotion });
  const wanted = byCrashes.rollback || fall === undefined ? byCrashes : { rollback: true, reason: fall };
  if (!wanted.rollback) return none(wanted.reason);
  const target = previous === null || previous === baseline ? 'baseline' : 'previous';
  const { operationId } = promotion;
  const { reason } = wanted;
  if (target === 'baseline')
    return { kind: 'ask', reason: `${reason}: the baseline needs approval`, promotion: operationId };
  if (input.automaticRollback) return { kind: 'start', reason, promotion: operationId };
  return { kind: 'ask', reason: `${reason}: automatic rollback is off`, promotion: operationId };
}
