import { setTimeout as sleep } from 'node:timers/promises';

import type { RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { seenCamerasOf } from '../../policies/seen-images.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import type { World } from '../world.ts';
import { catchBadPolicy } from './bad-policy.ts';
import { whileCollecting } from './collecting-meanwhile.ts';
import { expectDriftNamed, expectDrivesBetterWithDirt } from './dirty-lenses.ts';
import { expectEndState, expectPromoted } from './end-state.ts';
import { gainTrial } from './gain-trial.ts';
import { learn } from './learn.ts';
import { overlookingPolicy } from './overlooking-policy.ts';

/**
 * A fleet day takes two minutes, with twenty episodes of each robot instead of forty. An episode with its clip costs the machine 180 ms of
 * processor time from the camera to the lake, so that thirty robots at the usual pace want more than two cores.
 */
export const cameraPace = { dayMs: 120_000, episodeSeconds: 6 } as const;
/** Obstacles stand about in two of these. */
export const cameraFamilies: readonly RoomFamily[] = ['hall', 'corner', 'pillars', 'ring'];

const episodesPerRobot = 8;
/** Two cores train a small convolutional network within half a minute. Its steps of 16 rows read no more frames than these. */
const hyperparameters = { maxSteps: 1000, evaluateEverySteps: 250 };
const targetFrames = 16_000;
/** Of what is new a third enters by default; with twice the frames, all that dirty lenses showed until then, and as much from before. */
const moreOfIt = { targetFrames: 2 * targetFrames, hyperparameters: { ...hyperparameters, maxSteps: 1500 } };
const dirtyMs = cameraPace.dayMs / 4;
const times = { dayMs: cameraPace.dayMs };
/** One obstacle in five is a barrier where the fleet learned, and half of its rooms have none at all. */
const amongBarriers = { families: ['pillars'], obstacles: ['barrier'], startsAnew: true } as const;
/**
 * Episodes begin anywhere. A robot that goes on from where it is finds a way round its room, after some minutes, on which even a poor policy
 * seldom fails, and whatever is new begins without one.
 */
const anywhere = { startsAnew: true } as const;
/** Of the overlooking policy: by default the guard is most sensitive to a loss of five points. */
const largeLossTrial = { times, rolloutLimits: { guard: { tau: 0.15 } } };

/** What each cycle may gain: the first champion sees nothing; with dirt the second fails in every third episode. */
const wantedGain = 0.15;
const trial = gainTrial(cameraPace.dayMs, wantedGain);

/**
 * Robots that have nothing but a camera. A first policy sees nothing; a cycle learns from the clips that its robots brought, and its
 * candidate passes A/B test and stages. Then every lens gets dirty, the monitor says so, and the next cycle learns to drive with
 * it. At last the fleet works among barriers, and somebody submits a policy that overlooks them: held-out episodes show too few of
 * them to tell, robots do.
 */
export async function cameraLearns(world: World): Promise<void> {
  const { fleet, robotType, seed, policy, context, say } = world;
  const [camera] = seenCamerasOf(robotType);
  if (camera === undefined) throw new Error(`expected a robot type with a camera, got ${robotType.id}`);
  const first = await world.baseline(tinyPolicy(robotType, seed), 'untrained, sees nothing: something to start from');
  await fleet.drive(episodesPerRobot, anywhere);
  fleet.live(anywhere);
  await world.everyRobotFollows();
  const training = { seed, cameras: [camera.name], targetFrames, hyperparameters };
  const seeing = await learnAndPromote(world, `what camera ${camera.name} shows`, { training, trial });

  await expectDriftNamed(world, camera);
  say('robots drive on with dirty lenses for a while, which is what the next cycle learns from');
  await sleep(dirtyMs);
  const withDirt = { training: { ...training, ...moreOfIt, warmStart: true }, trial };
  const cleared = await learnAndPromote(world, 'to drive with dirty lenses', withDirt);
  await expectDrivesBetterWithDirt(world, cameraFamilies, { before: seeing, after: cleared });

  const model = await context.store.get(modelFile(policy, cleared, 'model.onnx'));
  if (model === undefined) throw new Error(`expected the model of champion ${cleared}, got none`);
  say('the lenses are cleaned, and the fleet moves to where everything that stands in the way is a barrier');
  await fleet.rest();
  fleet.live(amongBarriers);
  await world.everyRobotFollows();
  const overlooking = overlookingPolicy(model, camera);
  const name = `drives as ${cleared} does, but overlooks barriers`;
  await whileCollecting(world, () => catchBadPolicy(world, name, overlooking, largeLossTrial));
  await expectEndState(world, { champion: cleared, champions: [first, seeing, cleared] });
}

/** A cycle and the trial of its candidate. Resolves with the champion that came of it. */
async function learnAndPromote(world: World, what: string, request: Readonly<Record<string, unknown>>) {
  const version = await whileCollecting(world, () => learn(world, what, request));
  await expectPromoted(world, version);
  return version;
}
