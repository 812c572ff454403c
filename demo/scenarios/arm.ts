import type { World } from '../world.ts';
import { armsLearn } from './arms-learn.ts';
import { expectEndState } from './end-state.ts';
import { compressedCycle } from './flywheel.ts';

/** A fleet day takes two minutes, with twenty-four episodes of each arm: physics, agents and workers share the machine. */
export const armPace = { dayMs: 120_000, episodeSeconds: 5 } as const;
const hyperparameters = { maxSteps: 5000, evaluateEverySteps: 250 };
/** The cycle searches: of four trials half are stopped twice. */
const search = { trials: 4, reduction: 2, budgetTrainings: 1 };

/** Arms that read where puck and target are. The fleet is too small for an A/B test. */
export async function armLearns(world: World): Promise<void> {
  const { trial } = compressedCycle(world.seed);
  const { before, after } = await armsLearn(world, {
    what: 'to reach and to push',
    episodes: 720,
    training: { hyperparameters, search },
    trial: { ...trial, abTest: false, times: { dayMs: armPace.dayMs } },
    leastGain: 0.3,
  });
  await expectEndState(world, { champion: after.version, champions: [before.version, after.version] });
}
