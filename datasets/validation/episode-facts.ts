import type { recordedEpisodeColumns, RowOf } from '../columns.ts';
import type { FrameFacts } from './frame-facts.ts';

type Recorded = RowOf<typeof recordedEpisodeColumns>;

/** The episode columns as they stand in the segment: anything may be missing, media is JSON text. */
export type EpisodeValues = { readonly [K in keyof Omit<Recorded, 'media'>]: Recorded[K] | null } & {
  readonly media: string | null;
};

/** How an episode compares with the one of the same id that is in the lake, or came earlier in the same batch. */
export type Twin = 'sameContent' | 'otherContent';

/** Everything the rules know of one episode of one segment. */
export interface EpisodeFacts {
  readonly episode: EpisodeValues;
  readonly frames: FrameFacts;
  /** Rows of the segment with this episode id. */
  readonly rows: number;
  /** Rows from the first to the last of them: more than `rows` when others stand between. */
  readonly spannedRows: number;
  /** The episode columns are not the same on every row. */
  readonly isContradictory: boolean;
  /** Robot of the landing key. */
  readonly landingRobotId: string;
  readonly clockSkewMs: number;
  readonly receivedMs: number;
  /** When the robot was registered; undefined for a recording that was imported, or where nobody knows. */
  readonly registeredMs?: number | undefined;
}
