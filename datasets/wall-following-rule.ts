/**
 * The expert of the wall followers with 24 ranges: the rule behind the labels of the SCITOS G5 recording (UCI 194). On the
 * minimum of each sector's readings it gives the label of 5,449 of the 5,456 rows; in the other seven the recording's own
 * simplified distance to the left is not the minimum of US17–US20. Action indexes are those of the robot type `scitos-g5`.
 */
export const wallFollowingActions = {
  moveForward: 0,
  slightLeftTurn: 1,
  slightRightTurn: 2,
  sharpRightTurn: 3,
} as const;

/** Half-open 0-based ranges of the ring: US11–15, US17–20, US5–9, US23–24. */
export const wallFollowingSectors = {
  front: { start: 10, end: 15 },
  left: { start: 16, end: 20 },
  right: { start: 4, end: 9 },
  back: { start: 22, end: 24 },
} as const;

export type WallFollowingSector = keyof typeof wallFollowingSectors;

/** Distances that decide, metres. */
const frontBlockedM = 0.9;
const wallFarM = 0.9;
const wallCloseM = 0.495;

/** Nearest reading of a sector. NaN readings are left out; all NaN gives Infinity: nothing in reach. */
export function nearestIn(readings: ArrayLike<number>, sector: WallFollowingSector): number {
  const { start, end } = wallFollowingSectors[sector];
  let nearest = Number.POSITIVE_INFINITY;
  for (let sensor = start; sensor < end; sensor += 1) {
    const reading = readings[sensor] ?? Number.NaN;
    if (reading < nearest) nearest = reading;
  }
  return nearest;
}

/**
 * What the expert does: front ≤ 0.9 m → sharp right; else left > 0.9 m → slight left; else left < 0.495 m → slight right;
 * else forward. `readings` are 24 ranges in metres in the ring's order.
 *
 * A ring that reads 2 m all round → slightLeftTurn
 */
export function wallFollowingAction(readings: ArrayLike<number>): number {
  if (nearestIn(readings, 'front') <= frontBlockedM) return wallFollowingActions.sharpRightTurn;
  const left = nearestIn(readings, 'left');
  if (left > wallFarM) return wallFollowingActions.slightLeftTurn;
  return left < wallCloseM ? wallFollowingActions.slightRightTurn : wallFollowingActions.moveForward;
}
