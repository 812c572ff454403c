import { z } from 'zod';

import type { RandomStream } from '../../../policies/random.ts';
import type { Quirks } from '../quirks.ts';
import { distortFurther, hullRadiusM, senseOne, type Pose } from './body.ts';
import type { Room } from './room.ts';

/** A planar LIDAR. Every key has a default; unknown keys are rejected. */
export const lidarSchema = z.strictObject({
  beams: z.int().min(1).max(1_440).default(360),
  /** Horizontal, degrees, symmetric about its own direction. */
  fieldOfViewDegrees: z.number().positive().max(360).default(360),
  /** The farthest that it measures, metres. */
  rangeM: z.number().min(0.1).max(30).default(12),
  /** Where it is mounted: metres from the robot's centre, within the hull, and degrees counter-clockwise of ahead. */
  offset: z
    .strictObject({
      forwardM: z.number().default(0),
      leftM: z.number().default(0),
      headingDegrees: z.number().min(-180).max(180).default(0),
    })
    .refine(({ forwardM, leftM }) => Math.hypot(forwardM, leftM) <= hullRadiusM, {
      error: `expected a LIDAR within ${hullRadiusM} m of the robot's centre: the hull keeps it out of walls`,
    })
    .prefault({}),
});
export type Lidar = z.infer<typeof lidarSchema>;

/**
 * Direction of every beam, degrees counter-clockwise of the LIDAR's own, ascending. The first and the last are the edges
 * of the field of view; a full circle starts behind the LIDAR and has no beam twice. A single beam looks ahead.
 */
export function beamDegrees({ beams, fieldOfViewDegrees }: Pick<Lidar, 'beams' | 'fieldOfViewDegrees'>): Float64Array {
  if (beams === 1) return Float64Array.of(0);
  const step = fieldOfViewDegrees / (fieldOfViewDegrees === 360 ? beams : beams - 1);
  return Float64Array.from({ length: beams }, (_, beam) => beam * step - fieldOfViewDegrees / 2);
}

/** A LIDAR in a room. */
export interface LidarScanner {
  /** Metres from the LIDAR, in the order of the beams; `rangeM` where nothing is nearer. Overwritten by `scan`. */
  readonly ranges: Float32Array;
  /** Measures all beams at once, with the noise of a healthy range sensor and what concerns every sensor of the robot. */
  scan(pose: Pose, quirks: Quirks): void;
}

/** `random` is its own: a robot that gets a LIDAR reads, sees and does what it did without. */
export function openLidar(room: Room, lidar: Lidar, random: RandomStream): LidarScanner {
  const { rangeM, offset } = lidar;
  const headings = beamDegrees(lidar).map((degrees) => radians(degrees + offset.headingDegrees));
  const ranges = new Float32Array(lidar.beams);
  return {
    ranges,
    scan(pose, quirks) {
      const from = mountedAt(pose, offset);
      headings.forEach((heading, beam) => {
        const truth = room.range(from, pose.heading + heading, rangeM);
        ranges[beam] = distortFurther(senseOne(truth, random, rangeM), quirks, random, rangeM);
      });
    },
  };
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

function mountedAt({ x, y, heading }: Pose, { forwardM, leftM }: Lidar['offset']): Pose {
  const [along, across] = [Math.cos(heading), Math.sin(heading)];
  return { x: x + forwardM * along - leftM * across, y: y + forwardM * across + leftM * along, heading };
}
