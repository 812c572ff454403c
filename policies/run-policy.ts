import { policyOutput, policyPorts, type PolicySizes } from './policy-io.ts';
import { float32Tensor, int32Tensor, type GraphSession, type Tensors } from './runtime.ts';
import { imageTensors, noImages, type Images } from './seen-images.ts';

/**
 * Runs an exported policy on rows in its robot type's units; [rows, actions]. `task` is left out where the model has no such input.
 * Throws `MissingImage` where an image of a camera that the model sees is not given; images of other cameras are left out.
 */
export async function runPolicy(
  session: Pick<GraphSession, 'inputs' | 'run'>,
  sizes: PolicySizes,
  observation: Float32Array,
  task: Int32Array,
  images: Images = noImages,
): Promise<Float32Array> {
  const results = await session.run({
    ...readingTensors(session, sizes, observation, task),
    ...imageTensors(session, sizes.cameras ?? [], images, task.length),
  });
  return policyAnswer(results, sizes, task.length);
}

/** What every model is asked with, whether it sees or not. */
export function readingTensors(
  session: Pick<GraphSession, 'inputs'>,
  sizes: PolicySizes,
  observation: Float32Array,
  task: Int32Array,
): Tensors {
  const takesTask = session.inputs.some((port) => port.name === policyPorts.task);
  return {
    [policyPorts.observation]: float32Tensor(observation, [task.length, sizes.observationSize]),
    ...(takesTask ? { [policyPorts.task]: int32Tensor(task, [task.length]) } : {}),
  };
}

/** The answers among what a model gave; throws when it gave something else than it declares. */
export function policyAnswer(results: Tensors, sizes: PolicySizes, rows: number): Float32Array {
  const name = policyOutput(sizes.head);
  const output = results[name];
  const wanted = rows * sizes.actionSize;
  if (output === undefined || !(output.data instanceof Float32Array) || output.data.length !== wanted)
    throw new Error(`expected output ${name} of ${wanted} float32, got ${output?.type} [${output?.shape.join(', ')}]`);
  return output.data;
}
