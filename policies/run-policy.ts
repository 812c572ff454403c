import { horizonOf } from './chunks.ts';
import { policyOutput, policyPorts, type PolicySizes } from './policy-io.ts';
import { float32Tensor, int32Tensor, type GraphSession, type Tensors } from './runtime.ts';
import { historyOf, windowsOf } from './windows.ts';
import { imageTensors, noImages, type Images } from './seen-images.ts';

/**
 * Runs an exported policy on rows in its robot type's units; [rows, actions], or [rows, steps, actions] of one that answers chunks. `task` is left out where the model has no such input.
 * `past`: readings before the present ones, [rows, frames, o], oldest first, of which a model with history takes as many as it reads. Throws `MissingImage` where an image of a camera that the model sees is not given; images of other cameras are left out.
 */
export async function runPolicy(
  session: Pick<GraphSession, 'inputs' | 'outputs' | 'run'>,
  sizes: PolicySizes,
  observation: Float32Array,
  task: Int32Array,
  images: Images = noImages,
  past?: Float32Array,
): Promise<Float32Array> {
  const results = await session.run({
    ...readingTensors(session, sizes, observation, task, past),
    ...imageTensors(session, sizes.cameras ?? [], images, task.length),
  });
  return policyAnswer(results, session, sizes, task.length);
}

/** What every model is asked with, whether it sees or not; one that reads history, with windows. */
export function readingTensors(
  session: Pick<GraphSession, 'inputs'>,
  sizes: PolicySizes,
  observation: Float32Array,
  task: Int32Array,
  past?: Float32Array,
): Tensors {
  const history = historyOf(session);
  const readings = windowsOf(observation, task.length, past, history);
  const axes = history === 1 ? [sizes.observationSize] : [history, sizes.observationSize];
  const takesTask = session.inputs.some((port) => port.name === policyPorts.task);
  return {
    [policyPorts.observation]: float32Tensor(readings, [task.length, ...axes]),
    ...(takesTask ? { [policyPorts.task]: int32Tensor(task, [task.length]) } : {}),
  };
}

/** The answers among what a model gave; throws when it gave something else than it declares. */
export function policyAnswer(
  results: Tensors,
  model: Pick<GraphSession, 'outputs'>,
  sizes: PolicySizes,
  rows: number,
): Float32Array {
  const name = policyOutput(sizes.head);
  const output = results[name];
  const wanted = rows * horizonOf(model) * sizes.actionSize;
  if (output === undefined || !(output.data instanceof Float32Array) || output.data.length !== wanted)
    throw new Error(`expected output ${name} of ${wanted} float32, got ${output?.type} [${output?.shape.join(', ')}]`);
  return output.data;
}
