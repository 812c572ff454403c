import type { ImageLeftOut, ImageLossReason } from '../../datasets/training-set.ts';

/** Frames and episodes without images, by reason. */
export class ImageLosses {
  readonly #counts = new Map<ImageLossReason, { episodes: number; frames: number }>();

  add(reason: ImageLossReason, episodes: number): void {
    const count = this.#counts.get(reason) ?? { episodes: 0, frames: 0 };
    this.#counts.set(reason, { episodes: count.episodes + episodes, frames: count.frames + 1 });
  }

  list(): readonly ImageLeftOut[] {
    return [...this.#counts]
      .map(([reason, count]) => ({ reason, ...count }))
      .toSorted((a, b) => (a.reason < b.reason ? -1 : 1));
  }
}
