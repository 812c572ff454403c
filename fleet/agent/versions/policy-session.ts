import type { GraphSession, Tensors } from '../../../policies/runtime.ts';
import type { PictureFeed } from './robot-images.ts';

/** A model that is loaded. `close` ends it in bounded time, also in the middle of a run. */
export interface PolicySession extends Pick<GraphSession, 'inputs' | 'outputs' | 'run' | 'close'> {
  /**
   * Runs with images that are decoded and scaled first, where the model runs. Rejects with `BadImage` for one that cannot be
   * decoded. Not there: this runtime takes images of the learned size only.
   */
  readonly runSeeing?: (feeds: Tensors, pictures: readonly PictureFeed[]) => Promise<SeeingResults>;
  /** Decodes and scales them alone: for the images of frames in which the model is not asked, but of which it sees more later. There where `runSeeing` is. */
  readonly scale?: (pictures: readonly PictureFeed[]) => Promise<Omit<SeeingResults, 'results'>>;
}

export interface SeeingResults {
  readonly results: Tensors;
  readonly decodingMs: number;
  /** RGB by port, of pictures with a window. */
  readonly scaled?: ReadonlyMap<string, Uint8Array>;
}
