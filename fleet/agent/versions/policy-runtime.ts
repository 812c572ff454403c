import type { RobotType } from '../../../datasets/robot-type.ts';
import type { BodyMapping } from '../../../policies/body-mapping.ts';
import { checkModelFile } from '../../../policies/onnx/file-problems.ts';
import { ioProblems, type PolicySizes } from '../../../policies/policy-io.ts';
import { orAborted } from '../link/deadline.ts';
import { AskedModel, readableInputs } from './asked-model.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { Slot } from './installation.ts';
import type { MonotonicClock } from '../local/times.ts';
import type { PolicySession } from './policy-session.ts';
import type { RobotImages } from './robot-images.ts';

export type { PolicySession, SeeingResults } from './policy-session.ts';

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

const noImagesGiven: RobotImages = {};

export function loadedPolicy(ports: LoadPorts, slot: Slot, opened: OpenedPolicy): LoadedPolicy {
  const { robotType, monotonic, onUnknownTask } = ports;
  const { mapping, tasks } = opened;
  const indexes = new Map(tasks.map((task, index) => [task, index]));
  const model = new AskedModel(ports, slot, opened);
  return {
    ...slot,
    knows: (task) => indexes.has(task),
    hasFailed: () => model.failure !== undefined,
    async decide(observation, task = robotType.tasks[0] ?? '', images = noImagesGiven) {
      model.begin();
      const taskIndex = indexes.get(task);
      if (taskIndex === undefined) {
        onUnknownTask?.(task);
        throw new UnknownTask(task, slot.version);
      }
      const inputs = readableInputs(robotType, mapping, observation);
      const sentMs = monotonic();
      const { values, decodingMs } = await model.ask(inputs, taskIndex, images);
      const latencyMs = Math.max(0, monotonic() - sentMs);
      return { action: mapping.actionOf(values), latencyMs, ...(decodingMs === undefined ? {} : { decodingMs }) };
    },
    close: () => model.close(),
  };
}
