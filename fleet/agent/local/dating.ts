import { z } from 'zod';

import { readJson, replaceJson } from './durable-files.ts';
import type { GatewayTime, MachineMoment, MonotonicClock, WallClock } from './times.ts';

/**
 * What ties an instant by the robot's clock to the monotonic clock of one boot of the machine: the robot's clock may be set, or be
 * wrong from the start, and the instant still be dated once a gateway has told the time in that boot.
 */
export const stampSchema = z.object({
  machineBootId: z.string(),
  /** Robot clock minus monotonic clock when the instant was written down, milliseconds. */
  clockOffsetMs: z.number(),
});
export type Stamp = z.infer<typeof stampSchema>;

/** The stamp of what happens now. */
export const stampNow = (clocks: {
  readonly machineBootId: string;
  readonly wall: WallClock;
  readonly monotonic: MonotonicClock;
}): Stamp => ({ machineBootId: clocks.machineBootId, clockOffsetMs: clocks.wall() - clocks.monotonic() });

/** How instants of one boot become instants of the gateway's clock. */
export type Dating =
  /** Instant by the robot's clock - `stamp.clockOffsetMs` + `gatewayOffsetMs`. */
  | { readonly kind: 'known'; readonly gatewayOffsetMs: number }
  /** No gateway was heard in that boot, and none can be any more; it was before this moment by the gateway's clock. */
  | { readonly kind: 'unknown'; readonly beforeMs: number }
  /** A gateway may still tell the time. */
  | { readonly kind: 'later' };

/** A robot made by no one yet: what a clock says of earlier times is nonsense. */
const earliestMs = Date.UTC(2020, 0, 1);

/** What to add to instants by the robot's clock, the latest of which is `latestMs`, milliseconds. */
export function shiftMs(dating: Exclude<Dating, { kind: 'later' }>, stamp: Stamp, latestMs: number): number {
  if (dating.kind === 'known') return dating.gatewayOffsetMs - stamp.clockOffsetMs;
  // The robot's own clock is all there is, unless it says what cannot be.
  const isPlausible = latestMs >= earliestMs && latestMs <= dating.beforeMs;
  return isPlausible ? 0 : dating.beforeMs - latestMs;
}

const knownSchema = z.array(
  z.object({
    machineBootId: z.string(),
    offsetMs: z.number(),
    uncertaintyMs: z.number(),
    measuredMs: z.number(),
  }),
);
type Known = z.infer<typeof knownSchema>[number];

/** Boots that are remembered; episodes of earlier ones that still wait are dated as unknown. */
const mostBoots = 200;
/** A quartz clock drifts by less than 9 s a day: what is on the disk is renewed when it is worse than this. */
const worthKeepingMs = 1_000;

/** What is known of the gateway's time, in this boot of the machine and in earlier ones. */
export interface GatewayTimes {
  /** Of this boot; undefined until a gateway was heard in it. */
  readonly now: () => GatewayTime | undefined;
  /** A better measurement of this boot; on disk when it resolves, where that is worth it. */
  learn(time: GatewayTime): Promise<void>;
  readonly datingOf: (stamp: Stamp) => Dating;
}

export async function openGatewayTimes(file: string, now: () => MachineMoment): Promise<GatewayTimes> {
  const { machineBootId, monotonicMs: startedMs } = now();
  const kept = (await readJson(file, knownSchema)) ?? [];
  const earlier = kept.filter((known) => known.machineBootId !== machineBootId);
  let onDisk = kept.find((known) => known.machineBootId === machineBootId);
  let current: GatewayTime | undefined = onDisk;

  return {
    now: () => current,
    async learn({ offsetMs, uncertaintyMs, measuredMs }) {
      const known: Known = { machineBootId, offsetMs, uncertaintyMs, measuredMs };
      current = known;
      if (onDisk !== undefined && Math.abs(onDisk.offsetMs - offsetMs) < worthKeepingMs) return;
      onDisk = known;
      await replaceJson(file, [...earlier.slice(1 - mostBoots), known]);
    },
    datingOf(stamp) {
      if (stamp.machineBootId === machineBootId)
        return current === undefined ? { kind: 'later' } : { kind: 'known', gatewayOffsetMs: current.offsetMs };
      const known = earlier.find((each) => each.machineBootId === stamp.machineBootId);
      if (known !== undefined) return { kind: 'known', gatewayOffsetMs: known.offsetMs };
      if (current === undefined) return { kind: 'later' };
      return { kind: 'unknown', beforeMs: startedMs + current.offsetMs };
    },
  };
}
