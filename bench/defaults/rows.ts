import type { RobotType } from '../../datasets/robot-type.ts';
import type { RowBlock } from '../../policies/rows.ts';

/** A labelled frame as an expert would have it. */
export interface LabelledFrame {
  readonly observation: ArrayLike<number>;
  readonly task: number;
  /** Index of the action, or the values of a continuous one. */
  readonly label: number | ArrayLike<number>;
}

/** One set of the comparison; the three parts share no episode. */
export interface BenchSet {
  readonly name: string;
  readonly type: RobotType;
  readonly train: RowBlock;
  readonly validation: RowBlock;
  readonly heldout: RowBlock;
}

export type Episodes = readonly (readonly LabelledFrame[])[];

/** Every sixth episode (or run of `together` episodes) for validation, every sixth held out, the others to learn from. */
export function partedSet(name: string, type: RobotType, episodes: Episodes, together = 1): BenchSet {
  const part = (wanted: (turn: number) => boolean): RowBlock =>
    blockOf(episodes.filter((_, index) => wanted(Math.floor(index / together) % 6)).flat());
  return {
    name,
    type,
    train: part((turn) => turn !== 2 && turn !== 5),
    validation: part((turn) => turn === 2),
    heldout: part((turn) => turn === 5),
  };
}

function blockOf(frames: readonly LabelledFrame[]): RowBlock {
  const rows = frames.length;
  const labels = frames.map(({ label }) => label);
  const isDiscrete = labels.every((label) => typeof label === 'number');
  return {
    rows,
    observation: Float32Array.from(frames.flatMap(({ observation }) => Array.from(observation))),
    task: Int32Array.from(frames, ({ task }) => task),
    label: isDiscrete
      ? Int32Array.from(labels)
      : Float32Array.from(labels.flatMap((label) => (typeof label === 'number' ? [label] : Array.from(label)))),
    weight: new Float32Array(rows).fill(1),
  };
}
