import type { RobotType } from '../robot-type.ts';
import {
  actionRanges,
  actionSizeOf,
  missingInt,
  type FrameColumns,
  type FrameFacts,
  type FrameFinding,
} from './frame-facts.ts';

/** Gathers facts of one episode after the other: `add` stretches of frames, `take` the facts and begin anew. Cost: linear in frames, memory constant. */
export interface FrameFactsCollector {
  add(columns: FrameColumns, start: number, end: number): void;
  take(): FrameFacts;
}

export const frameFactsCollector = (type: RobotType): FrameFactsCollector => new EpisodeFacts(type);

/** The limits of a robot type as frames are held against them. */
class FrameLimits {
  readonly min: Float32Array;
  readonly max: Float32Array;
  readonly saturation: Float32Array;
  /** Numbers an action takes in its column, at least 1. */
  readonly actionWidth: number;
  readonly #ranges: readonly { readonly min: number; readonly max: number }[];
  readonly #isWhole: boolean;

  constructor(type: RobotType) {
    // Readings are single precision, so limits are rounded the same way before they are compared.
    this.min = Float32Array.from(type.observations, ({ min }) => min);
    this.max = Float32Array.from(type.observations, ({ max }) => max);
    this.saturation = Float32Array.from(type.observations, (o) => o.saturatesAt ?? Number.POSITIVE_INFINITY);
    this.actionWidth = Math.max(1, actionSizeOf(type));
    this.#ranges = actionRanges(type).map(({ min, max }) => ({ min: Math.fround(min), max: Math.fround(max) }));
    this.#isWhole = type.actions.kind === 'discrete';
  }

  /** The finding of the action list of frame `i`, or undefined when it is in order. */
  actionFinding(values: ArrayLike<number>, size: number, i: number, row: number): FrameFinding | undefined {
    if (size !== this.#ranges.length) return { row, value: size < 0 ? 'NULL' : `${size} numbers` };
    for (const [position, range] of this.#ranges.entries()) {
      const value = values[i * this.actionWidth + position] as number;
      const isInRange = value >= range.min && value <= range.max && (!this.#isWhole || Number.isInteger(value));
      if (!isInRange) return { row, value: String(value) };
    }
    return undefined;
  }
}

class EpisodeFacts implements FrameFactsCollector {
  readonly #observations: RobotType['observations'];
  readonly #limits: FrameLimits;
  readonly #first: Float32Array;
  readonly #changes: Uint8Array;
  #facts = emptyFacts();
  #highestIndex = -1;
  #previousUs = Number.NaN;

  constructor(type: RobotType) {
    this.#observations = type.observations;
    this.#limits = new FrameLimits(type);
    this.#first = new Float32Array(type.observations.length).fill(Number.NaN);
    this.#changes = new Uint8Array(type.observations.length);
  }

  add(columns: FrameColumns, start: number, end: number): void {
    for (let i = start; i < end; i++) {
      const row = this.#facts.count++;
      this.#addIndex(columns, i, row);
      this.#addTime(columns.timestampUs[i] ?? Number.NaN, row);
      this.#addObservation(columns, i, row);
      this.#addActions(columns, i, row);
    }
  }

  take(): FrameFacts {
    const facts = this.#facts;
    // 0, 2, 1 lacks nothing: it is only out of order.
    const isPermuted = facts.indexOutOfOrder !== undefined && this.#highestIndex === facts.count - 1;
    const taken = {
      ...facts,
      missingIndex: isPermuted ? undefined : facts.missingIndex,
      constantObservations: this.#observations.filter((_, sensor) => this.#isConstant(sensor)).map(({ name }) => name),
    };
    this.#facts = emptyFacts();
    this.#highestIndex = -1;
    this.#first.fill(Number.NaN);
    this.#changes.fill(0);
    return taken;
  }

  #isConstant(sensor: number): boolean {
    // Without any frame the first value is NaN, which is below nothing.
    const isBelowSaturation = (this.#first[sensor] as number) < (this.#limits.saturation[sensor] as number);
    return this.#changes[sensor] === 0 && isBelowSaturation;
  }

  #addIndex(columns: FrameColumns, i: number, row: number): void {
    const facts = this.#facts;
    const index = columns.frameIndex[i] ?? missingInt;
    const isTimeMissing = Number.isNaN(columns.timestampUs[i] ?? Number.NaN);
    if (index === missingInt || isTimeMissing || columns.isCorrection[i] === -1) {
      const name = index === missingInt ? 'frame_index' : isTimeMissing ? 'timestamp' : 'is_correction';
      facts.missingValue ??= { row, value: `${name} is NULL` };
    }
    if (index > this.#highestIndex + 1) facts.missingIndex ??= { row, value: `${index} after ${this.#highestIndex}` };
    else if (index <= this.#highestIndex) {
      const finding = { row, value: `${index} after ${this.#highestIndex}` };
      if (facts.missingIndex === undefined && index >= 0) facts.duplicateIndex ??= finding;
      else facts.indexOutOfOrder ??= finding;
    }
    if (index > this.#highestIndex) this.#highestIndex = index;
  }

  #addTime(us: number, row: number): void {
    const facts = this.#facts;
    if (row === 0) facts.firstUs = us;
    else {
      const gapUs = us - this.#previousUs;
      if (gapUs <= 0) facts.timeNotLater ??= { row, value: `${gapUs} µs after the frame before` };
      if (gapUs > facts.largestGapUs) {
        facts.largestGapUs = gapUs;
        facts.largestGapRow = row;
      }
    }
    this.#previousUs = us;
    if (!(us <= facts.lastUs)) facts.lastUs = us;
  }

  #addObservation({ observation, observationSize }: FrameColumns, i: number, row: number): void {
    const facts = this.#facts;
    const { min, max } = this.#limits;
    const first = this.#first;
    const width = first.length;
    const size = observationSize[i] ?? -1;
    if (size !== width) {
      facts.wrongObservationSize ??= { row, value: size < 0 ? 'NULL' : String(size) };
      return;
    }
    for (let sensor = 0, at = i * width; sensor < width; sensor++, at++) {
      const value = observation[at] as number;
      if (!(value >= (min[sensor] as number) && value <= (max[sensor] as number))) {
        const finding = { row, value: `${this.#observations[sensor]?.name} = ${value}` };
        if (Number.isFinite(value)) facts.outOfRange ??= finding;
        else facts.nonFinite ??= finding;
      }
      if (row === 0) first[sensor] = value;
      else if (value !== first[sensor]) this.#changes[sensor] = 1;
    }
  }

  #addActions(columns: FrameColumns, i: number, row: number): void {
    const facts = this.#facts;
    facts.wrongAction ??= this.#limits.actionFinding(columns.action, columns.actionSize[i] ?? -1, i, row);
    const expertSize = columns.expertActionSize[i] ?? -1;
    if (expertSize >= 0)
      facts.wrongExpertAction ??= this.#limits.actionFinding(columns.expertAction, expertSize, i, row);
    else if (columns.isCorrection[i] === 1)
      facts.correctionWithoutExpert ??= { row, value: 'is_correction without expert_action' };
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const emptyFacts = (): Mutable<FrameFacts> => ({
  count: 0,
  missingValue: undefined,
  duplicateIndex: undefined,
  indexOutOfOrder: undefined,
  missingIndex: undefined,
  timeNotLater: undefined,
  largestGapUs: 0,
  largestGapRow: 0,
  firstUs: Number.NaN,
  lastUs: Number.NaN,
  wrongObservationSize: undefined,
  nonFinite: undefined,
  outOfRange: undefined,
  constantObservations: [],
  wrongAction: undefined,
  wrongExpertAction: undefined,
  correctionWithoutExpert: undefined,
});
