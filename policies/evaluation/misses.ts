import type { RobotType } from '../../datasets/robot-type.ts';
import type { RowBlock } from '../rows.ts';
import type { Answers } from './contestant.ts';

/** A held-out frame on which the candidate chooses another action than was recorded. */
export interface Miss {
  /** Where it lies in the set. */
  readonly block: number;
  readonly row: number;
  readonly episode: number;
  /** Index of the frame in its episode; undefined where the set does not say. */
  readonly frame: number | undefined;
  readonly robot: number | undefined;
  readonly task: number;
  readonly recorded: string;
  readonly chosen: string;
  /** What the candidate gives the action that it chose. */
  readonly probability: number;
}

/** For a person to look at; the rest is counted. */
export const mostMisses = 200;
/** Of one episode, whose frames look alike. */
const mostOfEpisode = 5;

interface Rows {
  readonly block: RowBlock;
  /** Number of the block in the set, and the place of the rows' first in it. */
  readonly number: number;
  readonly start: number;
  readonly episodes: Int32Array;
  readonly robots: Int32Array | undefined;
  readonly frames?: Int32Array | undefined;
}

/**
 * Keeps the misses of which the candidate is surest, the earlier of equals, at most five of an episode; holds two hundred, whatever the number of rows.
 * Nothing for continuous actions.
 */
export function missTally({ actions }: Pick<RobotType, 'actions'>, actionSize: number) {
  const names = actions.kind === 'discrete' ? actions.names : undefined;
  let kept: Miss[] = [];
  let least = 0;

  function keep(found: Miss): void {
    const ofEpisode = kept.filter(({ episode }) => episode === found.episode);
    const weakest = ofEpisode.length < mostOfEpisode ? undefined : ofEpisode.at(-1);
    if (weakest !== undefined && weakest.probability >= found.probability) return;
    kept = [...kept.filter((each) => each !== weakest), found]
      .toSorted((a, b) => b.probability - a.probability)
      .slice(0, mostMisses);
    least = kept.length < mostMisses ? 0 : (kept.at(-1)?.probability ?? 0);
  }

  return {
    add({ block, number, start, episodes, robots, frames }: Rows, { chosen, outputs }: Answers): void {
      if (names === undefined) return;
      for (let row = 0; row < block.rows; row += 1) {
        const [choice = 0, label = 0] = [chosen[row], block.label[row]];
        const probability = outputs[row * actionSize + choice] ?? 0;
        if (choice === label || !(probability > least)) continue;
        keep({
          block: number,
          row: start + row,
          episode: episodes[row] ?? 0,
          frame: frames?.[row],
          robot: robots?.[row],
          task: block.task[row] ?? 0,
          recorded: names[label] ?? `action ${label}`,
          chosen: names[choice] ?? `action ${choice}`,
          probability,
        });
      }
    },
    /** The surest first. */
    finish: (): readonly Miss[] => kept,
  };
}
