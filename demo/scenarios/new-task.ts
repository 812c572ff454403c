import { setTimeout as sleep } from 'node:timers/promises';

import { scitosG5RoomsType } from '../../datasets/built-in-robot-types.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { readTelemetry } from '../../fleet/desk/index.ts';
import { readRefusedTasks } from '../../fleet/desk/refused-tasks.ts';
import { closedLoopSuccessOfModel } from '../../fleet/simulator/closed-loop.ts';
import { roomFamilies, type RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { changeTasks } from '../../store/records/task-log.ts';
import { readVersionTasks } from '../../store/records/version-tasks.ts';
import { openRuntime } from '../../workers/compose.ts';
import { knownFamilies } from '../experience.ts';
import { waitUntil } from '../processes.ts';
import type { World } from '../world.ts';
import { expectEndState, expectSame } from './end-state.ts';
import { poorPolicy, poorPolicyWhy } from './flywheel.ts';
import { equalTrial, learn, percent } from './learn.ts';

const newTask: RoomFamily = roomFamilies.find((family) => !knownFamilies.includes(family)) ?? 'slanted';

/** Robots that were only ever asked for seven kinds of room. */
export const sevenRoomsType: RobotType = {
  ...scitosG5RoomsType,
  id: 'scitos-g5-seven-rooms',
  description: 'As scitos-g5-rooms, before the eighth kind of room.',
  tasks: [...knownFamilies],
};

const episodesPerRobot = 60;
/** Held-out episodes of each family in rooms that no robot lives in. */
const judgedEpisodes = 20;
/** Share of a family's episodes by which chance alone may move so few. */
const marginFraction = 0.25;
const leastNewSuccess = 0.7;
/** Looks of a gateway and a robot's long poll. */
const hearingMs = 8_000;

/**
 * A fleet that learned seven kinds of room gets an eighth: the task is added by a word to the catalogue, robots refuse to act on it and
 * are shown how, a cycle learns it from the champion on, its candidate is rolled out, and no other kind of room is forgotten.
 */
export async function newTaskArrives(world: World): Promise<void> {
  const { fleet, say } = world;
  const first = await world.baseline(poorPolicy(), poorPolicyWhy);
  await fleet.drive(episodesPerRobot, { families: knownFamilies });
  fleet.live({ families: knownFamilies });
  await world.everyRobotFollows();
  const before = await learn(world, 'seven kinds of room', { bootstrap: true });
  await fleet.rest();
  await fleet.drive(episodesPerRobot, { families: knownFamilies });
  fleet.live({ families: knownFamilies });
  const drivenBefore = await successByFamily(world, before, knownFamilies);

  const { catalogue } = await changeTasks(world.context, {
    policy: world.policy,
    robotType: sevenRoomsType,
    changes: [{ kind: 'add', id: newTask, instruction: `follow the wall in rooms of the kind ${newTask}` }],
    who: 'temporal-dev.sh',
    why: 'an eighth kind of room',
  });
  say(`task ${newTask} is added with index ${catalogue.tasks.length - 1}; robots hear of it and go there`);
  await sleep(hearingMs);
  await fleet.rest();
  const sinceMs = Date.now();
  await fleet.drive(episodesPerRobot, { families: roomFamilies });
  fleet.live({ families: roomFamilies });
  await world.everyRobotFollows();
  await expectTaught(world, sinceMs);

  const after = await learn(world, 'eight kinds of room', { trial: equalTrial });
  expectSame('tasks that it knows', [...knownFamilies, newTask], await tasksOf(world, after));
  const drivenAfter = await successByFamily(world, after, roomFamilies);
  for (const family of roomFamilies) {
    const [old, now] = [drivenBefore[family], drivenAfter[family] ?? Number.NaN];
    say(`  ${family}: ${old === undefined ? 'unknown' : percent(old)} → ${percent(now)}`);
    if (old === undefined ? !(now >= leastNewSuccess) : !(now >= old - marginFraction))
      throw new Error(`expected ${family} to be learned and none to be forgotten, got ${percent(now)} of the episodes`);
  }
  await expectActing(world, after, Date.now());
  await expectEndState(world, { champion: after, champions: [first, before, after] });
}

const tasksOf = ({ context, policy, robotType }: World, version: string): Promise<readonly string[]> =>
  readVersionTasks(context.store, robotType, policy, version);

/** How well a version drives in rooms that no robot lives in, by family; each under its own task. */
async function successByFamily(world: World, version: string, families: readonly RoomFamily[]) {
  const { context, policy, seed } = world;
  const model = await context.store.get(modelFile(policy, version, 'model.onnx'));
  if (model === undefined) throw new Error(`expected the model of ${version}, got none`);
  const { successFractionByFamily } = await closedLoopSuccessOfModel(await openRuntime(), model, {
    families,
    seeds: [seed],
    episodes: judgedEpisodes * families.length,
    tasks: await tasksOf(world, version),
  });
  return successFractionByFamily;
}

/** Robots refused to act on the new task, told so, and brought episodes of it under no version. */
async function expectTaught({ context, policy, say }: World, startMs: number): Promise<void> {
  const versions = new Set<string | null>();
  let episodes = 0;
  for await (const { entry } of readTelemetry(context.store, policy, startMs, Date.now() + 1)) {
    if (entry.kind !== 'episode' || entry.task !== newTask) continue;
    versions.add(entry.policyVersion);
    episodes += 1;
  }
  const span = { policy, startMs, endMs: Date.now() + 1 };
  const refused = await readRefusedTasks(context.store, span, () => undefined);
  say(`${episodes} episodes of ${newTask} were shown; refused: ${JSON.stringify(refused)}`);
  expectSame('versions that acted on the new task', [null], [...versions]);
  expectSame('refused tasks', [newTask], [...new Set(refused.map(({ task }) => task))]);
}

/** The new champion acts on the new task by itself. */
async function expectActing({ context, policy, say }: World, version: string, startMs: number): Promise<void> {
  const counts = { episodes: 0, successes: 0 };
  await waitUntil(
    async () => {
      [counts.episodes, counts.successes] = [0, 0];
      for await (const { entry } of readTelemetry(context.store, policy, startMs, Date.now() + 1))
        if (entry.kind === 'episode' && entry.task === newTask && entry.policyVersion === version) {
          counts.episodes += 1;
          counts.successes += entry.outcome === 'success' ? 1 : 0;
        }
      return counts.episodes >= 2 * judgedEpisodes;
    },
    () => `episodes of ${newTask} that ${version} drove; got ${counts.episodes}`,
    120_000,
    1_000,
  );
  say(
    `${version} drives ${newTask} on the fleet: ${percent(counts.successes / counts.episodes)} of ${counts.episodes}`,
  );
}
