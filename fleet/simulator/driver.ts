import { wallFollowingAction } from '../../datasets/wall-following-rule.ts';
import type { Camera } from '../../datasets/camera.ts';
import { horizonOf } from '../../policies/chunks.ts';
import { policyPorts } from '../../policies/policy-io.ts';
import { imageHistoryOf } from '../../policies/image-windows.ts';
import { historyOf } from '../../policies/windows.ts';
import {
  imageTensors,
  noImages,
  seenBy,
  seenCamerasOf,
  type Images,
  type SeenCamera,
} from '../../policies/seen-images.ts';
import { float32Tensor, int32Tensor, type GraphRuntime } from '../../policies/runtime.ts';

/** Chooses actions for many robots in one call. */
export interface Driver {
  /** Cameras whose images it wants, at the learned size; none unless told. */
  readonly cameras?: readonly SeenCamera[];
  /** `readings` holds the robots' readings one after the other, row-major, `tasks` their tasks' indexes; `images` what each sees, `taught` what an expert would do; gives an action index a robot. */
  choose(readings: Float32Array, tasks: Int32Array, images?: Images, taught?: Int32Array): Promise<ArrayLike<number>>;
  close(): Promise<void>;
}

/** Drives a body by a model.onnx with discrete actions: the likeliest action of each robot; ties take the lower index. */
export async function modelDriver(
  runtime: GraphRuntime,
  model: Uint8Array,
  body: { readonly cameras?: readonly Camera[] } = {},
): Promise<Driver> {
  const session = await runtime.open(model);
  if (historyOf(session) > 1 || imageHistoryOf(session) > 1)
    throw new Error(
      'expected a policy that reads the present alone, got one with history: drive it by a fleet of agents',
    );
  if (horizonOf(session) > 1)
    throw new Error(
      `expected a policy that answers the present action alone, got one that answers ${horizonOf(session)} at once: drive it by a fleet of agents`,
    );
  const hasTask = session.inputs.some(({ name }) => name === policyPorts.task);
  const cameras = seenBy(session, seenCamerasOf(body));
  return {
    cameras,
    async choose(readings, tasks, images = noImages) {
      const robots = tasks.length;
      const results = await session.run({
        [policyPorts.observation]: float32Tensor(readings, [robots, readings.length / robots]),
        ...imageTensors(session, cameras, images, robots),
        ...(hasTask ? { [policyPorts.task]: int32Tensor(tasks, [robots]) } : {}),
      });
      const probabilities = results[policyPorts.discrete]?.data;
      if (!(probabilities instanceof Float32Array))
        throw new Error(
          `expected a policy with an output ${policyPorts.discrete}, got ${Object.keys(results).join(', ')}`,
        );
      return likeliest(probabilities, robots);
    },
    close: () => session.close(),
  };
}

function likeliest(probabilities: Float32Array, robots: number): Int32Array {
  const actions = probabilities.length / robots;
  return Int32Array.from({ length: robots }, (_, robot) => {
    let best = robot * actions;
    for (let index = best + 1; index < (robot + 1) * actions; index += 1)
      if ((probabilities[index] ?? 0) > (probabilities[best] ?? 0)) best = index;
    return best - robot * actions;
  });
}

/** Drives by the wall-following rule on what the robots read. */
export const expertDriver: Driver = {
  async choose(readings, tasks) {
    const width = readings.length / tasks.length;
    return tasks.map((_, robot) => wallFollowingAction(readings.subarray(robot * width, (robot + 1) * width)));
  },
  close: async () => undefined,
};

/** Drives as the expert would who sees what healthy sensors see, whatever the robots' own. */
export const teacherDriver: Driver = {
  async choose(_readings, tasks, _images, taught) {
    if (taught?.length === tasks.length) return taught;
    throw new Error(`expected what an expert does for ${tasks.length} robots, got ${taught?.length ?? 'nothing'}`);
  },
  close: async () => undefined,
};
