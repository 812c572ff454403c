import type { RobotType } from '../robot-type.ts';

/** A frame that broke an expectation first: its position in the episode and what it held. */
export interface FrameFinding {
  readonly row: number;
  readonly value: string;
}

/** What the rules need to know of an episode's frames, in the order they stand in the file. */
export interface FrameFacts {
  /** 0 when the frames do not stand together, and nothing else is known of them. */
  readonly count: number;
  readonly missingValue: FrameFinding | undefined;
  readonly duplicateIndex: FrameFinding | undefined;
  readonly indexOutOfOrder: FrameFinding | undefined;
  readonly missingIndex: FrameFinding | undefined;
  readonly timeNotLater: FrameFinding | undefined;
  /** Largest step in time from one frame to the next, microseconds; 0 for a single frame. */
  readonly largestGapUs: number;
  readonly largestGapRow: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly wrongObservationSize: FrameFinding | undefined;
  readonly nonFinite: FrameFinding | undefined;
  readonly outOfRange: FrameFinding | undefined;
  /** Observations that kept one value, below their saturation, over all frames. */
  readonly constantObservations: readonly string[];
  readonly wrongAction: FrameFinding | undefined;
  readonly wrongExpertAction: FrameFinding | undefined;
  readonly correctionWithoutExpert: FrameFinding | undefined;
}

/**
 * Frames column by column; row `i` of a list column of width n is at [i*n, i*n+n). Where a value was NULL: index
 * `missingInt`, timestamp NaN, correction or size -1. Where a list has another size than the type asks for, its numbers
 * are NaN.
 */
export interface FrameColumns {
  readonly frameIndex: ArrayLike<number>;
  readonly timestampUs: ArrayLike<number>;
  readonly isCorrection: ArrayLike<number>;
  readonly observationSize: ArrayLike<number>;
  readonly observation: ArrayLike<number>;
  readonly actionSize: ArrayLike<number>;
  readonly action: ArrayLike<number>;
  readonly expertActionSize: ArrayLike<number>;
  readonly expertAction: ArrayLike<number>;
}

export const missingInt = -2147483648;

/** Numbers an action list must have; 0 for a type without commands. */
export const actionSizeOf = ({ actions }: RobotType): number =>
  actions.kind === 'discrete' ? 1 : actions.kind === 'continuous' ? actions.ranges.length : 0;

/** Lowest and highest value of each number of an action; discrete ones must be whole as well. */
export function actionRanges({ actions }: RobotType): readonly { readonly min: number; readonly max: number }[] {
  if (actions.kind === 'discrete') return [{ min: 0, max: actions.names.length - 1 }];
  return actions.kind === 'continuous' ? actions.ranges : [];
}
