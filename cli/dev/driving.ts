import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { closedLoopSuccessOfModel } from '../../fleet/simulator/closed-loop.ts';
import { roomFamilies } from '../../fleet/simulator/rooms/families.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { livedInFamilies } from './fleet.ts';

const families = roomFamilies.filter((family) => !livedInFamilies.includes(family));
const episodes = 40;

/** How well versions drive where none of them learned, in the same 40 episodes of 20 s each: one sentence. */
export async function describeDriving(
  store: ObjectStore,
  policy: string,
  versions: readonly string[],
  seed: number,
): Promise<string> {
  const parts: string[] = [];
  for (const version of new Set(versions)) {
    const model = await store.get(modelFile(policy, version, 'model.onnx'));
    if (model === undefined) continue;
    const { successes } = await closedLoopSuccessOfModel(onnxRuntime(), model, { families, seeds: [seed], episodes });
    parts.push(`${version} ${((100 * successes) / episodes).toFixed(1)} %`);
  }
  return `closed-loop success in ${episodes} episodes in rooms no robot lives in: ${parts.join(', ')}`;
}
