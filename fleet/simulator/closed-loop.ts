import { camerasOf } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { randomStream } from '../../policies/random.ts';
import type { GraphRuntime } from '../../policies/runtime.ts';
import { modelDriver, type Driver } from './driver.ts';
import { runEpisodes } from './episodes.ts';
import { noQuirks, type Quirks } from './quirks.ts';
import type { KindsOf, ObstacleKind } from './rooms/camera/appearance.ts';
import { openEyes } from './rooms/eyes.ts';
import { drawRoom, type RoomFamily } from './rooms/families.ts';
import { loadPhysics } from './rooms/room.ts';
import { roomRobot } from './rooms/room-robot.ts';
import { ringNames } from './rooms/sensors.ts';
import { failureReasons, type SimulatedFailure } from './surroundings.ts';

export interface ClosedLoopInput {
  readonly families: readonly RoomFamily[];
  /** Each seed draws rooms, starts and noise of its own. */
  readonly seeds: readonly number[];
  /** Episodes a seed, shared evenly among the families; each in a room of its own. */
  readonly episodes: number;
  /** The robot type's tasks; the family of a room is its task where there is one of that name. */
  readonly tasks?: readonly string[];
  /** What the robots sense; the ring of `scitos-g5` unless told. */
  readonly body?: Pick<RobotType, 'observations' | 'cameras'>;
  /** Length of an episode; 20 s unless told. */
  readonly framesPerEpisode?: number;
  /** Kinds of what stands in rooms, as cameras see it; all unless told. */
  readonly obstacles?: KindsOf<ObstacleKind>;
  /** What is wrong with every robot; nothing unless told. */
  readonly quirks?: Quirks;
}

export interface ClosedLoopResult {
  readonly episodes: number;
  readonly successes: number;
  /** NaN without episodes. */
  readonly successFraction: number;
  /** Successes of each seed's `episodes`, in the order of the seeds. */
  readonly successesBySeed: readonly number[];
  readonly successFractionByFamily: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<SimulatedFailure, number>>;
}

const defaultFrames = 180;

/**
 * Drives through rooms and counts the episodes that kept to the wall without a collision. A pure function of its input:
 * the same rooms, starts and noise for every policy that is measured with it.
 */
export async function closedLoopSuccess(driver: Driver, input: ClosedLoopInput): Promise<ClosedLoopResult> {
  const results: SeedResult[] = [];
  for (const seed of input.seeds) results.push(...(await runSeed(driver, input, seed)));
  const count = (which: (result: SeedResult) => boolean): number => results.filter(which).length;
  const successes = count(({ failure }) => failure === undefined);
  const failures = failureReasons.map((reason) => [reason, count(({ failure }) => failure === reason)] as const);
  return {
    episodes: results.length,
    successes,
    successFraction: successes / results.length,
    successesBySeed: input.seeds.map((seed) => count((result) => result.seed === seed && result.failure === undefined)),
    successFractionByFamily: Object.fromEntries(
      input.families.map((family) => [
        family,
        count((result) => result.family === family && result.failure === undefined) /
          count((result) => result.family === family),
      ]),
    ),
    failures: Object.fromEntries(failures) as Record<SimulatedFailure, number>,
  };
}

/** `closedLoopSuccess` of a model.onnx. */
export async function closedLoopSuccessOfModel(
  runtime: GraphRuntime,
  model: Uint8Array,
  input: ClosedLoopInput,
): Promise<ClosedLoopResult> {
  const driver = await modelDriver(runtime, model, input.body);
  try {
    return await closedLoopSuccess(driver, input);
  } finally {
    await driver.close();
  }
}

interface SeedResult {
  readonly seed: number;
  readonly family: RoomFamily | undefined;
  readonly failure: SimulatedFailure | undefined;
}

async function runSeed(driver: Driver, input: ClosedLoopInput, seed: number): Promise<readonly SeedResult[]> {
  const openRoom = await loadPhysics();
  const { quirks = noQuirks, body } = input;
  const families = Array.from(
    { length: input.episodes },
    (_, episode) => input.families[episode % input.families.length] ?? 'hall',
  );
  const roomSeed = (episode: number): number => seed * 100_003 + episode;
  const rooms = families.map((family, episode) => openRoom(drawRoom(family, roomSeed(episode))));
  try {
    const robots = rooms.map((room, episode) =>
      roomRobot({
        room,
        family: families[episode] ?? 'hall',
        readings: body?.observations.map(({ name }) => name) ?? ringNames,
        eyes: openEyes({
          plan: room.plan,
          family: families[episode] ?? 'hall',
          seed: roomSeed(episode),
          obstacles: input.obstacles,
          cameras: camerasOf(body ?? {}),
          random: (camera) => randomStream(seed, `closed loop, episode ${episode}: camera ${camera}`),
        }),
        quirks: () => quirks,
        random: randomStream(seed, `closed loop, episode ${episode}`),
      }),
    );
    const episodes = await runEpisodes(robots, driver, {
      framesPerEpisode: input.framesPerEpisode ?? defaultFrames,
      tasks: input.tasks ?? [],
      cameras: body?.cameras,
    });
    return episodes.map(({ failure, robot }) => ({ seed, failure, family: families[robot] }));
  } finally {
    for (const room of rooms) room.close();
  }
}
