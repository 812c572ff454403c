import { maxClipBytes } from '../../datasets/media/clip-format.ts';

/** Bounds of everything on the wire; both sides hold them. Times are real time, not fleet time. */
export const wireLimits = {
  /** Version of this protocol; a gateway refuses others. */
  protocolVersion: 1,
  maxSegmentBytes: 64 * 1024 * 1024,
  maxClipBytes,
  /** Every part of a clip but its last has exactly this size. */
  partBytes: 4 * 1024 * 1024,
  /** Body of any request but a segment or a part of a clip. */
  maxJsonBytes: 256 * 1024,
  maxTelemetryEntries: 500,
  /** Corrected frames that one episode can report: 55 hours of them at 50 a second. */
  maxCorrectedFrames: 10_000_000,
  /** The gateway answers a long poll at the latest after this time, and after a third of what remains of the lease. */
  maxLongPollMs: 30_000,
  heartbeatEveryMs: 30_000,
  /** A batch is on disk at most this long after it came; its answer waits for that. */
  telemetryCommitMs: 2_000,
  maxTextLength: 500,
  /** Longest file of a policy version that is served, `model.onnx` included. */
  maxModelBytes: 1024 * 1024 * 1024,
} as const;
