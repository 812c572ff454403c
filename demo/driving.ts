import { openRuntime } from '../workers/compose.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { closedLoopSuccessOfModel } from '../fleet/simulator/closed-loop.ts';
import type { Quirks } from '../fleet/simulator/quirks.ts';
import { roomFamilies } from '../fleet/simulator/rooms/families.ts';
import { modelFile } from '../policies/model-manifest.ts';

const episodes = 80;

/** How well versions drive in rooms that no robot lives in, in the same 80 episodes of 20 s each: one sentence. */
export async function describeDriving(
  store: ObjectStore,
  {
    policy,
    robotType: { tasks },
    versions,
    seed,
    quirks,
  }: {
    readonly policy: string;
    readonly robotType: Pick<RobotType, 'tasks'>;
    readonly versions: readonly string[];
    readonly seed: number;
    /** Of the robots that drive: what living ones have. */
    readonly quirks: Quirks;
  },
): Promise<string> {
  const runtime = await openRuntime();
  const parts: string[] = [];
  for (const version of new Set(versions)) {
    const model = await store.get(modelFile(policy, version, 'model.onnx'));
    if (model === undefined) continue;
    const input = { families: roomFamilies, seeds: [seed], episodes, tasks, quirks };
    const { successes } = await closedLoopSuccessOfModel(runtime, model, input);
    parts.push(`${version} ${((100 * successes) / episodes).toFixed(1)} %`);
  }
  return `closed-loop success in ${episodes} episodes in rooms without robots: ${parts.join(', ')}`;
}
