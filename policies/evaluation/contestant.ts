import type { RobotType } from '../../datasets/robot-type.ts';
import { actionTolerance, highestIndex, isWithin } from '../agreement.ts';
import { policyOutput, policyPorts, type PolicySizes } from '../policy-io.ts';
import type { RowBlock } from '../rows.ts';
import { float32Tensor, int32Tensor, type GraphSession } from '../runtime.ts';

/** A policy's answers on some rows. */
export interface Answers {
  /** [rows, actions] probabilities, or [rows, a] actions in their units. */
  readonly outputs: Float32Array;
  /** Discrete: the chosen action a row. Continuous: empty. */
  readonly chosen: Int32Array;
  /** 1 where the answer agrees with the label. */
  readonly agrees: Uint8Array;
}

/** Runs an exported policy on rows in its robot type's units. `task` is left out where the model has no such input. */
export async function runPolicy(
  session: GraphSession,
  sizes: PolicySizes,
  observation: Float32Array,
  task: Int32Array,
): Promise<Float32Array> {
  const takesTask = session.inputs.some((port) => port.name === policyPorts.task);
  const results = await session.run({
    [policyPorts.observation]: float32Tensor(observation, [task.length, sizes.observationSize]),
    ...(takesTask ? { [policyPorts.task]: int32Tensor(task, [task.length]) } : {}),
  });
  const name = policyOutput(sizes.head);
  const output = results[name];
  const wanted = task.length * sizes.actionSize;
  if (output === undefined || !(output.data instanceof Float32Array) || output.data.length !== wanted)
    throw new Error(`expected output ${name} of ${wanted} float32, got ${output?.type} [${output?.shape.join(', ')}]`);
  return output.data;
}

/** Answers on a block and where they agree with its labels. An output that is not finite never agrees. */
export async function answer(
  session: GraphSession,
  type: RobotType,
  sizes: PolicySizes,
  block: RowBlock,
): Promise<Answers> {
  const outputs = await runPolicy(session, sizes, block.observation, block.task);
  const agrees = new Uint8Array(block.rows);
  const tolerance = actionTolerance(type);
  const chosen = new Int32Array(tolerance === undefined ? block.rows : 0);
  for (let row = 0; row < block.rows; row += 1) {
    const values = outputs.subarray(row * sizes.actionSize, (row + 1) * sizes.actionSize);
    if (tolerance === undefined) {
      chosen[row] = highestIndex(values);
      agrees[row] = chosen[row] === block.label[row] && values.every(Number.isFinite) ? 1 : 0;
    } else agrees[row] = isWithin(values, block.label.subarray(row * sizes.actionSize), tolerance) ? 1 : 0;
  }
  return { outputs, chosen, agrees };
}
