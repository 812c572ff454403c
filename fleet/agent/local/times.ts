import { readFileSync } from 'node:fs';

/** Wall clock of the robot, milliseconds since 1970 UTC; may be wrong and may jump. */
export type WallClock = () => number;

/** Milliseconds that only ever grow, at one pace, within one boot of the machine; all waiting is measured by it. */
export interface MonotonicClock {
  (): number;
}

/** A moment that another process of the same machine boot can compare with its own; nothing can be said across boots. */
export interface MachineMoment {
  readonly machineBootId: string;
  readonly monotonicMs: number;
}

/** Milliseconds from a kept moment to now; undefined across boots of the machine. */
export const elapsedSince = (moment: MachineMoment, now: MachineMoment): number | undefined =>
  moment.machineBootId === now.machineBootId ? now.monotonicMs - moment.monotonicMs : undefined;

/** One comparison of the robot's clocks with a gateway's. */
export interface ClockSample {
  /** Monotonic moments of sending and receiving. */
  readonly sentMs: number;
  readonly receivedMs: number;
  readonly gatewayClockMs: number;
}

/** Gateways of one fleet differ by less. */
const clockStepMs = 1_000;

/** A quartz clock runs wrong by less than this part of its time. */
const drift = 1e-4;

export interface GatewayTime {
  /** Gateway clock minus monotonic clock. */
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
  readonly measuredMs: number;
}

/**
 * The better of what was known and a new sample: the gateway's clock was read somewhere between sending and receiving, so
 * half the round trip is the error; an old measurement grows worse by the drift of the clock. What contradicts it (the machine
 * slept, which stops the monotonic clock, or the gateway's clock was set) makes it void.
 */
export function betterGatewayTime(known: GatewayTime | undefined, sample: ClockSample): GatewayTime {
  const middleMs = (sample.sentMs + sample.receivedMs) / 2;
  const uncertaintyMs = (sample.receivedMs - sample.sentMs) / 2;
  const measured = { offsetMs: sample.gatewayClockMs - middleMs, uncertaintyMs, measuredMs: sample.receivedMs };
  if (known === undefined) return measured;
  const knownUncertaintyMs = known.uncertaintyMs + (sample.receivedMs - known.measuredMs) * drift;
  const isContradicted =
    Math.abs(measured.offsetMs - known.offsetMs) > uncertaintyMs + knownUncertaintyMs + clockStepMs;
  return isContradicted || uncertaintyMs <= knownUncertaintyMs ? measured : known;
}

/**
 * Robot clock minus gateway clock at this moment, whole milliseconds. A jump of the robot's clock since the measurement is
 * in it, because the measurement compared the gateway with the monotonic clock.
 */
export const skewAt = (time: GatewayTime, wallMs: number, monotonicMs: number): number =>
  Math.round(wallMs - (monotonicMs + time.offsetMs));

/** Changes with every boot of this machine. */
export const linuxBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
