import type { Random } from './seeded-random.ts';

/** A rectangular room with the robot's place in it; metres and radians, x to the right, y up, heading 0 along x. */
export interface Room {
  readonly widthM: number;
  readonly heightM: number;
}

export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly heading: number;
}

/** Actions in the order of the robot type `scitos-g5`. */

const motions: readonly { readonly metresPerSecond: number; readonly radiansPerSecond: number }[] = [
  { metresPerSecond: 0.4, radiansPerSecond: 0 },
  { metresPerSecond: 0.3, radiansPerSecond: 0.5 },
  { metresPerSecond: 0.3, radiansPerSecond: -0.5 },
  { metresPerSecond: 0.05, radiansPerSecond: -1.2 },
];

const rangeCount = 24;
/** Beyond this a sensor reports its limit. */
const maxRangeM = 5;
const minRangeM = 0.3;
/** Nothing of the robot comes closer to a wall. */
const bodyRadiusM = 0.35;

/** Range k of 24 (from 1) looks (k - 13) * 15 degrees to the left of straight ahead: front 11–15, left 17–20, right 5–9. */
const bearing = (index: number): number => ((index - 12) * 15 * Math.PI) / 180;

/** Readings of the 24 ranges, in metres with millimetres: distance to the wall with 1 % noise, between the sensor's limits. */
export function readRanges(room: Room, pose: Pose, random: Random): readonly number[] {
  return Array.from({ length: rangeCount }, (_, index) => {
    const distance = distanceToWall(room, pose, pose.heading + bearing(index));
    const noisy = distance * (1 + 0.02 * (random() - 0.5));
    return Math.round(Math.min(maxRangeM, Math.max(minRangeM, noisy)) * 1000) / 1000;
  });
}

function distanceToWall({ widthM, heightM }: Room, { x, y }: Pose, angle: number): number {
  const dx = Math.cos(angle);
  const dy = Math.sin(angle);
  const alongX = dx > 0 ? (widthM - x) / dx : dx < 0 ? -x / dx : Number.POSITIVE_INFINITY;
  const alongY = dy > 0 ? (heightM - y) / dy : dy < 0 ? -y / dy : Number.POSITIVE_INFINITY;
  return Math.min(alongX, alongY);
}

const inside = (value: number, sizeM: number): number => Math.min(sizeM - bodyRadiusM, Math.max(bodyRadiusM, value));

/** Where the robot is one step later. A wall stops it. */
export function moved(room: Room, pose: Pose, action: number, seconds: number): Pose {
  const motion = motions[action] ?? { metresPerSecond: 0, radiansPerSecond: 0 };
  const heading = pose.heading + motion.radiansPerSecond * seconds;
  return {
    x: inside(pose.x + Math.cos(heading) * motion.metresPerSecond * seconds, room.widthM),
    y: inside(pose.y + Math.sin(heading) * motion.metresPerSecond * seconds, room.heightM),
    heading,
  };
}
