import type { RobotType } from '../../datasets/robot-type.ts';
import { randomStream } from '../random.ts';

/** Inputs of a policy, flattened row-major. */
export interface PolicyInputs {
  readonly observation: Float32Array;
  readonly task: Int32Array;
}

/** What a robot can send, healthy or not: always finite, because agents ask no model about a reading that is no number. */
export const inputKinds = ['in range', 'at the ends', 'saturated', 'constant', 'swapped', 'a decade beyond'] as const;
export type InputKind = (typeof inputKinds)[number];

/** The kind of row `number` of `robotInputs`. */
export const inputKind = (number: number): InputKind => inputKinds[number % inputKinds.length] ?? 'in range';

/**
 * Rows `start` to `start + count` of an endless list of inputs that a policy must answer with finite numbers, the kinds in turn:
 * readings within their ranges, at the ends of them, saturated, all at one share of their ranges, each in another's place, and
 * up to ten times the width of the range beyond. A pure function of (type, seed, start). `only` takes one kind for all rows.
 */
export function robotInputs(
  type: RobotType,
  seed: number,
  start: number,
  count: number,
  only?: InputKind,
): PolicyInputs {
  const size = type.observations.length;
  const observation = new Float32Array(count * size);
  const task = new Int32Array(count);
  for (let row = 0; row < count; row += 1) {
    const number = start + row;
    const random = randomStream(seed, `${only ?? 'input'} ${number}`);
    task[row] = number % type.tasks.length;
    observation.set(readings(type, only ?? inputKind(number), random), row * size);
  }
  return { observation, task };
}

/**
 * What such robots read before: [count, history - 1, observations], of any kind, as if a robot's readings were never alike. Undefined where nobody looks back. A pure
 * function of (type, seed, start).
 */
export function robotPast(
  type: RobotType,
  seed: number,
  start: number,
  count: number,
  history: number,
): Float32Array | undefined {
  const before = history - 1;
  if (before === 0) return undefined;
  // Kinds come in turn; another step than that of the rows lets each kind meet each.
  return robotInputs(type, seed + 7, start * before + 1, count * before).observation;
}

function readings(type: RobotType, kind: InputKind, random: () => number): number[] {
  const common = Math.floor(random() * 5) / 4;
  const shift = 1 + Math.floor(random() * type.observations.length);
  const values = type.observations.map(({ min, max, saturatesAt }) => {
    const share = random();
    const width = max - min;
    switch (kind) {
      case 'in range':
      case 'swapped':
        return min + share * width;
      case 'at the ends':
        return share < 0.5 ? min : max;
      case 'saturated':
        return share < 0.8 ? (saturatesAt ?? max) : min + random() * width;
      case 'constant':
        return min + common * width;
      case 'a decade beyond':
        return min + (21 * share - 10) * width;
    }
  });
  return kind === 'swapped' ? values.map((_, column) => values[(column + shift) % values.length] ?? 0) : values;
}

const namedReadings = 4;

/** One row in words: the readings with the largest values first. */
export function describeInput(type: RobotType, observation: Float32Array): string {
  const named = [...observation]
    .map((value, column) => ({ value, name: type.observations[column]?.name ?? `reading ${column}` }))
    .toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, namedReadings)
    .map(({ value, name }) => `${name}=${Number(value.toPrecision(4))}`);
  return `${named.join(', ')}${observation.length > namedReadings ? ', …' : ''}`;
}
