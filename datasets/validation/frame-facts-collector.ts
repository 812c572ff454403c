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

export function frameFactsCollector(type: RobotType): FrameFactsCollector {
  const width = type.observations.length;
  const actionWidth = Math.max(1, actionSizeOf(type));
  // Readings are single precision, so limits are rounded the same way before they are compared.
  const min = Float32Array.from(type.observations, (observation) => observation.min);
  const max = Float32Array.from(type.observations, (observation) => observation.max);
  const saturation = Float32Array.from(type.observations, (o) => o.saturatesAt ?? Number.POSITIVE_INFINITY);
  const ranges = actionRanges(type).map((range) => ({ min: Math.fround(range.min), max: Math.fround(range.max) }));
  const isWhole = type.actions.kind === 'discrete';

  const first = new Float32Array(width).fill(Number.NaN);
  const changes = new Uint8Array(width);
  let facts = emptyFacts();
  let highestIndex = -1;
  let previousUs = Number.NaN;

  const addIndexAndTime = (columns: FrameColumns, i: number, row: number): void => {
    const index = columns.frameIndex[i] ?? missingInt;
    const us = columns.timestampUs[i] ?? Number.NaN;
    if (index === missingInt || Number.isNaN(us) || columns.isCorrection[i] === -1) {
      const name = index === missingInt ? 'frame_index' : Number.isNaN(us) ? 'timestamp' : 'is_correction';
      facts.missingValue ??= { row, value: `${name} is NULL` };
    }
    if (index > highestIndex + 1) facts.missingIndex ??= { row, value: `${index} after ${highestIndex}` };
    else if (index <= highestIndex) {
      const finding = { row, value: `${index} after ${highestIndex}` };
      if (facts.missingIndex === undefined && index >= 0) facts.duplicateIndex ??= finding;
      else facts.indexOutOfOrder ??= finding;
    }
    if (index > highestIndex) highestIndex = index;
    if (row === 0) facts.firstUs = us;
    else {
      const gapUs = us - previousUs;
      if (gapUs <= 0) facts.timeNotLater ??= { row, value: `${gapUs} µs after the frame before` };
      if (gapUs > facts.largestGapUs) {
        facts.largestGapUs = gapUs;
        facts.largestGapRow = row;
      }
    }
    previousUs = us;
    if (!(us <= facts.lastUs)) facts.lastUs = us;
  };

  const addObservation = (columns: FrameColumns, i: number, row: number): void => {
    const size = columns.observationSize[i] ?? -1;
    if (size !== width) {
      facts.wrongObservationSize ??= { row, value: size < 0 ? 'NULL' : String(size) };
      return;
    }
    const { observation } = columns;
    for (let sensor = 0, at = i * width; sensor < width; sensor++, at++) {
      const value = observation[at] as number;
      if (!(value >= (min[sensor] as number) && value <= (max[sensor] as number))) {
        const finding = { row, value: `${type.observations[sensor]?.name} = ${value}` };
        if (Number.isFinite(value)) facts.outOfRange ??= finding;
        else facts.nonFinite ??= finding;
      }
      if (row === 0) first[sensor] = value;
      else if (value !== first[sensor]) changes[sensor] = 1;
    }
  };

  /** The finding of an action list, or undefined when it is in order. */
  const actionFinding = (values: ArrayLike<number>, size: number, i: number, row: number): FrameFinding | undefined => {
    if (size !== ranges.length) return { row, value: size < 0 ? 'NULL' : `${size} numbers` };
    for (const [position, range] of ranges.entries()) {
      const value = values[i * actionWidth + position] as number;
      const isInRange = value >= range.min && value <= range.max && (!isWhole || Number.isInteger(value));
      if (!isInRange) return { row, value: String(value) };
    }
    return undefined;
  };

  const addActions = (columns: FrameColumns, i: number, row: number): void => {
    facts.wrongAction ??= actionFinding(columns.action, columns.actionSize[i] ?? -1, i, row);
    const expertSize = columns.expertActionSize[i] ?? -1;
    if (expertSize >= 0) facts.wrongExpertAction ??= actionFinding(columns.expertAction, expertSize, i, row);
    else if (columns.isCorrection[i] === 1) {
      facts.correctionWithoutExpert ??= { row, value: 'is_correction without expert_action' };
    }
  };

  return {
    add: (columns, start, end) => {
      for (let i = start; i < end; i++) {
        const row = facts.count++;
        addIndexAndTime(columns, i, row);
        addObservation(columns, i, row);
        addActions(columns, i, row);
      }
    },
    take: () => {
      // 0, 2, 1 lacks nothing: it is only out of order.
      const isPermuted = facts.indexOutOfOrder !== undefined && highestIndex === facts.count - 1;
      const isConstant = (sensor: number): boolean =>
        facts.count > 0 && changes[sensor] === 0 && (first[sensor] as number) < (saturation[sensor] as number);
      const taken = {
        ...facts,
        missingIndex: isPermuted ? undefined : facts.missingIndex,
        constantObservations: type.observations.filter((_, sensor) => isConstant(sensor)).map(({ name }) => name),
      };
      facts = emptyFacts();
      highestIndex = -1;
      first.fill(Number.NaN);
      changes.fill(0);
      return taken;
    },
  };
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
