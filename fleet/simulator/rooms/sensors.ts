import type { RandomStream } from '../../../policies/random.ts';
import type { Quirks } from '../quirks.ts';
import { distort, distortFurther, measure, measureAt, sense, senseOne, sensorCount, type Pose } from './body.ts';
import type { Room } from './room.ts';

/** The 24 ranges of the ring, as `scitos-g5` names them. */
export const ringNames: readonly string[] = Array.from({ length: sensorCount }, (_, index) => `US${index + 1}`);

/** A reading of a body: one of the ring's, by its index, or of a sensor between them that looks this way. */
type Source = { readonly ring: number } | { readonly headingDegrees: number };

const ringStepDegrees = 360 / sensorCount;
/** US13 looks ahead. */
const aheadIndex = 12;

/**
 * What a reading of this name measures: `US1`–`US24` of the ring, or `range-0`–`range-359`: the range so many degrees counter-clockwise
 * of ahead. Throws for other names.
 */
function sourceOf(name: string): Source {
  const ring = ringNames.indexOf(name);
  if (ring !== -1) return { ring };
  const degrees = Number(/^range-(0|[1-9]\d{0,2})$/.exec(name)?.[1] ?? Number.NaN);
  if (!(degrees < 360))
    throw new Error(`expected readings named US1–US24 or range-0–range-359, got ${JSON.stringify(name)}`);
  if (degrees % ringStepDegrees !== 0) return { headingDegrees: degrees };
  return { ring: (aheadIndex + degrees / ringStepDegrees) % sensorCount };
}

/** What a body senses of a room. */
export interface Senses {
  /** In the order of the names; overwritten by `look`. */
  readonly readings: Float32Array;
  /** The ring as it is, metres from the hull; Infinity beyond reach. */
  readonly ranges: Float32Array;
  /** The ring as healthy sensors read it. */
  readonly sensed: Float32Array;
  look(pose: Pose, quirks: Quirks): void;
}

/** The sensors of a body, by the names of its readings. All bodies have the ring; what lies between is drawn after it. */
export function openSenses(room: Room, names: readonly string[], random: RandomStream): Senses {
  const sources = names.map(sourceOf);
  const ranges = new Float32Array(sensorCount);
  const sensed = new Float32Array(sensorCount);
  const ring = new Float32Array(sensorCount);
  const readings = new Float32Array(names.length);
  return {
    readings,
    ranges,
    sensed,
    look(pose, quirks) {
      measure(room, pose, ranges);
      sense(ranges, random, sensed);
      distort(sensed, quirks, random, ring);
      sources.forEach((source, index) => {
        readings[index] =
          'ring' in source
            ? (ring[source.ring] ?? 0)
            : distortFurther(
                senseOne(measureAt(room, pose, (source.headingDegrees * Math.PI) / 180), random),
                quirks,
                random,
              );
      });
    },
  };
}
