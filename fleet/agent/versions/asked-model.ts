import type { RobotType } from '../../../datasets/robot-type.ts';
import type { BodyMapping } from '../../../policies/body-mapping.ts';
import type { PolicySizes } from '../../../policies/policy-io.ts';
import { policyAnswer, readingTensors } from '../../../policies/run-policy.ts';
import { imageTensors, MissingImage } from '../../../policies/seen-images.ts';
import { horizonOf } from '../../../policies/chunks.ts';
import { historyOf } from '../../../policies/windows.ts';
import { withDeadline } from '../link/deadline.ts';
import type { MonotonicClock } from '../local/times.ts';
import { ChunkInHand } from './chunk-in-hand.ts';
import type { Slot } from './installation.ts';
import { PastImages, type PastFrame, type SeenImages } from './past-images.ts';
import { pastReadings } from './past-readings.ts';
import type { PolicySession } from './policy-session.ts';
import { BadImage, type PictureFeed, type RobotImages } from './robot-images.ts';

/** The model's inputs for a sound observation; throws a TypeError, in words, for any other. */
export function readableInputs(
  { observations }: RobotType,
  mapping: BodyMapping,
  observation: ArrayLike<number>,
): Float32Array {
  if (observation.length !== observations.length)
    throw new TypeError(`expected an observation of ${observations.length} numbers, got ${observation.length}`);
  const unread = Array.prototype.findIndex.call(observation, (reading) => !Number.isFinite(reading));
  if (unread >= 0)
    throw new TypeError(
      `expected readings that are finite numbers, got ${observation[unread]} for ${observations[unread]?.name}`,
    );
  const inputs = mapping.inputsOf(observation);
  if (!inputs.every(Number.isFinite))
    throw new TypeError('expected readings that the model can take as float32, got one beyond it');
  return inputs;
}

interface Answered {
  readonly values: Float32Array;
  readonly decodingMs?: number;
}

/** What a model is asked with in one frame. */
interface Question extends SeenImages {
  readonly observation: Float32Array;
  readonly taskIndex: number;
  /** Readings before. */
  readonly past: Float32Array | undefined;
}

/** Asks a model once; `scaled` is RGB by port of the images that had to be scaled and that it sees again in later frames. */
async function askModel(
  session: PolicySession,
  sizes: PolicySizes,
  { observation, taskIndex, past, ready, unscaled }: Question,
): Promise<Answered & { readonly scaled?: ReadonlyMap<string, Uint8Array> | undefined }> {
  const feeds = {
    ...readingTensors(session, sizes, observation, Int32Array.of(taskIndex), past),
    ...imageTensors(without(session, unscaled), sizes.cameras ?? [], ready, 1),
  };
  if (unscaled.length === 0) return { values: policyAnswer(await session.run(feeds), session, sizes, 1) };
  if (session.runSeeing === undefined)
    throw new BadImage('expected images of the learned size, which is all that this runtime takes, got others');
  const { results, decodingMs, scaled } = await session.runSeeing(feeds, unscaled);
  return { values: policyAnswer(results, session, sizes, 1), decodingMs, scaled };
}

/** The inputs that are not to be scaled first. */
const without = ({ inputs }: PolicySession, pictures: readonly PictureFeed[]): Pick<PolicySession, 'inputs'> => ({
  inputs: inputs.filter(({ name }) => pictures.every(({ port }) => port !== name)),
});

export interface AskedPorts {
  readonly robotType: RobotType;
  readonly monotonic: MonotonicClock;
  readonly decideTimeoutMs: number;
  readonly episodeBounds?: () => number;
  readonly runBounds?: () => number;
  readonly onFailed: (slot: Slot, detail: string) => void;
}

/** Decisions in a row without an image that the model needs: fewer are a camera's hiccup, more a camera that is gone. */
const mostMissedImages = 25;

/** A model that acts: asked once a frame with what it reads of the frames before, and closed at its first failure. */
export class AskedModel {
  readonly #ports: AskedPorts;
  readonly #slot: Slot;
  readonly #session: PolicySession;
  readonly #sizes: PolicySizes;
  readonly #readings: ReturnType<typeof pastReadings>;
  readonly #earlier: PastImages;
  readonly #chunk: ChunkInHand;
  #failure: Error | undefined;
  #isClosed = false;
  #missedImages = 0;

  constructor(
    ports: AskedPorts,
    slot: Slot,
    { session, sizes }: { readonly session: PolicySession; readonly sizes: PolicySizes },
  ) {
    [this.#ports, this.#slot, this.#session, this.#sizes] = [ports, slot, session, sizes];
    this.#readings = pastReadings(ports, historyOf(session));
    this.#earlier = new PastImages(ports, session, sizes.cameras);
    this.#chunk = new ChunkInHand(ports, horizonOf(session));
  }

  /** Why it must not act any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** A decision begins, whatever becomes of it; throws where the model has failed. */
  begin(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#chunk.begin();
  }

  /** The next action of the chunk in hand, or what the model answers now. Whatever it does wrong on a sound observation, it cannot be acted by. */
  async ask(observation: Float32Array, taskIndex: number, images: RobotImages): Promise<Answered> {
    const past = this.#readings.before(observation);
    const frame = this.#earlier.begin();
    const next = this.#isClosed ? undefined : this.#chunk.next(taskIndex);
    if (next !== undefined) return { values: next, ...(await this.#keepUnasked(frame, images)) };
    const asking = this.#chunk.asking(taskIndex);
    try {
      const seen = this.#earlier.seen(frame, images);
      const { scaled, ...answered } = await this.#inTime(`a decision of ${this.#slot.version}`, () =>
        askModel(this.#session, this.#sizes, { observation, taskIndex, past, ...seen }),
      );
      this.#missedImages = 0;
      this.#earlier.keep(frame, seen.given, scaled);
      return { ...answered, values: this.#chunk.keep(asking, answered.values) };
    } catch (cause) {
      const error = asError(cause);
      if (error instanceof MissingImage) this.#missed(error);
      else this.#failed(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session.close();
  }

  /** A frame without its image begins anew, and its action stands. */
  async #keepUnasked(frame: PastFrame, images: RobotImages): Promise<{ readonly decodingMs?: number }> {
    try {
      return await this.#inTime(`an image for ${this.#slot.version}`, () => this.#earlier.keepUnasked(frame, images));
    } catch (cause) {
      if (!(cause instanceof MissingImage)) this.#failed(asError(cause));
      return {};
    }
  }

  #inTime<T>(what: string, work: () => Promise<T>): Promise<T> {
    return withDeadline(what, this.#ports.decideTimeoutMs, undefined, work);
  }

  #missed(cause: MissingImage): void {
    this.#missedImages += 1;
    if (this.#missedImages >= mostMissedImages)
      this.#failed(
        new Error(`no image that the model sees in ${this.#missedImages} decisions in a row: ${cause.message}`),
      );
  }

  #failed(cause: Error): void {
    if (this.#failure !== undefined || this.#isClosed) return;
    this.#failure = cause;
    this.#session.close().catch(() => undefined);
    this.#ports.onFailed(this.#slot, cause.message);
  }
}

const asError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));
