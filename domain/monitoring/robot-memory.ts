import { dictionary } from '../dictionary.ts';

/** What the monitor remembers of one robot on the champion: a day by hours, eight days by half days. */
export interface RobotMemory {
  /** `[fleet hour since 1970, successes, episodes]`, ascending, the last 24 hours. */
  hours: [number, number, number][];
  /** By fleet half day since 1970: all episodes, and failures by reason. */
  halves: Record<number, { episodes: number; reasons: Record<string, number> }>;
  /** The last safety event: when, by the gateway's clock, and on which version. */
  safety?: { atMs: number; version: string | null };
}

/** By robot; prototype-less, as everything in it that is named from outside. */
export type FleetMemory = Record<string, RobotMemory>;

/** Nothing remembered yet. */
export const newMemory = (): RobotMemory => ({ hours: [], halves: dictionary() });

/** One outcome as the monitor counts it. */
export interface Outcome {
  readonly isSuccess: boolean;
  readonly failureReason: string | null;
}

export const currentHalves = 2;
export const referenceHalves = 14;
export const currentHours = 24;

/** The last half day of the past that is compared with at this hour. */
export const referenceEnd = (hour: number): number => Math.floor(hour / 12) - currentHalves;
/** More reasons a robot and half day than this become `other`: a robot that makes them up fills no memory. */
const mostReasons = 20;

/** Adds an outcome to its own hour and half day; what is older than the memory is left out. */
export function rememberOutcome(
  fleet: FleetMemory,
  robotId: string,
  at: { readonly hour: number; readonly nowHour: number },
  { isSuccess, failureReason }: Outcome,
): void {
  const { hour, nowHour } = at;
  const half = Math.floor(hour / 12);
  if (half <= Math.floor(nowHour / 12) - currentHalves - referenceHalves) return;
  const robot = (fleet[robotId] ??= newMemory());
  const sums = (robot.halves[half] ??= { episodes: 0, reasons: dictionary() });
  sums.episodes += 1;
  if (!isSuccess) {
    const told = failureReason ?? 'unknown';
    const reason = told in sums.reasons || Object.keys(sums.reasons).length < mostReasons ? told : 'other';
    sums.reasons[reason] = (sums.reasons[reason] ?? 0) + 1;
  }
  if (hour <= nowHour - currentHours) return;
  const index = robot.hours.findLastIndex((cell) => cell[0] <= hour);
  const known = robot.hours[index];
  if (known !== undefined && known[0] === hour) {
    known[1] += isSuccess ? 1 : 0;
    known[2] += 1;
  } else robot.hours.splice(index + 1, 0, [hour, isSuccess ? 1 : 0, 1]);
}

/**
 * Drops what is older than the memory, and robots of which nothing is left. The week before `openedHour`, when an incident of
 * failures opened that is open still, is kept beside.
 */
export function forgetOld(fleet: FleetMemory, nowHour: number, openedHour = nowHour): void {
  const keptEnd = referenceEnd(openedHour);
  const isKept = (half: number): boolean => half <= keptEnd && half > keptEnd - referenceHalves;
  const oldestHalf = Math.floor(nowHour / 12) - currentHalves - referenceHalves;
  for (const [robotId, robot] of Object.entries(fleet)) {
    robot.hours = robot.hours.filter(([hour]) => hour > nowHour - currentHours);
    for (const half of Object.keys(robot.halves))
      if (Number(half) <= oldestHalf && !isKept(Number(half))) delete robot.halves[Number(half)];
    if (Object.keys(robot.halves).length === 0 && robot.safety === undefined) delete fleet[robotId];
  }
}
