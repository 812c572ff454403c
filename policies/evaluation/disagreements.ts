import type { RobotType } from '../../datasets/robot-type.ts';
import type { Answers } from './contestant.ts';
import { ForemostFrames, placeOf, type FramePlace, type LookedAtRows } from './foremost-frames.ts';
import { outputWidth } from './single-rows.ts';

/** A held-out frame on which candidate and champion answer differently. */
export interface Disagreement extends FramePlace {
  /** How far apart the answers are, 0–1: half the sum of the differences of probabilities, or the largest share of a range. */
  readonly differenceFraction: number;
  readonly recorded: string;
  readonly candidate: string;
  readonly champion: string;
}

export const mostDisagreements = 12;
/** Of one episode, whose frames look alike. */
const mostOfEpisode = 2;

/**
 * Keeps the frames on which two policies differ most, the earlier of equals, at most two of an episode; holds a dozen, whatever the
 * number of rows. Discrete answers differ where another action is chosen.
 */
export function disagreementTally(type: RobotType, actionSize: number) {
  const foremost = new ForemostFrames<Disagreement>(
    { most: mostDisagreements, ofEpisode: mostOfEpisode },
    ({ differenceFraction }) => differenceFraction,
  );
  return {
    add(rows: LookedAtRows, candidate: Answers, champion: Answers): void {
      const { block } = rows;
      for (let row = 0; row < block.rows; row += 1) {
        if (type.actions.kind === 'discrete' && candidate.chosen[row] === champion.chosen[row]) continue;
        const values = (from: ArrayLike<number>): Float32Array =>
          (from as Float32Array).subarray(row * actionSize, (row + 1) * actionSize);
        const [ours, theirs] = [values(candidate.outputs), values(champion.outputs)];
        const differenceFraction = difference(type, ours, theirs);
        if (!foremost.wants(differenceFraction)) continue;
        const isDiscrete = type.actions.kind === 'discrete';
        foremost.keep({
          ...placeOf(rows, row),
          differenceFraction,
          recorded: isDiscrete ? actionName(type, block.label[row] ?? 0) : brief(values(block.label)),
          candidate: isDiscrete ? chosenText(type, candidate.chosen[row] ?? 0, ours) : brief(ours),
          champion: isDiscrete ? chosenText(type, champion.chosen[row] ?? 0, theirs) : brief(theirs),
        });
      }
    },
    /** The farthest apart first. */
    finish: () => foremost.finish(),
  };
}

function difference(type: RobotType, ours: Float32Array, theirs: Float32Array): number {
  const apart = [...ours].map((value, action) => Math.abs(value - (theirs[action] ?? Number.NaN)));
  if (type.actions.kind === 'discrete') return apart.reduce((sum, value) => sum + value, 0) / 2;
  return Math.max(...apart.map((value, action) => value / outputWidth(type, action)));
}

const actionName = (type: RobotType, action: number): string =>
  type.actions.kind === 'discrete' ? (type.actions.names[action] ?? `action ${action}`) : '';

const chosenText = (type: RobotType, action: number, probabilities: Float32Array): string =>
  `${actionName(type, action)} (${Math.round(100 * (probabilities[action] ?? 0))} %)`;

const shownValues = 8;
const brief = (values: Float32Array): string =>
  `${[...values.subarray(0, shownValues)].map((value) => Number(value.toPrecision(3))).join(', ')}${values.length > shownValues ? ', …' : ''}`;
