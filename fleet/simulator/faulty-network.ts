import { createHash } from 'node:crypto';

import type { AgentOptions } from '../agent/index.ts';
import { wireHeaders, wirePaths, type SegmentAnswer } from '../protocol/index.ts';

type Fetch = NonNullable<AgentOptions['fetch']>;

/** What is wrong with a robot's way to the gateway now; changed while it is used. */
export interface NetworkTrouble {
  isOffline: boolean;
  /** Segments leave the robot damaged, as from a bad disk: well addressed, but not what was recorded. */
  corruptsSegments: boolean;
  /** Hears of each segment that left damaged and was taken. */
  readonly onCorrupted: () => void;
}

/** A robot's requests, troubled as `trouble` says at the moment of sending. */
export function troubledFetch(robotId: string, send: Fetch, trouble: NetworkTrouble): Fetch {
  const segments = wirePaths.segment(robotId, '');
  return async (url, init) => {
    if (trouble.isOffline) throw new TypeError('the simulated network is down');
    const at = url.indexOf(segments);
    if (at < 0 || !trouble.corruptsSegments || !(init.body instanceof Uint8Array)) return send(url, init);
    const sha256 = url.slice(at + segments.length);
    const damaged = damage(init.body);
    const response = await send(url.slice(0, at) + wirePaths.segment(robotId, sha256Of(damaged)), {
      ...init,
      body: damaged,
    });
    if (!response.ok) return response;
    trouble.onCorrupted();
    const answer = (await response.json()) as SegmentAnswer;
    return Response.json({ ...answer, sha256 }, { status: response.status, headers: headersToKeep(response) });
  };
}

const headersToKeep = ({ headers }: Response): Headers => {
  const kept = new Headers();
  for (const name of [wireHeaders.clockMs, wireHeaders.gatewayId]) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
};

/** The same bytes with their last quarter, where Parquet has its index, overwritten. */
function damage(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const damaged = Uint8Array.from(bytes);
  damaged.fill(0x2a, Math.floor((3 * damaged.length) / 4));
  return damaged;
}

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
