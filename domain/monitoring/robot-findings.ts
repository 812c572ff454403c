import { fleetLevel, isFarBelow } from '../experiment/index.ts';
import type { Baseline, FleetParameters, RobotEvidence } from '../statistics/index.ts';
import { isOrderRefusal } from '../trust/order-refusals.ts';
import { judgeAnomalies } from './anomaly.ts';
import type { Finding } from './incidents.ts';
import type { MonitorLimits } from './monitor-limits.ts';
import type { RobotMemory } from './robot-memory.ts';
import type { RobotCondition } from './robot-health.ts';

/** What is known of one robot now. */
export interface WatchedRobot {
  readonly robotId: string;
  /** Robots of one site may fail together. */
  readonly site?: string;
  readonly contact: 'online' | 'silent' | 'unknown';
  /** Since a gateway last heard it, real time; null: never. */
  readonly unheardMs: number | null;
  /** Its last install report; null when there is none. */
  readonly install: {
    readonly outcome: 'installed' | 'refused' | 'fellBack';
    readonly reason: string;
    /** What it left or refused. */
    readonly attempted: string | null;
    readonly receivedMs: number;
  } | null;
  readonly memory: RobotMemory | undefined;
}

const minute = 60_000;
/** A safety event is news for this long, real time. */
const safetyMemoryMs = 24 * 60 * minute;
const orderNewsMs = 90 * minute;
/** Reports of a fall-back that crashes, a failed self-test or a missed deadline caused. */
const crashReasons: readonly string[] = ['crashLoop', 'selfTestFailed', 'deadlineMissed'];
const refusalReasons: readonly string[] = ['wrongDigest', 'wrongSignature', 'cannotLoad', 'deadlineMissed'];

/** Has nobody heard of it for too long, though somebody listened? Undefined: nobody can tell. */
export function isSilent(
  robot: WatchedRobot,
  presence: 'known' | 'unknown',
  silentAfterMs: number,
): boolean | undefined {
  if (presence === 'unknown' || robot.contact === 'unknown') return undefined;
  return (robot.unheardMs ?? Number.POSITIVE_INFINITY) >= silentAfterMs;
}

/** What is wrong with single robots: silence, fall-backs, refused models, safety events. In order of the robots. */
export function judgeRobots(
  robots: readonly WatchedRobot[],
  presence: 'known' | 'unknown',
  nowMs: number,
  limits: MonitorLimits,
): Finding[] {
  return robots.flatMap((robot): Finding[] => {
    const { robotId: subject, install, unheardMs } = robot;
    const findings: Finding[] = [];
    if (isSilent(robot, presence, limits.silentAfterMs) === true) {
      const reason = unheardMs === null ? 'no contact so far' : `no contact for ${Math.round(unheardMs / minute)} min`;
      findings.push({ cause: 'silent', subject, reason });
    }
    if (install?.outcome === 'fellBack' && crashReasons.includes(install.reason)) {
      const reason = `left ${install.attempted ?? 'its version'} by itself: ${install.reason}`;
      findings.push({ cause: 'crashLoop', subject, reason });
    }
    if (install?.outcome === 'refused' && refusalReasons.includes(install.reason)) {
      const reason = `refused ${install.attempted ?? 'a version'}: ${install.reason}`;
      findings.push({ cause: 'installRefused', subject, reason });
    }
    // Told again every hour for as long as it goes on.
    if (install?.outcome === 'refused' && isOrderRefusal(install.reason) && nowMs - install.receivedMs < orderNewsMs) {
      const reason = `refused an order${install.attempted === null ? '' : ` for ${install.attempted}`}: ${install.reason}`;
      findings.push({ cause: 'orderRefused', subject, reason });
    }
    const safety = robot.memory?.safety;
    if (safety !== undefined && nowMs - safety.atMs < safetyMemoryMs)
      findings.push({ cause: 'unsafe', subject, reason: `safety event on ${safety.version ?? 'no version'}` });
    return findings;
  });
}

/** The fleet's past, made once a fleet day. */
export interface FleetBaseline {
  readonly parameters: FleetParameters;
  readonly robots: Readonly<Record<string, Baseline>>;
  /** Variance of the whole fleet's success from day to day; left out: unknown. */
  readonly fleetDayVariance?: number | undefined;
  /** The same in stretches of two hours; left out: unknown. */
  readonly fleetHoursVariance?: number | undefined;
}

/** Which robots do worse than they used to while others do not; `judged` are those with enough episodes to say so. */
export function judgeRobotAnomalies(
  robots: readonly WatchedRobot[],
  baseline: FleetBaseline,
  limits: MonitorLimits,
): { readonly findings: readonly Finding[]; readonly judged: ReadonlySet<string> } {
  const evidence = robots.flatMap(({ robotId, memory }): RobotEvidence[] => {
    const past = baseline.robots[robotId];
    if (past === undefined || memory === undefined || memory.hours.length === 0) return [];
    const blocks = memory.hours.map(([block, successes, episodes]) => ({ block, successes, episodes }));
    return [{ robotId, arm: 'control', baseline: past, blocks }];
  });
  if (evidence.length < 2) return { findings: [], judged: new Set() };
  const anomalies = judgeAnomalies({
    parameters: baseline.parameters,
    robots: evidence,
    days: 1,
    limits: { marginFraction: limits.anomalyMarginFraction },
  });
  const worse = anomalies.filter(({ anomalous, delta }) => anomalous && delta < 0);
  return {
    findings: worse.map(({ robotId, reason }) => ({ cause: 'anomaly', subject: robotId, reason })),
    judged: new Set(anomalies.filter(({ episodes }) => episodes > 0).map(({ robotId }) => robotId)),
  };
}

const lateHours = 4;

/** Is the whole fleet far below its own past? `isKnown` false without a past or episodes. */
export function judgeFleetLevel(
  robots: readonly WatchedRobot[],
  baseline: FleetBaseline | undefined,
): { readonly findings: readonly Finding[]; readonly isKnown: boolean } {
  if (baseline === undefined) return { findings: [], isKnown: false };
  const evidence = robots.flatMap(({ robotId, memory }): RobotEvidence[] => {
    const past = baseline.robots[robotId];
    if (past === undefined || memory === undefined) return [];
    const blocks = memory.hours.map(([hour, successes, episodes]) => ({ block: hour, successes, episodes }));
    return [{ robotId, arm: 'control', baseline: past, blocks }];
  });
  const level = fleetLevel(evidence, baseline.parameters, { arm: 'control', blocks: lateHours });
  const told = `success ${(100 * level.excess).toFixed(1)} pp against the fleet's own past, ${level.episodes} episodes in ${lateHours} h`;
  const isKnown = level.episodes > 0;
  if (!isFarBelow(level, baseline.parameters)) return { findings: [], isKnown };
  return { findings: [{ cause: 'fleetBroken', subject: 'fleet', reason: told }], isKnown };
}

/** Every robot's condition as far as the champion brought it about since its promotion: what an automatic rollback goes by. */
export function conditionsSince(
  robots: readonly WatchedRobot[],
  champion: string,
  promotedAtMs: number,
): { readonly robotId: string; readonly condition: RobotCondition }[] {
  return robots.map(({ robotId, install, memory }) => {
    const safety = memory?.safety;
    if (safety?.version === champion && safety.atMs >= promotedAtMs) return { robotId, condition: 'unsafe' };
    const fell = install?.outcome === 'fellBack' && crashReasons.includes(install.reason);
    const byChampion = fell && install.attempted === champion && install.receivedMs >= promotedAtMs;
    return { robotId, condition: byChampion ? 'crashLoop' : 'well' };
  });
}
