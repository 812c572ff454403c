import type { TelemetryBatch } from '../../fleet/desk/index.ts';
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

/** The moment by the gateway's clock; nothing happened after it was received, whatever the robot's clock says. */
export const reportedAtMs = ({ receivedMs, clockSkewMs }: TelemetryBatch, { atMs }: TelemetryEntry): number =>
  Math.min(receivedMs, atMs - clockSkewMs);

/**
 * The episode of an entry; undefined when there is none that counts. One that a rollback's safe stop ended belongs to no
 * arm; every other one that was aborted is no success.
 */
export function countedEpisode(batch: TelemetryBatch, entry: TelemetryEntry): CountedEpisode | undefined {
  if (entry.kind !== 'episode' || entry.policyVersion === null || entry.failureReason === 'rollback') return undefined;
  return {
    version: entry.policyVersion,
    atMs: reportedAtMs(batch, entry),
    task: entry.task,
    isSuccess: entry.outcome === 'success',
    intervened: entry.intervened,
    latencyMs: entry.latencyP50Ms,
  };
}
