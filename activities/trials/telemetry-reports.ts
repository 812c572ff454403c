import type { TelemetryBatch } from '../../fleet/desk/index.ts';
import type { LifeOverlap, RobotLives } from '../../domain/trial/index.ts';
import type { TelemetryEntry } from '../../fleet/protocol/index.ts';

/** An episode as judges count it: to the version that ran it, at the gateway's time. */
export interface CountedEpisode {
  readonly version: string;
  readonly atMs: number;
  readonly task: string;
  readonly isSuccess: boolean;
  readonly intervened: boolean;
  readonly latencyMs: number | null;
}

/**
 * The moment by the gateway's clock; nothing happened after it was received, whatever the robot's clock says. Undefined when the robot
 * did not know the time in that life: what it says is a guess. A safety event counts all the same, when it was heard of.
 */
export function reportedAtMs(
  { receivedMs, clockSkewMs, isTimeUnknown }: TelemetryBatch,
  { atMs, kind }: TelemetryEntry,
): number | undefined {
  if (isTimeUnknown === true) return kind === 'safetyEvent' ? receivedMs : undefined;
  return Math.min(receivedMs, atMs - clockSkewMs);
}

/**
 * The moment that a report counts at: of an episode its beginning. How it ends says when it ends, because most failures end early: where robots begin
 * together, as at the beginning of a shift, a comparison of what ended at the same time compares failures with failures (docs/decisions/114).
 */
export const countedAtMs = (entry: TelemetryEntry, reportedMs: number): number =>
  entry.kind === 'episode' ? reportedMs - entry.durationMs : reportedMs;

/** True for an outcome that would count if it had a time. */
export const isUndatedEpisode = ({ isTimeUnknown }: TelemetryBatch, { kind, policyVersion }: TelemetryEntry): boolean =>
  isTimeUnknown === true && kind === 'episode' && policyVersion !== null;

/** Clocks are corrected by a skew that is known to about a second; a reboot takes longer than this to tell the same time. */
const overlapMs = 2 * 60_000;

/** Notes the time of which a life tells; gives the overlap with another life of its robot, if there is one. */
export function overlapOf(lives: RobotLives, batch: TelemetryBatch): LifeOverlap | undefined {
  const moments = batch.isTimeUnknown === true ? [] : batch.entries.map((entry) => reportedAtMs(batch, entry) ?? 0);
  if (moments.length === 0) return undefined;
  const told = { fromMs: Math.min(...moments), untilMs: Math.max(...moments) };
  return lives.tell(batch.robotId, batch.bootId, told, overlapMs);
}

/**
 * The episode of an entry; undefined when there is none that counts. One whose time nobody knows does not, and one that a rollback's safe stop ended belongs to no
 * arm; every other one that was aborted is no success.
 */
export function countedEpisode(batch: TelemetryBatch, entry: TelemetryEntry): CountedEpisode | undefined {
  if (entry.kind !== 'episode' || entry.policyVersion === null || entry.failureReason === 'rollback') return undefined;
  const atMs = reportedAtMs(batch, entry);
  if (atMs === undefined) return undefined;
  return {
    version: entry.policyVersion,
    atMs,
    task: entry.task,
    isSuccess: entry.outcome === 'success',
    intervened: entry.intervened,
    latencyMs: entry.latencyP50Ms,
  };
}
