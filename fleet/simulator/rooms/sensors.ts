import type { RandomStream } from '../../../policies/random.ts';
import type { Quirks } from '../quirks.ts';
import { distort, distortFurther, measure, measureAt, sense, senseOne, sensorCount, type Pose } from './body.ts';
import type { Room } from './room.ts';
import { between } from './room-plan.ts';

/** The 24 ranges of the ring, as `scitos-g5` names them. */
export const ringNames: readonly string[] = Array.from({ length: sensorCount }, (_, index) => `US${index + 1}`);

/** A reading of a body: one of the ring's, by its index, of a sensor between them that looks this way, or one that says nothing of the room. */
type Source = { readonly ring: number } | { readonly headingDegrees: number } | 'battery';

const ringStepDegrees = 360 / sensorCount;
const batteryName = 'battery-volts';
const [leastVolts, mostVolts] = [11.8, 12.2];
/** US13 looks ahead. */
const aheadIndex = 12;

/**
 * What a reading of this name measures: `US1`–`US24` of the ring, or `range-0`–`range-359`: the range so many degrees counter-clockwise
 * of ahead; `battery-volts`: the voltage of its battery, which tells nothing of where it is. Throws for other names.
 */
function sourceOf(name: string): Source {
  if (name === batteryName) return 'battery';
  const ring = ringNames.indexOf(name);
  if (ring !== -1) return { ring };
  const degrees = Number(/^range-(0|[1-9]\d{0,2})$/.exec(name)?.[1] ?? Number.NaN);
  if (!(degrees < 360))
    throw new Error(
      `expected readings named ${batteryName}, US1–US24 or range-0–range-359, got ${JSON.stringify(name)}`,
    );
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
  const readingOf = (source: Source, pose: Pose, quirks: Quirks): number => {
    if (source === 'battery') return between(random, leastVolts, mostVolts);
    if ('ring' in source) return ring[source.ring] ?? 0;
    const sensed = senseOne(measureAt(room, pose, (source.headingDegrees * Math.PI) / 180), random);
    return distortFurther(sensed, quirks, random);
  };
  return {
    readings,
    ranges,
    sensed,
    look(pose, quirks) {
      measure(room, pose, ranges);
      sense(ranges, random, sensed);
      distort(sensed, quirks, random, ring);
      sources.forEach((source, index) => {
        readings[index] = readingOf(source, pose, quirks);
      });
    },
  };
}
