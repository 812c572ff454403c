import { seenCamerasOf } from '../../policies/seen-images.ts';
import { openArms } from '../arms.ts';
import type { FleetWorld } from '../fleet.ts';
import { pytorchTrainer } from '../pytorch.ts';
import type { World } from '../world.ts';
import { armsLearn } from './arms-learn.ts';
import { whileCollecting } from './collecting-meanwhile.ts';
import { expectEndState, expectSame } from './end-state.ts';
import { gainTrial } from './gain-trial.ts';

/**
 * A fleet day takes two minutes, with ten episodes of each arm: an agent makes a process for each clip, so that an episode costs the machine
 * about a second of processor time.
 */
export const seeingArmPace = { dayMs: 120_000, episodeSeconds: 12 } as const;
/** While PyTorch wants a core for itself. */
const learningSeconds = 60;
/** Reaching alone, which takes a second or two: pushing takes more than one cycle even of an arm that reads where the puck is. */
export const openSeeingArms = (): Promise<FleetWorld> => openArms({ tasks: ['reach'], framesPerEpisode: 50 });
const hyperparameters = { network: 'cnn', maxSteps: 1500, evaluateEverySteps: 250 };
/** Of success. An arm that sees nothing meets the target by chance. */
const wantedGain = 0.5;
/** Who looks decides more slowly. Twenty times as slowly is in time: an answer is needed every 200 ms. */
const latencyMargin = 3;

/**
 * Arms that see puck and target by a camera at the wrist, and read nothing of them. The clips of their episodes train a network in PyTorch, and
 * its candidate passes A/B test and stages. The arms decide by what they see.
 */
export async function seeingArmLearns(world: World): Promise<void> {
  const cameras = seenCamerasOf(world.robotType).map(({ name }) => name);
  const { command } = await pytorchTrainer();
  const { before, after } = await whileCollecting(world, () =>
    armsLearn(world, {
      what: `to reach by what camera ${cameras.join()} shows`,
      episodes: 240,
      training: { cameras, hyperparameters, trainer: { kind: 'command', command } },
      trial: gainTrial(seeingArmPace.dayMs, wantedGain, latencyMargin),
      learningSeconds,
      leastGain: wantedGain,
    }),
  );
  expectSame(`episodes that ${before.version} decided by images`, 0, before.seeing);
  expectSame(`episodes that ${after.version} decided by images`, after.episodes, after.seeing);
  await expectEndState(world, { champion: after.version, champions: [before.version, after.version] });
}
