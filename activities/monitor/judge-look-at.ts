import {
  conditionsSince,
  groupBySite,
  isSiteSubject,
  isSilent,
  judgeAutomaticRollback,
  judgeData,
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
import type { DiskSpace } from '../loop-desk-port.ts';
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
  { sight, disks, unsigned }: Surroundings,
): LookJudgement {
  const { limits, nowMs, drift } = input;
  const { presence, onTrial } = watched;
  const robots = watched.robots.filter(({ robotId }) => !onTrial.has(robotId));
  const anomalies =
    baseline === undefined
      ? { findings: [], judged: new Set<string>() }
      : judgeRobotAnomalies(robots, baseline, limits);
  const failures = judgeFailures(state.memory, Math.floor(fleetClock(input).fleetMs(nowMs) / hourMs), limits);
  const rollback = adviseRollback(input, state, watched);
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
        ...state.damaged.map(({ key, why }): Finding => ({ cause: 'damagedObject', subject: key, reason: why })),
        ...(drift?.alarm === true ? [fleetWide('drift', drift.reason)] : []),
        ...(unsigned === undefined ? [] : [fleetWide('ordersUnsigned', unsigned)]),
        ...(rollback.kind === 'none' ? [] : [fleetWide('rollbackNeeded', rollback.reason)]),
      ],
      new Map(robots.flatMap(({ robotId, site }) => (site === undefined ? [] : [[robotId, site] as const]))),
      state.book,
    ),
    isKnown(cause, subject) {
      // Of a site something is known as long as somebody tells of its robots.
      if (isSiteSubject(subject)) return presence === 'known';
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
          return anomalies.judged.has(subject);
        case 'failureReason':
        case 'errorRate':
          return failures.isKnown;
        case 'drift':
          return drift !== null;
        case 'ordersUnsigned':
        case 'badData':
        case 'leftOut':
        case 'collectionStuck':
        case 'damagedObject':
          // What the last collections said stands until a later one says otherwise.
          return true;
        case 'rollbackNeeded':
          return !watched.isTrialOpen;
        case 'gatewayDead':
          return true;
        case 'diskFull':
          return disks.length > 0;
        case 'scheduleOff':
        case 'learningStopped':
        case 'cycleFailed':
        case 'championHolds':
        case 'stepRetries':
        case 'workflowStuck':
        case 'approvalWaits':
          return sight !== undefined;
        default:
          return cause satisfies never;
      }
    },
  };
}

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
    ? [fleetWide('gatewayDead', `no gateway says which of ${robots.length} robots are there`)]
    : [];

const hourMs = 3_600_000;
const fleetWide = (cause: IncidentCause, reason: string): Finding => ({ cause, subject: 'fleet', reason });

const none = (reason: string): RollbackAdvice => ({ kind: 'none', reason, promotion: null });

/** Only outside trials, only what the champion did since its promotion, and never to the baseline by itself. */
function adviseRollback(input: ObserveRequest, { champions }: MonitorState, watched: WatchedFleet): RollbackAdvice {
  const { champion, previous, baseline, promotion } = champions;
  if (champion === null || promotion === null || champion === baseline) return none('the baseline runs');
  if (watched.isTrialOpen) return none('a trial runs: its guard decides');
  const hoursSincePromotion = fleetClock(input).fleetHours(input.nowMs - promotion.atMs);
  const facts = {
    conditions: conditionsSince(watched.robots, champion, promotion.atMs),
    hoursSincePromotion,
    alreadyRolledBack: promotion.isReturn || input.rolledBack === promotion.operationId,
  };
  const wanted = judgeAutomaticRollback({ ...facts, target: 'previous' });
  if (!wanted.rollback) return none(wanted.reason);
  const target = previous === null || previous === baseline ? 'baseline' : 'previous';
  const allowed = judgeAutomaticRollback({ ...facts, target });
  const { operationId } = promotion;
  if (!allowed.rollback) return { kind: 'ask', reason: allowed.reason, promotion: operationId };
  if (input.automaticRollback) return { kind: 'start', reason: allowed.reason, promotion: operationId };
  return { kind: 'ask', reason: `${allowed.reason}: automatic rollback is off`, promotion: operationId };
}
