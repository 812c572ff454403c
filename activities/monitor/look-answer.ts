import { isSilent, openIncidents, type IncidentCause, type OpenIncident } from '../../domain/monitoring/index.ts';
import { fleetClock } from '../../domain/trial/index.ts';
import type { CyclesPort } from '../ports/cycles.ts';
import type { LookJudgement, RollbackAdvice } from './judge-look-at.ts';
import type { MonitorState } from './monitor-state.ts';
import type { ObserveRequest } from './monitor-input.ts';
import type { WatchedFleet } from './watch-robots.ts';

/** What a look says to the workflow; ≤ 2 KiB, the whole is in the store. */
export interface ObserveFleetResult {
  readonly presence: 'known' | 'unknown';
  readonly champion: string | null;
  readonly robots: number;
  readonly silentRobots: number;
  /** Robots whose body the champion does not serve; absent where there is none. */
  readonly notServedRobots?: number;
  readonly robotsOnTrial: number;
  /** There was more telemetry than one look takes in. */
  readonly isBehind: boolean;
  readonly failureFraction: { readonly reference: number | null; readonly current: number | null };
  readonly openIncidents: number;
  /** Some of them, those nobody has acknowledged first, reasons cut short. */
  readonly incidents: readonly OpenIncident[];
  readonly changes: { readonly opened: number; readonly closed: number; readonly acknowledged: number };
  readonly trigger: {
    readonly drift: string | null;
    readonly errorRate: string | null;
    readonly correctedFrames: number;
    /** Null when nobody can tell. */
    readonly runningCycles: number | null;
  };
  readonly rollback: RollbackAdvice;
  /** Records the incident log has now. */
  readonly logEndSeq: number;
}

const listed = 5;
const longestReason = 90;
/** What a rollback is ordered for: a whole sentence with its figures. */
const longestAdvice = 280;
const hourMs = 3_600_000;

/** The answer of a look without the end of the log, which follows. */
export function answerOf(parts: {
  readonly input: ObserveRequest;
  readonly state: Pick<MonitorState, 'book' | 'events' | 'champions' | 'correctedFrames' | 'lastCycleStartedMs'>;
  readonly watched: WatchedFleet;
  readonly judgement: LookJudgement;
  readonly cycles: Awaited<ReturnType<CyclesPort['cycles']>>;
  readonly isBehind: boolean;
}): Omit<ObserveFleetResult, 'logEndSeq'> {
  const { input, state, watched, judgement, cycles, isBehind } = parts;
  const { silentAfterMs } = input.limits;
  const open = openIncidents(state.book);
  const reasonOf = (cause: IncidentCause): string | null => open.find((one) => one.cause === cause)?.reason ?? null;
  const count = (kind: string): number => state.events.filter((event) => event.state === kind).length;
  const { lastCycleStartedMs } = state;
  const cycleHour =
    lastCycleStartedMs === null ? -1 : Math.floor(fleetClock(input).fleetMs(lastCycleStartedMs) / hourMs);
  return {
    presence: watched.presence,
    champion: state.champions.champion,
    robots: watched.robots.length,
    silentRobots: watched.robots.filter((robot) => isSilent(robot, watched.presence, silentAfterMs) === true).length,
    ...(watched.notServed === 0 ? {} : { notServedRobots: watched.notServed }),
    robotsOnTrial: watched.onTrial.size,
    isBehind,
    failureFraction: judgement.failures.failureFraction,
    openIncidents: open.length,
    incidents: [...open.filter(isUnseen), ...open.filter((one) => !isUnseen(one))]
      .slice(0, listed)
      .map((incident) => ({ ...incident, reason: incident.reason.slice(0, longestReason) })),
    changes: { opened: count('opened'), closed: count('closed'), acknowledged: count('acknowledged') },
    trigger: {
      drift: cut(reasonOf('drift')),
      errorRate: cut(reasonOf('errorRate')),
      // The cycle may have read what came in its own hour: that is not counted again.
      correctedFrames: state.correctedFrames
        .filter(([hour]) => hour > cycleHour)
        .reduce((sum, [, frames]) => sum + frames, 0),
      runningCycles: cycles?.running ?? null,
    },
    rollback: { ...judgement.rollback, reason: judgement.rollback.reason.slice(0, longestAdvice) },
  };
}

const isUnseen = ({ acknowledgedBy }: OpenIncident): boolean => acknowledgedBy === null;
const cut = (reason: string | null): string | null => reason?.slice(0, longestReason) ?? null;
