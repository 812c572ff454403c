import type { RobotType } from '../../datasets/robot-type.ts';
import type { RowBlock } from '../rows.ts';
import type { Answers } from './contestant.ts';
import { outputWidth } from './single-rows.ts';

/** A held-out frame on which candidate and champion answer differently. */
export interface Disagreement {
  /** Where it lies in the set. */
  readonly block: number;
  readonly row: number;
  readonly episode: number;
  /** Its number in the set; undefined where the set does not say. */
  readonly robot: number | undefined;
  readonly task: number;
  /** How far apart the answers are, 0–1: half the sum of the differences of probabilities, or the largest share of a range. */
  readonly differenceFraction: number;
  readonly recorded: string;
  readonly candidate: string;
  readonly champion: string;
}

export const mostDisagreements = 12;
/** Of one episode, whose frames look alike. */
const mostOfEpisode = 2;

interface Rows {
  readonly block: RowBlock;
  /** Number of the block in the set, and the place of the rows' first in it. */
  readonly number: number;
  readonly start: number;
  readonly episodes: Int32Array;
  readonly robots: Int32Array | undefined;
}

/**
 * Keeps the frames on which two policies differ most, the earlier of equals, at most two of an episode; holds a dozen, whatever the
 * number of rows. Discrete answers differ where another action is chosen.
 */
export function disagreementTally(type: RobotType, actionSize: number) {
  let kept: Disagreement[] = [];
  let least = 0;

  function keep(found: Disagreement): void {
    const ofEpisode = kept.filter(({ episode }) => episode === found.episode);
    const weakest = ofEpisode.length < mostOfEpisode ? undefined : ofEpisode.at(-1);
    if (weakest !== undefined && weakest.differenceFraction >= found.differenceFraction) return;
    kept = [...kept.filter((each) => each !== weakest), found]
      .toSorted((a, b) => b.differenceFraction - a.differenceFraction)
      .slice(0, mostDisagreements);
    least = kept.length < mostDisagreements ? 0 : (kept.at(-1)?.differenceFraction ?? 0);
  }

  return {
    add({ block, number, start, episodes, robots }: Rows, candidate: Answers, champion: Answers): void {
      for (let row = 0; row < block.rows; row += 1) {
        if (type.actions.kind === 'discrete' && candidate.chosen[row] === champion.chosen[row]) continue;
        const values = (from: ArrayLike<number>): Float32Array =>
          (from as Float32Array).subarray(row * actionSize, (row + 1) * actionSize);
        const [ours, theirs] = [values(candidate.outputs), values(champion.outputs)];
        const differenceFraction = difference(type, ours, theirs);
        if (!(differenceFraction > least)) continue;
        const isDiscrete = type.actions.kind === 'discrete';
        keep({
          block: number,
          row: start + row,
          episode: episodes[row] ?? 0,
          robot: robots?.[row],
          task: block.task[row] ?? 0,
          differenceFraction,
          recorded: isDiscrete ? actionName(type, block.label[row] ?? 0) : brief(values(block.label)),
          candidate: isDiscrete ? chosenText(type, candidate.chosen[row] ?? 0, ours) : brief(ours),
          champion: isDiscrete ? chosenText(type, champion.chosen[row] ?? 0, theirs) : brief(theirs),
        });
      }
    },
    /** The farthest apart first. */
    finish: (): readonly Disagreement[] => kept,
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
