import type { Media, Outcome } from '../columns.ts';
import type { FrameColumns } from '../frame-columns.ts';

/**
 * An episode as an importer reads it from a recording, in any format; the one thing that every importer makes. Frames stand in the
 * order of the recording: whether they make sense is for validation to say, as with every robot.
 */
export interface SourceEpisode {
  /** Names it within its recording for ever: its id is made of it. */
  readonly name: string;
  /** Its id, where the recording says it. */
  readonly id?: string;
  readonly robotId: string;
  /** Where it was made, where the recording says it of each episode. */
  readonly site?: string;
  readonly task: string;
  readonly outcome: Outcome;
  /** Null for a success. */
  readonly failureReason: string | null;
  /** What was done is what an expert would have done, so that it is a label whatever the outcome. */
  readonly isDemonstration: boolean;
  /** Where it stands in its recording: value of the column that cuts episodes, the first of its rows (from 0, over all files) and how many there are, frames or not. */
  readonly at: { readonly value: string; readonly firstRow: number; readonly rows: number };
  /** At least one. */
  readonly frames: FrameColumns;
  /** Clips of its cameras, which are in the store already. */
  readonly clips?: readonly EpisodeClip[];
}

/** A clip as an episode names it. */
export type EpisodeClip = Media;

/** The most frames an episode may have: held in memory until it is whole. */
export const mostEpisodeFrames = 200_000;
/** The most numbers of all frames of open episodes, by {@link numbersOfFrame}: 128 MiB. */
export const mostOpenNumbers = 32 * 1024 * 1024;

/** What a frame takes beside its values, in numbers of 4 bytes: objects weigh more than the values of a small robot. */
const numbersBeside = 64;
/** How much memory a frame takes, in numbers of 4 bytes. */
export const numbersOfFrame = ({
  observationWidth,
  actionWidth,
}: Pick<FrameColumns, 'observationWidth' | 'actionWidth'>): number => numbersBeside + observationWidth + actionWidth;
