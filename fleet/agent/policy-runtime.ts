import type { RobotType } from '../../datasets/robot-type.ts';
import { highestIndex } from '../../policies/agreement.ts';
import { ioProblems, policySizes, type PolicySizes } from '../../policies/policy-io.ts';
import { runPolicy } from '../../policies/run-policy.ts';
import type { GraphSession } from '../../policies/runtime.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { Slot } from './installation.ts';
import type { MonotonicClock } from './times.ts';

export type PolicySession = Pick<GraphSession, 'inputs' | 'outputs' | 'run' | 'close'>;

/** What runs a policy's ONNX model. A simulator may share one session between many robots and run them in one batch. */
export interface PolicyRuntime {
  open(model: Uint8Array): Promise<PolicySession>;
}

/** What a policy does in one situation. */
export interface Decision {
  /** As `record` takes it: one index if actions are discrete, else one number for each range. */
  readonly action: readonly number[];
  readonly latencyMs: number;
}

/** A policy that is loaded and has passed its self-test. */
export interface LoadedPolicy extends Slot {
  decide(observation: ArrayLike<number>, task?: string): Promise<Decision>;
  close(): Promise<void>;
}

export interface LoadPorts {
  readonly runtime: PolicyRuntime;
  readonly robotType: RobotType;
  readonly monotonic: MonotonicClock;
}

/** Opens a model and holds it against the robot type; throws a `ModelRefusal` when it does not fit. */
export async function openModel(
  { runtime, robotType }: LoadPorts,
  model: Uint8Array,
): Promise<{ readonly session: PolicySession; readonly sizes: PolicySizes }> {
  const sizes = policySizes(robotType);
  if (sizes === undefined) throw new ModelRefusal('cannotLoad', `robot type ${robotType.id} has no actions to decide`);
  let session: PolicySession;
  try {
    session = await runtime.open(model);
  } catch (cause) {
    throw new ModelRefusal('cannotLoad', 'expected a model that the runtime can load', cause);
  }
  const problems = ioProblems(session, sizes);
  if (problems.length === 0) return { session, sizes };
  await session.close();
  throw new ModelRefusal('cannotLoad', problems.join('; '));
}

export function loadedPolicy(
  { robotType, monotonic }: LoadPorts,
  slot: Slot,
  { session, sizes }: { readonly session: PolicySession; readonly sizes: PolicySizes },
): LoadedPolicy {
  return {
    ...slot,
    async decide(observation, task = robotType.tasks[0] ?? '') {
      const taskIndex = robotType.tasks.indexOf(task);
      if (taskIndex < 0) throw new TypeError(`expected one of the tasks ${robotType.tasks.join(', ')}, got ${task}`);
      const sentMs = monotonic();
      const values = await runPolicy(session, sizes, Float32Array.from(observation), Int32Array.of(taskIndex));
      const action = sizes.head === 'discrete' ? [highestIndex(values)] : [...values];
      return { action, latencyMs: Math.max(0, monotonic() - sentMs) };
    },
    close: () => session.close(),
  };
}
