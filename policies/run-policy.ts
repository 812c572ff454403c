import { policyOutput, policyPorts, type PolicySizes } from './policy-io.ts';
import { float32Tensor, int32Tensor, type GraphSession } from './runtime.ts';

/** Runs an exported policy on rows in its robot type's units; [rows, actions]. `task` is left out where the model has no such input. */
export async function runPolicy(
  session: Pick<GraphSession, 'inputs' | 'run'>,
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
