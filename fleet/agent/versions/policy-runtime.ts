import type { RobotType } from '../../../datasets/robot-type.ts';
import type { BodyMapping } from '../../../policies/body-mapping.ts';
import { checkModelFile } from '../../../policies/onnx/file-problems.ts';
import { ioProblems, type PolicySizes } from '../../../policies/policy-io.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import type { GraphSession } from '../../../policies/runtime.ts';
import { orAborted, withDeadline } from '../link/deadline.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { Slot } from './installation.ts';
import type { MonotonicClock } from '../local/times.ts';

/** A model that is loaded. `close` ends it in bounded time, also in the middle of a run. */
export type PolicySession = Pick<GraphSession, 'inputs' | 'outputs' | 'run' | 'close'>;

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
  readonly latencyMs: number;
}

/** A policy that is loaded and has passed its self-test. */
export interface LoadedPolicy extends Slot {
  /** Whether the model knows a task. */
  readonly knows: (task: string) => boolean;
  /**
   * Rejects with `UnknownTask` for a task that the model does not know, which is counted: nobody may act on it. Rejects when the model fails on a sound observation, with `DeadlineMissed` when it does not answer in time; the agent then
   * stops the robot and falls back.
   */
  decide(observation: ArrayLike<number>, task?: string): Promise<Decision>;
  close(): Promise<void>;
}

export interface LoadPorts {
  readonly runtime: PolicyRuntime;
  readonly robotType: RobotType;
  readonly monotonic: MonotonicClock;
  readonly decideTimeoutMs: number;
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

export function loadedPolicy(
  ports: LoadPorts,
  slot: Slot,
  { session, sizes, mapping, tasks }: OpenedPolicy,
): LoadedPolicy {
  const { robotType, monotonic, decideTimeoutMs } = ports;
  const indexes = new Map(tasks.map((task, index) => [task, index]));
  let failure: Error | undefined;
  let isClosed = false;

  function failed(cause: Error): void {
    if (failure !== undefined || isClosed) return;
    failure = cause;
    closeInBackground(session);
    ports.onFailed(slot, cause.message);
  }

  /** Whatever the model does wrong on a sound observation, it cannot be acted by. */
  async function run(observation: Float32Array, taskIndex: number): Promise<Float32Array> {
    try {
      return await withDeadline(`a decision of ${slot.version}`, decideTimeoutMs, undefined, () =>
        runPolicy(session, sizes, observation, Int32Array.of(taskIndex)),
      );
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      failed(error);
      throw error;
    }
  }

  return {
    ...slot,
    knows: (task) => indexes.has(task),
    async decide(observation, task = robotType.tasks[0] ?? '') {
      if (failure !== undefined) throw failure;
      const taskIndex = indexes.get(task);
      if (taskIndex === undefined) {
        ports.onUnknownTask?.(task);
        throw new UnknownTask(task, slot.version);
      }
      const { observations } = robotType;
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
      const sentMs = monotonic();
      const values = await run(inputs, taskIndex);
      return { action: mapping.actionOf(values), latencyMs: Math.max(0, monotonic() - sentMs) };
    },
    async close() {
      isClosed = true;
      await session.close();
    },
  };
}
