import type { RobotType } from '../../../datasets/robot-type.ts';
import type { BodyMapping } from '../../../policies/body-mapping.ts';
import { checkModelFile } from '../../../policies/onnx/file-problems.ts';
import { ioProblems, type PolicySizes } from '../../../policies/policy-io.ts';
import { policyAnswer, readingTensors } from '../../../policies/run-policy.ts';
import type { GraphSession, Tensors } from '../../../policies/runtime.ts';
import { imageTensors, MissingImage } from '../../../policies/seen-images.ts';
import { orAborted, withDeadline } from '../link/deadline.ts';
import { historyOf } from '../../../policies/windows.ts';
import { horizonOf } from '../../../policies/chunks.ts';
import { ChunkInHand } from './chunk-in-hand.ts';
import { pastReadings } from './past-readings.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { Slot } from './installation.ts';
import type { MonotonicClock } from '../local/times.ts';
import { BadImage, givenImages, type GivenImages, type PictureFeed, type RobotImages } from './robot-images.ts';

/** A model that is loaded. `close` ends it in bounded time, also in the middle of a run. */
export interface PolicySession extends Pick<GraphSession, 'inputs' | 'outputs' | 'run' | 'close'> {
  /**
   * Runs with images that are decoded and scaled first, where the model runs. Rejects with `BadImage` for one that cannot be
   * decoded. Not there: this runtime takes images of the learned size only.
   */
  readonly runSeeing?: (
    feeds: Tensors,
    pictures: readonly PictureFeed[],
  ) => Promise<{ readonly results: Tensors; readonly decodingMs: number }>;
}

export interface OpenOptions {
  /** A file with the very bytes of the model, for a runtime that would rather read them itself. */
  readonly file?: string;
  /** Aborted when nobody waits for the model any more; what can be ended in the middle of it ends. */
  readonly signal?: AbortSignal;
}

/**
 * What runs a policy's ONNX model. A simulator may share one session between many robots and run them in one batch. Only a
 * runtime that runs models outside this process can end one that hangs: on a robot, `isolatedPolicyRuntime`.
 */
export interface PolicyRuntime {
  open(model: Uint8Array, options?: OpenOptions): Promise<PolicySession>;
}

/** What ran the model is gone: it was killed, or took more memory than it may. */
export class SessionLost extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SessionLost';
  }
}

/** The robot was asked for a task that its model does not know. */
export class UnknownTask extends TypeError {
  constructor(task: string, version: string) {
    super(`expected a task that version ${version} knows, got ${JSON.stringify(task.slice(0, 63))}`);
    this.name = 'UnknownTask';
  }
}

/** What a policy does in one situation. */
export interface Decision {
  /** As `record` takes it: one index if actions are discrete, else one number for each range. */
  readonly action: readonly number[];
  /** From the call to the answer, decoding of images included. */
  readonly latencyMs: number;
  /** How much of it went into decoding and scaling images; not there where there was none to decode. */
  readonly decodingMs?: number;
}

/** A policy that is loaded and has passed its self-test. */
export interface LoadedPolicy extends Slot {
  /** Whether the model knows a task. */
  readonly knows: (task: string) => boolean;
  /** It failed for good and is closed: it must not act any more. Another load of the same version may. */
  readonly hasFailed: () => boolean;
  /**
   * Ask once a frame: a model with history reads what it was asked about before in the same episode, and one that answers chunks is asked only when the last one is executed. Rejects with `UnknownTask` for a task that the model does not know, which is counted: nobody may act on it. Rejects when the model fails on a sound observation, with `DeadlineMissed` when it does not answer in time; the agent then
   * stops the robot and falls back. Rejects with `MissingImage` when an image that the model sees is not given or cannot be decoded;
   * after 25 such calls in a row the policy has failed as well: its camera is gone.
   */
  decide(observation: ArrayLike<number>, task?: string, images?: RobotImages): Promise<Decision>;
  close(): Promise<void>;
}

export interface LoadPorts {
  readonly runtime: PolicyRuntime;
  readonly robotType: RobotType;
  readonly monotonic: MonotonicClock;
  readonly decideTimeoutMs: number;
  /** Counts beginnings and ends of the robot's episodes: a model with history forgets at each. */
  readonly episodeBounds?: () => number;
  /** Counts these, corrections, interventions and beginnings of a safe stop: a chunk from before is not executed. */
  readonly runBounds?: () => number;
  /** The robot was asked for a task that the model does not know. */
  readonly onUnknownTask?: (task: string) => void;
  /** A policy has failed for good while it acted: it missed its deadline, what ran it is gone, or it failed on a reading. */
  readonly onFailed: (slot: Slot, detail: string) => void;
}

/** Opens a model and holds it against its sizes; throws a `ModelRefusal` when it does not fit, or the signal's reason. */
export async function openModel(
  { runtime }: Pick<LoadPorts, 'runtime'>,
  model: Uint8Array,
  sizes: PolicySizes,
  options: OpenOptions & { readonly signal: AbortSignal },
): Promise<PolicySession> {
  const file = checkModelFile(model);
  if (file.kind === 'refused') throw new ModelRefusal('cannotLoad', file.reason);
  let session: PolicySession;
  try {
    session = await orAborted(runtime.open(model, options), options.signal, closeInBackground);
  } catch (cause) {
    if (options.signal.aborted) throw cause;
    throw new ModelRefusal('cannotLoad', 'expected a model that the runtime can load', cause);
  }
  const problems = ioProblems(session, sizes);
  if (problems.length === 0) return session;
  closeInBackground(session);
  throw new ModelRefusal('cannotLoad', problems.join('; '));
}

/** Closes a session that may be in the middle of a run that never ends: nobody waits for it. */
export function closeInBackground(session: Pick<PolicySession, 'close'>): void {
  session.close().catch(() => undefined);
}

/** A model that has passed its self-test, and how this robot's body uses it. */
export interface OpenedPolicy {
  readonly session: PolicySession;
  /** Of the model. */
  readonly sizes: PolicySizes;
  readonly mapping: BodyMapping;
  readonly tasks: readonly string[];
}

/** Decisions in a row without an image that the model needs: fewer are a camera's hiccup, more a camera that is gone. */
const mostMissedImages = 25;
const noImagesGiven: RobotImages = {};

export function loadedPolicy(ports: LoadPorts, slot: Slot, opened: OpenedPolicy): LoadedPolicy {
  const { robotType, monotonic, decideTimeoutMs } = ports;
  const { session, sizes, mapping, tasks } = opened;
  const indexes = new Map(tasks.map((task, index) => [task, index]));
  let failure: Error | undefined;
  let isClosed = false;
  let missedImages = 0;
  const readings = pastReadings(ports, historyOf(session));
  const chunk = new ChunkInHand(ports, horizonOf(session));

  function failed(cause: Error): void {
    if (failure !== undefined || isClosed) return;
    failure = cause;
    closeInBackground(session);
    ports.onFailed(slot, cause.message);
  }

  function missed(cause: MissingImage): void {
    missedImages += 1;
    if (missedImages >= mostMissedImages)
      failed(new Error(`no image that the model sees in ${missedImages} decisions in a row: ${cause.message}`));
  }

  /** Whatever the model does wrong on a sound observation, it cannot be acted by. */
  async function run(observation: Float32Array, taskIndex: number, images: RobotImages): Promise<Answered> {
    const past = readings.before(observation);
    const next = isClosed ? undefined : chunk.next(taskIndex);
    if (next !== undefined) return { values: next };
    const asking = chunk.asking(taskIndex);
    try {
      const given = { ...givenImages(session, sizes.cameras ?? [], images), past };
      const answered = await withDeadline(`a decision of ${slot.version}`, decideTimeoutMs, undefined, () =>
        answerOf(session, sizes, observation, taskIndex, given),
      );
      missedImages = 0;
      return { ...answered, values: chunk.keep(asking, answered.values) };
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      if (error instanceof MissingImage) missed(error);
      else failed(error);
      throw error;
    }
  }

  return {
    ...slot,
    knows: (task) => indexes.has(task),
    hasFailed: () => failure !== undefined,
    async decide(observation, task = robotType.tasks[0] ?? '', images = noImagesGiven) {
      if (failure !== undefined) throw failure;
      chunk.begin();
      const taskIndex = indexes.get(task);
      if (taskIndex === undefined) {
        ports.onUnknownTask?.(task);
        throw new UnknownTask(task, slot.version);
      }
      const inputs = readableInputs(robotType, mapping, observation);
      const sentMs = monotonic();
      const { values, decodingMs } = await run(inputs, taskIndex, images);
      const latencyMs = Math.max(0, monotonic() - sentMs);
      return { action: mapping.actionOf(values), latencyMs, ...(decodingMs === undefined ? {} : { decodingMs }) };
    },
    async close() {
      isClosed = true;
      await session.close();
    },
  };
}

/** The model's inputs for a sound observation; throws a TypeError, in words, for any other. */
function readableInputs(
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

async function answerOf(
  session: PolicySession,
  sizes: PolicySizes,
  observation: Float32Array,
  taskIndex: number,
  { ready, unscaled, past }: GivenImages & { readonly past: Float32Array | undefined },
): Promise<Answered> {
  const feeds = {
    ...readingTensors(session, sizes, observation, Int32Array.of(taskIndex), past),
    ...imageTensors(without(session, unscaled), sizes.cameras ?? [], ready, 1),
  };
  if (unscaled.length === 0) return { values: policyAnswer(await session.run(feeds), session, sizes, 1) };
  if (session.runSeeing === undefined)
    throw new BadImage('expected images of the learned size, which is all that this runtime takes, got others');
  const { results, decodingMs } = await session.runSeeing(feeds, unscaled);
  return { values: policyAnswer(results, session, sizes, 1), decodingMs };
}

/** The inputs that are not to be scaled first. */
const without = ({ inputs }: PolicySession, pictures: readonly PictureFeed[]): Pick<PolicySession, 'inputs'> => ({
  inputs: inputs.filter(({ name }) => pictures.every(({ port }) => port !== name)),
});
