import type { RobotType } from '../../datasets/robot-type.ts';
import type { Answers } from './contestant.ts';
import { ForemostFrames, placeOf, type FramePlace, type LookedAtRows } from './foremost-frames.ts';

/** A held-out frame on which the candidate chooses another action than was recorded. */
export interface Miss extends FramePlace {
  /** Index of the frame in its episode; undefined where the set does not say. */
  readonly frame: number | undefined;
  readonly recorded: string;
  readonly chosen: string;
  /** What the candidate gives the action that it chose. */
  readonly probability: number;
}

/** For a person to look at; the rest is counted. */
export const mostMisses = 200;
/** Of one episode, whose frames look alike. */
const mostOfEpisode = 5;

/**
 * Keeps the misses of which the candidate is surest, the earlier of equals, at most five of an episode; holds two hundred, whatever the number of rows.
 * Nothing for continuous actions.
 */
export function missTally({ actions }: Pick<RobotType, 'actions'>, actionSize: number) {
  const names = actions.kind === 'discrete' ? actions.names : undefined;
  const foremost = new ForemostFrames<Miss>(
    { most: mostMisses, ofEpisode: mostOfEpisode },
    ({ probability }) => probability,
  );
  return {
    add(rows: LookedAtRows, { chosen, outputs }: Answers): void {
      if (names === undefined) return;
      for (let row = 0; row < rows.block.rows; row += 1) {
        const [choice = 0, label = 0] = [chosen[row], rows.block.label[row]];
        const probability = outputs[row * actionSize + choice] ?? 0;
        if (choice === label || !foremost.wants(probability)) continue;
        foremost.keep({
          ...placeOf(rows, row),
          frame: rows.frames?.[row],
          recorded: names[label] ?? `action ${label}`,
          chosen: names[choice] ?? `action ${choice}`,
          probability,
        });
      }
    },
    /** The surest first. */
    finish: () => foremost.finish(),
  };
}
