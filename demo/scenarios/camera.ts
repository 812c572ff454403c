import { readOpenIncidents } from '../../activities/monitor/monitor-state.ts';
import { messageNames } from '../../domain/contract/message-names.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import type { RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { seenCamerasOf, type SeenCamera } from '../../policies/seen-images.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { waitFor } from '../wait-for.ts';
import type { World } from '../world.ts';
import { catchBadPolicy } from './bad-policy.ts';
import { expectEndState, trialEndsOf } from './end-state.ts';
import { compressedCycle } from './flywheel.ts';
import { learn } from './learn.ts';
import { overlookingPolicy } from './overlooking-policy.ts';

/**
 * A fleet day takes three minutes, with twenty episodes of each robot instead of forty. An episode with its clip costs the machine 180 ms of
 * processor time from the camera to the lake, so that thirty robots at the usual pace want more than two cores.
 */
export const cameraPace = { dayMs: 180_000, episodeSeconds: 9 } as const;
/** Obstacles stand about in two of these. */
export const cameraFamilies: readonly RoomFamily[] = ['hall', 'corner', 'pillars', 'ring'];

const episodesPerRobot = 12;
/** Two cores train a small convolutional network within the minute. */
const hyperparameters = { maxSteps: 1000, evaluateEverySteps: 250 };
/** Dirt covers this share of the image on every second robot. */
const dirtFraction = 0.5;
/** Of the fleet clock: the monitor looks for drift this often here. */
const driftEveryHours = 4;
const times = { dayMs: cameraPace.dayMs };
/** One obstacle in five is a barrier where the fleet learned, and half of its rooms have none at all. */
const amongBarriers = { families: ['pillars', 'ring'], obstacles: ['barrier'] } as const;

/**
 * Robots that have nothing but a camera. A first policy sees nothing; a cycle learns from the clips that its robots brought, and its
 * candidate passes A/B test and stages. Then the lenses of half of the fleet get dirty, and the monitor says so. At last the fleet works among
 * barriers, and somebody submits a policy that overlooks them: held-out episodes show too few of them to tell, robots do.
 */
export async function cameraLearns(world: World): Promise<void> {
  const { fleet, robotType, seed, context, policy, say } = world;
  const [camera] = seenCamerasOf(robotType);
  if (camera === undefined) throw new Error(`expected a robot type with a camera, got ${robotType.id}`);
  const first = await world.baseline(tinyPolicy(robotType, seed), 'untrained, sees nothing: something to start from');
  await fleet.drive(episodesPerRobot);
  fleet.live();
  await world.everyRobotFollows();
  const { trial } = compressedCycle(seed);
  const learned = await learn(world, `what camera ${camera.name} shows`, {
    training: { seed, cameras: [camera.name], hyperparameters },
    trial: { ...trial, times },
  });
  await expectPromoted(world, learned);

  await expectDriftNamed(world, camera);

  const model = await context.store.get(modelFile(policy, learned, 'model.onnx'));
  if (model === undefined) throw new Error(`expected the model of champion ${learned}, got none`);
  say('the fleet moves to where everything that stands in the way is a barrier');
  await fleet.rest();
  fleet.live(amongBarriers);
  await world.everyRobotFollows();
  const overlooking = overlookingPolicy(model, camera);
  await catchBadPolicy(world, `drives as ${learned} does, but overlooks barriers`, overlooking, { times });
  await expectEndState(world, { champion: learned, champions: [first, learned] });
}

/** Its own trial ended so, and not a bootstrap. */
async function expectPromoted(world: World, version: string): Promise<void> {
  const ends = await trialEndsOf(world);
  if (!ends.some(({ candidateVersion, outcome }) => candidateVersion === version && outcome === 'promoted'))
    throw new Error(`expected a trial that promoted ${version}, got ${JSON.stringify(ends)}`);
}

/** The monitor compares what robots bring with what the lake holds, which is first filled with what they saw before. */
async function expectDriftNamed({ fleet, client, context, policy, say, ...world }: World, camera: SeenCamera) {
  await world.collect();
  const monitor = client.workflow.getHandle(workflowIds.fleetMonitor(policy));
  await monitor.executeUpdate(messageNames.setLimits, { args: [{ driftEveryHours }] });
  const dirty = fleet.robotIds.flatMap((_, position) => (position % 2 === 0 ? [position] : []));
  fleet.trouble({ quirks: [{ robots: dirty, camera: { dirtFraction } }] });
  say(`the lenses of ${dirty.length} robots get dirty`);
  let reason = '';
  await waitFor({
    what: `an incident about drift that names camera ${camera.name}`,
    say,
    patienceMs: 600_000,
    lookEveryMs: 1_000,
    async look() {
      const { incidents } = await readOpenIncidents(context.store, policy);
      const drifts = incidents.filter(({ cause }) => cause === 'drift');
      reason = drifts.find((incident) => incident.reason.includes(`camera ${camera.name}`))?.reason ?? '';
      return { isDone: reason !== '', state: drifts.map((incident) => incident.reason).join('; ') || 'no drift' };
    },
  });
  say(`  the monitor: drift: ${reason}`);
  fleet.trouble({});
}
