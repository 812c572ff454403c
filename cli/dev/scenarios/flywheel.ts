import { readAliasHistory } from '../../../activities/registry/aliases.ts';
import { fleetProfiles } from '../../../domain/trial/index.ts';
import { roomFamilies } from '../../../fleet/simulator/rooms/families.ts';
import { ensureWeeklySchedule } from '../../schedule.ts';
import { fleetExperience, knownFamilies } from '../experience.ts';
import { runCycles } from '../run-cycles.ts';
import { withScheduleAtRest } from '../schedule-at-rest.ts';
import type { World } from '../world.ts';
import { catchBadPolicy } from './bad-policy.ts';
import { forgetfulPolicy } from './forgetful-policy.ts';
import { blindPolicy, goodPolicy } from './policies.ts';
import { expectEndState, expectSame, trialEndsOf } from './end-state.ts';

/** Real length of a fleet week. */
export const compressedWeekMs = 7 * fleetProfiles.compressed.dayMs;

/** What every cycle of a simulated fleet is asked with. */
export const compressedCycle = (seed: number) => ({ training: { seed }, trial: { profile: 'compressed' } });

/** The first champion: written by hand, and poor. */
export const poorPolicy = (): Uint8Array => blindPolicy();
export const poorPolicyWhy = 'written by hand, sees nothing nearer than 60 cm: something to start from';

/**
 * A poor first champion, a cycle whose candidate is tried on part of the fleet and rolled out stage by stage, and at last a
 * policy that is bad on purpose, caught.
 */
export async function flywheel(world: World): Promise<void> {
  const { client, context, policy, taskQueue, seed } = world;
  const first = await world.baseline(poorPolicy(), poorPolicyWhy);
  await ensureWeeklySchedule(client, { policy, taskQueue, weekMs: compressedWeekMs, input: compressedCycle(seed) });
  if (!(await withScheduleAtRest(world, () => tellFleetStory(world))))
    throw new Error('expected a first cycle whose candidate a trial promotes');
  const history = await readAliasHistory(context)({ policy });
  const champions = history.flatMap(({ set: { champion } }) => (champion === undefined ? [] : [champion]));
  const ends = await trialEndsOf(world);
  const promoted = ends.filter(({ outcome }) => outcome === 'promoted').map((end) => end.candidateVersion);
  expectSame('champions', [first, ...promoted], champions);
  await expectEndState(world, { champion: champions.at(-1) ?? '', champions });
}

/** What `./temporal-dev.sh` shows of a simulated fleet. True when the cycle's candidate was promoted. */
export async function tellFleetStory(world: World): Promise<boolean> {
  const isBetter = await runCycles(world, fleetExperience(world, world.seed), 1);
  await showBadPolicy(world);
  return isBetter;
}

/** The fleet is sent into rooms of a kind that no episode tells of; a policy that cannot drive there is submitted, and caught. */
async function showBadPolicy(world: World): Promise<void> {
  const { robotType, fleet } = world;
  const unknown = roomFamilies.find((family) => !knownFamilies.includes(family)) ?? 'hall';
  world.say(`Robots go into rooms of a kind that is new, ${unknown}; a policy that is bad on purpose is submitted:`);
  const bad = forgetfulPolicy(goodPolicy(), robotType.tasks.indexOf(unknown));
  await fleet.rest();
  fleet.live();
  await world.everyRobotFollows();
  await catchBadPolicy(
    world,
    `drives as the expert does, but turns into the wall in rooms of the kind ${unknown}`,
    bad,
  );
}
