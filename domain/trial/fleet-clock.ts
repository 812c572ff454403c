/** How long things take for one fleet, in real milliseconds; statistics know fleet time only, and are the same in every profile. */
export interface FleetTimes {
  /** One fleet day. */
  readonly dayMs: number;
  /** Between two guard ticks. */
  readonly tickMs: number;
  /** A candidate runs this long after the last tick that renewed its lease. */
  readonly leaseMs: number;
  /** Looks at an A/B test are at least this far apart. */
  readonly leastLookMs: number;
  /** A stage of a rollout lasts at least this many ticks. */
  readonly leastStageTicks: number;
  /** A robot unheard of for this long counts as silent (`silence.missingMinutes` of the limits). */
  readonly missingAfterMs: number;
  /** How long robots that are online may take to follow an order before they are listed as failed. */
  readonly confirmMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** `real`: fleet time is real time. `compressed`: a day in a minute, for demonstrations and tests. */
export const fleetProfiles = {
  real: {
    dayMs,
    tickMs: 5 * minuteMs,
    leaseMs: 30 * minuteMs,
    leastLookMs: 0,
    leastStageTicks: 0,
    missingAfterMs: 15 * minuteMs,
    confirmMs: 10 * minuteMs,
  },
  compressed: {
    dayMs: minuteMs,
    tickMs: 2_000,
    leaseMs: 30_000,
    leastLookMs: 5_000,
    leastStageTicks: 6,
    missingAfterMs: 10_000,
    confirmMs: 15_000,
  },
} as const satisfies Record<string, FleetTimes>;

/** Converts between the two times of a fleet. */
export interface FleetClock {
  /** Fleet time of a real instant, milliseconds since 1970; equal to it while a fleet day is a real day. */
  readonly fleetMs: (realMs: number) => number;
  /** Real length of a fleet duration in hours. */
  readonly realMs: (fleetHours: number) => number;
  /** Fleet hours of a real duration. */
  readonly fleetHours: (realMs: number) => number;
}

/** Both times agree at this instant, so that fleet time of any day of this century stays a safe integer. */
const epochMs = Date.UTC(2026, 0, 1);

/** The one place where fleet time is made of real time. `fleetClock(fleetProfiles.compressed).fleetHours(60_000)` → 24 */
export function fleetClock(times: Pick<FleetTimes, 'dayMs'>): FleetClock {
  if (!(times.dayMs >= 1)) throw new RangeError(`expected dayMs ≥ 1, got ${times.dayMs}`);
  const speed = dayMs / times.dayMs;
  return {
    fleetMs: (realMs) => Math.round(epochMs + (realMs - epochMs) * speed),
    realMs: (fleetHours) => (fleetHours * hourMs) / speed,
    fleetHours: (realMs) => (realMs * speed) / hourMs,
  };
}

/** Least fleet hours of a stage: its ticks. */
export const leastStageHours = (times: FleetTimes): number =>
  fleetClock(times).fleetHours(times.leastStageTicks * times.tickMs);

/** Fleet hours between two looks at an A/B test that are to be `lookHours` apart. */
export const lookHoursOf = (times: FleetTimes, lookHours: number): number =>
  Math.max(lookHours, fleetClock(times).fleetHours(times.leastLookMs));
