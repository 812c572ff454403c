import {
  conditionsSince,
  isSilent,
  judgeAutomaticRollback,
  judgeData,
  judgeFailures,
  judgeRobotAnomalies,
  judgeRobots,
  type FailureFindings,
  type Finding,
  type FleetBaseline,
  type IncidentCause,
} from '../../domain/monitoring/index.ts';
import { fleetClock } from '../../domain/trial/index.ts';
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
    findings: [
      ...judgeRobots(robots, presence, nowMs, limits),
      ...anomalies.findings,
      ...failures.findings,
      ...judgeData(state.data),
      ...(drift?.alarm === true ? [fleetWide('drift', drift.reason)] : []),
      ...(rollback.kind === 'none' ? [] : [fleetWide('rollbackNeeded', rollback.reason)]),
    ],
    isKnown(cause, subject) {
      switch (cause) {
        case 'silent':
          // A robot that is not registered any more is gone for good.
          return !onTrial.has(subject) && (!silence.has(subject) || silence.get(subject) !== undefined);
        case 'crashLoop':
        case 'unsafe':
        case 'installRefused':
          return !onTrial.has(subject);
        case 'anomaly':
          return anomalies.judged.has(subject);
        case 'failureReason':
        case 'errorRate':
          return failures.isKnown;
        case 'drift':
          return drift !== null;
        case 'badData':
        case 'leftOut':
        case 'collectionStuck':
          // What the last collections said stands until a later one says otherwise.
          return true;
        case 'rollbackNeeded':
          return !watched.isTrialOpen;
        default:
          return cause satisfies never;
      }
    },
  };
}

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
