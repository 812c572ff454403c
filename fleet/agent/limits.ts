import type { DownloadLimits } from './versions/download.ts';
import type { RecordingLimits } from './recording/recording.ts';
import type { BackOffLimits } from './local/waiting.ts';

/** How an agent measures out its work. Times are milliseconds of the monotonic clock. */
export interface AgentLimits extends RecordingLimits {
  /** Most that a power cut can take of an open episode. */
  readonly syncIntervalMs: number;
  /** How often leases, contact, age of the spool and the like are looked at. */
  readonly tickMs: number;
  /** Telemetry says how long the robot was online, this often. */
  readonly onlineEveryMs: number;
  readonly requestTimeoutMs: number;
  /** A robot that has not come to a stop by then is switched all the same. */
  readonly safeStopTimeoutMs: number;
  readonly backOff: BackOffLimits;
  readonly download: DownloadLimits;
  /** A version that is not loaded and has not passed its self-test by then is refused. */
  readonly loadTimeoutMs: number;
  /** A policy that has not decided by then has failed: the robot stops safely and falls back. */
  readonly decideTimeoutMs: number;
  /** Most bytes of clips that are sent in a day (UTC); less than a part of a clip, 4 MiB, sends none. */
  readonly clipBytesPerDay: number;
  /** Part of the time in which clips may use the line, in (0, 1]. */
  readonly clipLineFraction: number;
  /** As the gateway says unless given. */
  readonly heartbeatEveryMs?: number;
  readonly longPollMs?: number;
}

export const defaultLimits: AgentLimits = {
  syncIntervalMs: 1_000,
  tickMs: 1_000,
  onlineEveryMs: 60_000,
  requestTimeoutMs: 20_000,
  safeStopTimeoutMs: 10_000,
  backOff: { firstMs: 1_000, longestMs: 60_000 },
  download: { idleTimeoutMs: 20_000, leastBytesPerS: 1_024, speedWindowMs: 30_000, totalTimeoutMs: 6 * 3_600_000 },
  loadTimeoutMs: 60_000,
  decideTimeoutMs: 1_000,
  rotateBytes: 4 * 1024 * 1024,
  rotateMs: 10 * 60_000,
  quotaBytes: 1024 * 1024 * 1024,
  imageQuotaBytes: 4 * 1024 * 1024 * 1024,
  maxImageBytes: 8 * 1024 * 1024,
  clipIdleMs: 2_000,
  clipWaitMs: 5 * 60_000,
  clipBytesPerDay: 1_400_000_000,
  clipLineFraction: 0.5,
};
