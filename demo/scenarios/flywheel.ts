import { readAliases, readAliasHistory } from '../../store/records/aliases.ts';
import { defaultRolloutLimits } from '../../domain/experiment/index.ts';
import { fleetProfiles } from '../../domain/trial/index.ts';
import { roomFamilies } from '../../fleet/simulator/rooms/families.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { ensureWeeklySchedule } from '../../cli/schedule.ts';
import { fleetExperience, knownFamilies, type Change } from '../experience.ts';
import { runCycles } from '../run-cycles.ts';
import { withScheduleAtRest } from '../schedule-at-rest.ts';
import { toldSteps } from '../told-steps.ts';
import type { World } from '../world.ts';
import { catchBadPolicy } from './bad-policy.ts';
import { forgetfulPolicy } from './forgetful-policy.ts';
import { blindPolicy } from './policies.ts';
import { expectEndState, expectSame, trialEndsOf } from './end-state.ts';

/** Real length of a fleet week. */
export const compressedWeekMs = 7 * fleetProfiles.compressed.dayMs;

/**
 * A stage of the scenario may end as soon as its proof is there: nobody watches a holdback for two minutes. How good the proof must be
 * is as everywhere.
 */
const shortStages = defaultRolloutLimits.stages.map((stage) => ({ ...stage, minimumHours: 3, minimumTotalHours: 0 }));

/** An A/B test is looked at twice as often as elsewhere, from the same hour on: its bounds know how often, and a clear result shows sooner. */
const moreLooks = { lookHours: 3, firstLook: 4 };

/** What a cycle of a simulated fleet is asked with. */
export const compressedCycle = (seed: number) => ({
  training: { seed },
  trial: {
    profile: 'compressed',
    times: { leastStageTicks: 4 },
    rolloutLimits: { stages: shortStages },
    abTestLimits: moreLooks,
  },
});

/** Learns rooms as well as the usual network of large sets (agreement 0.97 on 52,000 rows), with a quarter of the processor time. */
const roomsNetwork = {
  hiddenWidths: [128, 128],
  batchSize: 256,
  learningRate: 0.01,
  weightDecay: 0.1,
  maxSteps: 4_000,
  evaluateEverySteps: 400,
};

/**
 * The same where robots fail by the dozen before they learn, and somebody waits: a test that is planned for two fleet days and not for seven may decide in the first
 * one. It errs as rarely; what it gives up is seeing a small gain.
 */
export const flywheelCycle = (seed: number) => {
  const { trial } = compressedCycle(seed);
  const stages = shortStages.map((stage) => ({ ...stage, minimumHours: 2 }));
  return {
    training: { seed, hyperparameters: roomsNetwork },
    trial: {
      ...trial,
      times: { leastStageTicks: 2 },
      rolloutLimits: { stages },
      abTestLimits: { ...moreLooks, maximumDays: 2 },
    },
  };
};

/** The first champion: written by hand, and poor. */
export const poorPolicy = (): Uint8Array => blindPolicy();
export const poorPolicyWhy = 'written by hand, sees nothing nearer than 60 cm: something to start from';

/** What the second week brings: nothing that the first champion of its own learning ever saw. */
const wornSensors: Change = {
  sentence: 'the five front sensors of every robot wear out: they read 2 m too far',
  quirks: [{ sensors: [11, 12, 13, 14, 15], biasM: 2 }],
};

/**
 * A poor first champion; a cycle whose candidate is tried on part of the fleet and rolled out stage by stage; sensors that wear
 * out, so that its champion fails, and a cycle that learns to do without them; at last a policy that is bad on purpose, caught.
 */
export async function flywheel(world: World): Promise<void> {
  const { client, context, policy, taskQueue, seed } = world;
  const first = await world.baseline(poorPolicy(), poorPolicyWhy);
  await ensureWeeklySchedule(client, { policy, taskQueue, weekMs: compressedWeekMs, input: flywheelCycle(seed) });
  const missed = await withScheduleAtRest(world, () => playFlywheel(world));
  if (missed.length > 0) throw new Error(`expected the scenario as told, but: ${missed.join('; ')}`);
  const history = await readAliasHistory(context)({ policy });
  const champions = history.flatMap(({ set: { champion } }) => (champion === undefined ? [] : [champion]));
  const ends = await trialEndsOf(world);
  const promoted = ends.filter(({ outcome }) => outcome === 'promoted').map((end) => end.candidateVersion);
  expectSame('champions', [first, ...promoted], champions);
  await expectEndState(world, { champion: champions.at(-1) ?? '', champions });
}

/** What `./temporal-dev.sh` shows of a simulated fleet. Resolves with what did not go as told, in sentences; the rest went on. */
export async function playFlywheel(world: World): Promise<readonly string[]> {
  const { step, missed } = toldSteps(world.say);
  const missedInCycles: string[] = [];
  for (const [done, change] of [undefined, wornSensors].entries())
    await step(`what cycle ${done + 1} was for`, async () => {
      const before = await championOf(world);
      // What it missed is said already.
      const ofCycle = await runCycles(world, fleetExperience(world, change), 1, done);
      missedInCycles.push(...ofCycle);
      const after = await championOf(world);
      if (after === before && ofCycle.length === 0)
        throw new Error(`expected a better champion than ${before}, got none`);
    });
  await step('the policy that is bad on purpose', () => showBadPolicy(world));
  if (!world.fleet.isLiving()) world.fleet.live({ quirks: wornSensors.quirks });
  return [...missedInCycles, ...missed];
}

const championOf = async ({ context, policy }: World): Promise<string> =>
  (await readAliases(context)({ policy })).champion ?? '';

/** The fleet is sent into rooms of a kind that no episode tells of; a policy that cannot drive there is submitted, and caught. */
async function showBadPolicy(world: World): Promise<void> {
  const { robotType, fleet, context, policy } = world;
  const unknown = roomFamilies.find((family) => !knownFamilies.includes(family)) ?? 'hall';
  world.say(`Robots go into rooms of a kind that is new, ${unknown}; a policy that is bad on purpose is submitted:`);
  const champion = await championOf(world);
  const model = await context.store.get(modelFile(policy, champion, 'model.onnx'));
  if (model === undefined) throw new Error(`expected the model of champion ${champion}, got none`);
  await fleet.rest();
  fleet.live({ quirks: wornSensors.quirks });
  await world.everyRobotFollows();
  await catchBadPolicy(
    world,
    `drives as ${champion} does, but turns into the wall in rooms of the kind ${unknown}`,
    forgetfulPolicy(model, robotType.tasks.indexOf(unknown)),
  );
}
