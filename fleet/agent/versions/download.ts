import { orAborted } from '../link/deadline.ts';
import { GatewayError } from '../gateway-client.ts';
import type { MonotonicClock } from '../local/times.ts';

/** What a download must keep to. One that does not is given up, told, and goes on later where it stopped. */
export interface DownloadLimits {
  /** Longest silence between two pieces. */
  readonly idleTimeoutMs: number;
  /** Least bytes a second, over each `speedWindowMs`. */
  readonly leastBytesPerS: number;
  readonly speedWindowMs: number;
  /** Longest time of one request. */
  readonly totalTimeoutMs: number;
}

/** A download that broke off, stalled or came too slowly; what came is kept. */
export class DownloadError extends GatewayError {}

export interface DownloadPorts {
  readonly limits: DownloadLimits;
  readonly monotonic: MonotonicClock;
  readonly signal: AbortSignal;
}

/**
 * The pieces of a body as they come. Throws a `DownloadError` when it stalls, is too slow, too long under way or breaks off,
 * and the signal's reason when that is aborted; the connection is let go in every case.
 */
export async function* piecesOf(
  body: ReadableStream<Uint8Array>,
  what: string,
  { limits, monotonic, signal }: DownloadPorts,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const endMs = monotonic() + limits.totalTimeoutMs;
  let window = { startMs: monotonic(), bytes: 0 };
  let lastMs = monotonic();
  let reading: Promise<Piece> | undefined;
  try {
    for (;;) {
      const windowEndMs = window.startMs + limits.speedWindowMs;
      const idleEndMs = lastMs + limits.idleTimeoutMs;
      reading ??= reader.read();
      const piece = await inTime(reading, Math.min(windowEndMs, idleEndMs, endMs) - monotonic(), signal);
      if (piece?.done === true) return;
      const nowMs = monotonic();
      if (piece !== undefined) {
        reading = undefined;
        window.bytes += piece.value.length;
        yield piece.value;
        lastMs = monotonic();
      } else if (nowMs >= idleEndMs)
        throw new DownloadError(`the download of ${what} stalled: nothing came for ${limits.idleTimeoutMs} ms`, {});
      if (nowMs >= endMs)
        throw new DownloadError(`the download of ${what} took longer than ${limits.totalTimeoutMs} ms`, {});
      if (nowMs < windowEndMs) continue;
      const bytesPerS = (1000 * window.bytes) / (nowMs - window.startMs);
      if (bytesPerS < limits.leastBytesPerS)
        throw new DownloadError(
          `the download of ${what} is too slow: expected at least ${limits.leastBytesPerS} bytes a second, got ${bytesPerS.toFixed(1)}`,
          {},
        );
      window = { startMs: nowMs, bytes: 0 };
    }
  } catch (cause) {
    if (cause instanceof DownloadError || signal.aborted) throw cause;
    throw new DownloadError(`the download of ${what} broke off`, { cause });
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']>>;

/** The next piece; undefined when none came in time. */
async function inTime(reading: Promise<Piece>, timeMs: number, signal: AbortSignal): Promise<Piece | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, timeMs));
  });
  try {
    return await orAborted(Promise.race([reading, timeIsUp]), signal);
  } finally {
    clearTimeout(timer);
  }
}
