import { wallFollowingActions } from '../../../datasets/wall-following-rule.ts';
import type { RandomStream } from '../../../policies/random.ts';
import type { Quirks } from '../quirks.ts';
import type { Room } from './room.ts';
import type { Point } from './room-plan.ts';

/** Where a robot is and where it looks: radians, counter-clockwise from +x. */
export interface Pose extends Point {
  readonly heading: number;
}

/** Frames a second, as of the robot type. */
export const rateHz = 9;
/** The robot is a disc. */
export const hullRadiusM = 0.25;
export const sensorCount = 24;
/** A sensor that sees nothing says this. */
export const sensorReachM = 5;
/** Standard deviation of a healthy sensor. */
const sensorNoiseM = 0.006;

interface Motion {
  readonly metresPerSecond: number;
  readonly radiansPerSecond: number;
}

const standing: Motion = { metresPerSecond: 0, radiansPerSecond: 0 };
const motions: Readonly<Record<number, Motion>> = {
  [wallFollowingActions.moveForward]: { metresPerSecond: 0.4, radiansPerSecond: 0 },
  [wallFollowingActions.slightLeftTurn]: { metresPerSecond: 0.3, radiansPerSecond: 0.5 },
  [wallFollowingActions.slightRightTurn]: { metresPerSecond: 0.3, radiansPerSecond: -0.5 },
  [wallFollowingActions.sharpRightTurn]: { metresPerSecond: 0.03, radiansPerSecond: -0.9 },
};

/** Sensor US13 looks straight ahead, the others follow counter-clockwise every 15 degrees. */
const sensorHeading = (sensor: number): number => ((sensor - 12) * 2 * Math.PI) / sensorCount;

/** The 24 true distances from the hull to the walls, metres, into `ranges`; Infinity beyond reach. */
export function measure(room: Room, pose: Pose, ranges: Float32Array): void {
  for (let sensor = 0; sensor < sensorCount; sensor += 1) ranges[sensor] = measureAt(room, pose, sensorHeading(sensor));
}

/** The true distance from the hull to what is there `heading` radians counter-clockwise of ahead, metres; Infinity beyond reach. */
export const measureAt = (room: Room, pose: Pose, heading: number): number =>
  room.range(pose, pose.heading + heading, sensorReachM + hullRadiusM) - hullRadiusM;

/** What healthy sensors make of the true distances: noise, whole millimetres, nothing beyond their reach. */
export function sense(ranges: Float32Array, random: RandomStream, sensed: Float32Array): void {
  for (let sensor = 0; sensor < sensorCount; sensor += 1)
    sensed[sensor] = senseOne(ranges[sensor] ?? Number.POSITIVE_INFINITY, random);
}

/** The same of one distance, by a sensor that reaches so far. */
export const senseOne = (rangeM: number, random: RandomStream, reachM = sensorReachM): number =>
  asRead(rangeM + gaussian(random) * sensorNoiseM, reachM);

const everySensor: readonly number[] = Array.from({ length: sensorCount }, (_, index) => index + 1);

/** What a robot's quirks make of it. */
export function distort(sensed: Float32Array, quirks: Quirks, random: RandomStream, readings: Float32Array): void {
  readings.set(sensed);
  if (quirks.noiseM > 0 || quirks.biasM !== 0)
    for (const sensor of quirks.sensors ?? everySensor)
      readings[sensor - 1] = asRead(
        (sensed[sensor - 1] ?? 0) + quirks.biasM + gaussian(random) * quirks.noiseM,
        sensorReachM,
      );
  if (quirks.deadSensor !== undefined) readings[quirks.deadSensor - 1] = deadReadingM;
}

/** The same for a sensor beside the ring: it has no number, so only what concerns every sensor concerns it. */
export const distortFurther = (sensedM: number, quirks: Quirks, random: RandomStream, reachM = sensorReachM): number =>
  quirks.sensors === undefined && (quirks.noiseM > 0 || quirks.biasM !== 0)
    ? asRead(sensedM + quirks.biasM + gaussian(random) * quirks.noiseM, reachM)
    : sensedM;

const asRead = (rangeM: number, reachM: number): number =>
  Math.min(reachM, Math.max(0, Math.round(rangeM * 1000) / 1000));

const deadReadingM = 0.5;

/** Sum of three uniforms, scaled: near enough to normal for a sensor, without the tails that no sensor has. */
const gaussian = (random: RandomStream): number => 2 * (random() + random() + random() - 1.5);

/** Where the robot is one frame later when nothing is in its way. An action it does not know leaves it standing. */
export function move(pose: Pose, action: number, quirks: Quirks, random: RandomStream): Pose {
  const { metresPerSecond, radiansPerSecond } = motions[action] ?? standing;
  const slip = 1 + slipFraction * (2 * random() - 1);
  const step = (quirks.speedFraction * slip * metresPerSecond) / rateHz;
  const turn = (quirks.speedFraction * slip * radiansPerSecond) / rateHz;
  const middle = pose.heading + turn / 2;
  return {
    x: pose.x + step * Math.cos(middle),
    y: pose.y + step * Math.sin(middle),
    heading: pose.heading + turn,
  };
}

/** How far wheels slip at most. */
const slipFraction = 0.1;

export const hasCollided = (room: Room, pose: Pose): boolean => room.clearance(pose) <= hullRadiusM;
