import type { RowBlock } from '../rows.ts';

/** Rows of a held-out set that are looked at together. */
export interface LookedAtRows {
  readonly block: RowBlock;
  /** Number of the block in the set, and the place of the rows' first in it. */
  readonly number: number;
  readonly start: number;
  readonly episodes: Int32Array;
  readonly robots: Int32Array | undefined;
  /** Index of each row's frame in its episode; undefined where the set does not say. */
  readonly frames?: Int32Array | undefined;
}

/** Where a frame lies in the set. */
export interface FramePlace {
  readonly block: number;
  readonly row: number;
  readonly episode: number;
  /** Its number in the set; undefined where the set does not say. */
  readonly robot: number | undefined;
  readonly task: number;
}

export const placeOf = ({ block, number, start, episodes, robots }: LookedAtRows, row: number): FramePlace => ({
  block: number,
  row: start + row,
  episode: episodes[row] ?? 0,
  robot: robots?.[row],
  task: block.task[row] ?? 0,
});

/** Keeps the frames of greatest worth, the earlier of equals, at most `ofEpisode` of an episode, and `most` in all, whatever the number of rows. */
export class ForemostFrames<Frame extends { readonly episode: number }> {
  readonly #most: number;
  readonly #ofEpisode: number;
  readonly #worthOf: (frame: Frame) => number;
  #kept: readonly Frame[] = [];
  #least = 0;

  constructor(limits: { readonly most: number; readonly ofEpisode: number }, worthOf: (frame: Frame) => number) {
    this.#most = limits.most;
    this.#ofEpisode = limits.ofEpisode;
    this.#worthOf = worthOf;
  }

  /** Whether a frame of this worth could be kept; not one of 0, nor of NaN. */
  wants(worth: number): boolean {
    return worth > this.#least;
  }

  keep(found: Frame): void {
    const worthOf = this.#worthOf;
    const ofEpisode = this.#kept.filter(({ episode }) => episode === found.episode);
    const weakest = ofEpisode.length < this.#ofEpisode ? undefined : ofEpisode.at(-1);
    if (weakest !== undefined && worthOf(weakest) >= worthOf(found)) return;
    this.#kept = [...this.#kept.filter((each) => each !== weakest), found]
      .toSorted((a, b) => worthOf(b) - worthOf(a))
      .slice(0, this.#most);
    const last = this.#kept.at(-1);
    this.#least = this.#kept.length < this.#most || last === undefined ? 0 : worthOf(last);
  }

  /** The foremost first. */
  finish(): readonly Frame[] {
    return this.#kept;
  }
}
