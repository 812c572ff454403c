import { FollowingImages, imageHistoryOf } from '../../../policies/image-windows.ts';
import { imagePort } from '../../../policies/images/camera-layers.ts';
import { camerasSeenBy, type SeenCamera } from '../../../policies/seen-images.ts';
import { followingFrames, type FramePorts } from './following-frames.ts';
import { givenImages, type GivenImages, type PictureFeed, type RobotImages } from './robot-images.ts';
import type { PolicySession } from './policy-session.ts';

/** A frame that is being decided on. */
export interface PastFrame {
  readonly number: number;
  readonly follows: boolean;
}

/** The images of a frame, with those of its window. */
export interface SeenImages {
  /** RGB of the learned size by camera: the images before, then that of the frame. */
  readonly ready: ReadonlyMap<string, Uint8Array>;
  readonly unscaled: readonly PictureFeed[];
}

/**
 * What the cameras showed in the frames that a model with a history of images was asked about before, at the learned size: `history` - 1 images of each camera at most.
 * They are of one episode, as the readings of a window are ({@link followingFrames}), and after a frame without an image windows begin anew, as in training sets. Keeps
 * nothing for a model that sees the present images alone.
 */
export class PastImages {
  readonly #session: Pick<PolicySession, 'inputs' | 'scale'>;
  readonly #cameras: readonly SeenCamera[];
  readonly #history: number;
  readonly #follows: () => boolean;
  readonly #windows: ReadonlyMap<string, FollowingImages<Uint8Array>>;
  #frame = 0;
  #lastKept = 0;

  constructor(
    ports: FramePorts,
    session: Pick<PolicySession, 'inputs' | 'scale'>,
    cameras: readonly SeenCamera[] = [],
  ) {
    this.#session = session;
    this.#cameras = cameras;
    this.#history = imageHistoryOf(session);
    this.#follows = followingFrames(ports);
    this.#windows = new Map(camerasSeenBy(session).map((name) => [name, new FollowingImages(this.#history)]));
  }

  /** A frame begins. One of which nothing is kept, because it had no image or its decision failed, is followed by none. */
  begin(): PastFrame {
    if (this.#history === 1) return { number: 0, follows: false };
    const follows = this.#follows() && this.#lastKept === this.#frame;
    this.#frame += 1;
    return { number: this.#frame, follows };
  }

  /** What the model sees in that frame; throws `MissingImage` where one is not there. */
  seen(frame: PastFrame, images: RobotImages): SeenImages & { readonly given: GivenImages } {
    const given = givenImages(this.#session, this.#cameras, images, (name) => this.#before(name, frame));
    const ready = [...given.ready].map(([name, image]) => {
      const before = this.#before(name, frame);
      return [name, before.length === 0 ? image : Buffer.concat([before, image])] as const;
    });
    return { ready: new Map(ready), unscaled: given.unscaled, given };
  }

  /** What the cameras showed in that frame, `scaled` by port where it had to be scaled; of a frame that was overtaken by a later one nothing is kept. */
  keep({ number, follows }: PastFrame, { ready }: GivenImages, scaled: ReadonlyMap<string, Uint8Array> = new Map()) {
    if (this.#history === 1 || number !== this.#frame) return;
    this.#lastKept = number;
    for (const [name, window] of this.#windows)
      window.next((ready.get(name) ?? scaled.get(imagePort(name)))?.slice(), follows);
  }

  /** Keeps a frame in which the model is not asked, and of which it sees the images later. */
  async keepUnasked(frame: PastFrame, images: RobotImages): Promise<{ readonly decodingMs?: number }> {
    if (this.#history === 1) return {};
    const { given } = this.seen(frame, images);
    const scaled = given.unscaled.length === 0 ? undefined : await this.#session.scale?.(given.unscaled);
    this.keep(frame, given, scaled?.scaled);
    return scaled === undefined ? {} : { decodingMs: scaled.decodingMs };
  }

  #before(camera: string, { follows }: PastFrame): Uint8Array {
    const images = this.#windows.get(camera)?.before(follows) ?? [];
    return images.length === 0 ? new Uint8Array(0) : Buffer.concat(images);
  }
}
