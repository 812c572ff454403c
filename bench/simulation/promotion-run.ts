import { judgePromotion, promotionGuardLimits, type PromotedRobot } from '../../domain/monitoring/index.ts';
import {
  baselineOf,
  centreHistory,
  estimateFleetParameters,
  fleetDayVarianceOf,
  fleetVarianceOf,
  type FleetParameters,
  type VersionedHistory,
} from '../../domain/statistics/index.ts';
import type { World } from './world.ts';

/** What one robot does after a promotion beside what the champion changes, from the first hour on. */
export interface PromotionFaults {
  /** The first robot succeeds this often, whatever its past. */
  readonly brokenSuccess?: number;
  /** Episodes the first robot reports for each that it makes. */
  readonly factor?: number;
}

export interface PromotionRun {
  readonly end: 'rolledBack' | 'kept';
  /** Since the promotion. */
  readonly hours: number;
}

const version = '1.0.0';
/** Hours a monitor remembers. */
const rememberedHours = 24;

export interface PromotionRunOptions {
  /** For at most so many fleet days. */
  readonly days: number;
  /** 1 is a monitor in real time, 48 one in the compressed clock. Default 1. */
  readonly minutesBetweenLooks?: number;
  readonly faults?: PromotionFaults;
}

/**
 * One fleet after a promotion, judged at every look by what its monitor remembers and by the past that a monitor keeps at the
 * promotion, until the guard alarms or the days are over.
 */
export function runPromotion(world: World, options: PromotionRunOptions): PromotionRun {
  const { days, minutesBetweenLooks = 1, faults = {} } = options;
  const { robots, ...past } = pastOf(world);
  const looks = (days * 1440) / minutesBetweenLooks;
  for (let look = 0; look < looks; look += 1) {
    const hour = (look * minutesBetweenLooks) / 60;
    const nowHour = Math.floor(hour);
    for (const [index, robot] of robots.entries()) {
      const { n, x } = world.live(index, hour, minutesBetweenLooks / 60, true);
      const isFirst = index === 0;
      const successes = isFirst && faults.brokenSuccess !== undefined ? n * faults.brokenSuccess : x;
      remember(robot.hours, nowHour, successes, n, isFirst ? (faults.factor ?? 1) : 1);
    }
    if (judgePromotion({ ...past, robots, nowHour }).alarm)
      return { end: 'rolledBack', hours: hour + minutesBetweenLooks / 60 };
  }
  return { end: 'kept', hours: days * 24 };
}

type Watched = Omit<PromotedRobot, 'hours'> & { readonly hours: [number, number, number][] };

/** What `refreshFleetBaseline` sums up of the days before. */
function pastOf({ histories, robots }: World): {
  parameters: FleetParameters;
  fleetDayVariance: number;
  fleetHoursVariance: number;
  robots: Watched[];
} {
  const history = histories.map(({ robotId, cells }): VersionedHistory => ({
    robotId,
    cells: cells.map((cell) => ({ ...cell, policyVersion: version })),
  }));
  const centred = centreHistory({ history, champion: version });
  return {
    parameters: estimateFleetParameters(centred),
    fleetDayVariance: fleetDayVarianceOf(history, version),
    fleetHoursVariance: fleetVarianceOf(history, version, promotionGuardLimits.windowHours[0]),
    robots: robots.map(({ robotId }, index): Watched => {
      const own = centred[index];
      return {
        robotId,
        baseline: own === undefined ? { successes: 0, episodes: 0, days: 0 } : baselineOf(own),
        hours: [],
      };
    }),
  };
}

function remember(hours: Watched['hours'], nowHour: number, successes: number, episodes: number, factor: number): void {
  if (episodes === 0) return;
  const last = hours.at(-1);
  if (last !== undefined && last[0] === nowHour) {
    last[1] += successes * factor;
    last[2] += episodes * factor;
    return;
  }
  hours.push([nowHour, successes * factor, episodes * factor]);
  while ((hours[0]?.[0] ?? nowHour) <= nowHour - rememberedHours) hours.shift();
}
