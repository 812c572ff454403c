import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { randomStream } from '../../../policies/random.ts';
import { noCameraQuirks, type Quirks } from '../quirks.ts';
import { rateHz } from '../rooms/body.ts';
import { drawAppearance, floorKinds, obstacleKinds, wallKinds } from '../rooms/camera/appearance.ts';
import type { Camera } from '../rooms/camera/camera.ts';
import { openRoomCamera, type RoomCamera } from '../rooms/camera/room-camera.ts';
import { drawRoom, type RoomFamily } from '../rooms/families.ts';
import { openLidar, type Lidar, type LidarScanner } from '../rooms/lidar.ts';
import { roomRobot, type RoomRobot } from '../rooms/room-robot.ts';
import { loadPhysics, type Room } from '../rooms/room.ts';
import { quirksOf, type Scenario } from '../scenario.ts';
import { openDatasetFiles, type ExportedFrame } from './dataset-files.ts';

export interface ExportRoomsInput {
  /** New or empty. */
  readonly folder: string;
  /** Of rooms, starts and noise. */
  readonly seed: number;
  readonly episodes: number;
  /** Its families in turn, its length of an episode, its quirks: each episode is a robot of its own. */
  readonly scenario: Scenario;
  readonly camera: Camera;
  readonly lidar: Lidar;
  /** After every episode. */
  readonly progress?: (soFar: ExportRoomsResult) => void;
}

export interface ExportRoomsResult {
  readonly episodes: number;
  readonly frames: number;
  /** Episodes that ended early, at a failure of the expert. */
  readonly failedEpisodes: number;
}

/**
 * Drives episodes in rooms by the expert and writes what LIDAR and camera see, with true labels: docs/simulator-export.md. The same
 * input gives the same bytes. Memory grows by the footer of the
 * labels alone, some kilobytes for 4,096 frames. Throws for a folder with files in it and for a
 * scenario with another world or with faults.
 */
export async function exportRooms(input: ExportRoomsInput): Promise<ExportRoomsResult> {
  const { folder, episodes, scenario, camera, lidar } = input;
  const families = familiesOf(scenario);
  const openRoom = await loadPhysics();
  const files = await openDatasetFiles(folder, { ...camera, ...lidar });
  let result: ExportRoomsResult = { episodes: 0, frames: 0, failedEpisodes: 0 };
  try {
    for (let episode = 0; episode < episodes; episode += 1) {
      const life = openLife(input, openRoom, families[episode % families.length] ?? 'hall', episode);
      let frames = 0;
      for (const frame of framesOf(life, scenario.framesPerEpisode)) {
        await files.add(frame);
        frames += 1;
      }
      const failures = frames < scenario.framesPerEpisode ? 1 : 0;
      life.room.close();
      result = {
        episodes: episode + 1,
        frames: result.frames + frames,
        failedEpisodes: result.failedEpisodes + failures,
      };
      input.progress?.(result);
    }
  } catch (error) {
    // What stopped it is what counts, and not what closing says after that.
    await files.abandon().catch(() => undefined);
    throw error;
  }
  await files.finish(descriptionOf(input, families, result));
  return result;
}

function familiesOf({ world, faults }: Scenario): readonly RoomFamily[] {
  if (world.kind !== 'rooms') throw new TypeError(`expected a scenario whose world is rooms, got ${world.kind}`);
  if (faults.length > 0)
    throw new TypeError(
      `expected a scenario without faults, got ${faults.length}: faults happen to agents, here are none`,
    );
  return world.families;
}

/** One episode with its room and robot. */
interface Life {
  readonly episode: number;
  readonly family: RoomFamily;
  readonly wall: string;
  readonly room: Room;
  readonly robot: RoomRobot;
  readonly camera: RoomCamera;
  readonly scanner: LidarScanner;
  readonly quirks: Quirks;
}

function openLife(
  { seed, scenario, camera, lidar }: ExportRoomsInput,
  openRoom: Awaited<ReturnType<typeof loadPhysics>>,
  family: RoomFamily,
  episode: number,
): Life {
  const roomSeed = seed * 1_000_003 + episode;
  const plan = drawRoom(family, roomSeed);
  const obstacles = scenario.world.kind === 'rooms' ? scenario.world.obstacles : undefined;
  const appearance = drawAppearance(plan, family, roomSeed, obstacles);
  const room = openRoom(plan);
  const quirks = quirksOf(scenario, episode);
  const random = (purpose: string) => randomStream(seed, `export, episode ${episode}: ${purpose}`);
  return {
    episode,
    family,
    wall: appearance.walls.kind,
    room,
    robot: roomRobot({ room, family, quirks: () => quirks, random: random('robot') }),
    camera: openRoomCamera({ plan, appearance, camera, random: random('camera') }),
    scanner: openLidar(room, lidar, random('LIDAR')),
    quirks,
  };
}

/** Drives the episode by the expert to its end or its first failure. Image and ranges of a frame are overwritten by the next. */
function* framesOf(
  { robot, camera, scanner, quirks, ...life }: Life,
  framesPerEpisode: number,
): Generator<ExportedFrame> {
  robot.begin();
  const { lightFraction, exposureStops, blurFraction, dirtFraction } = quirks.camera ?? noCameraQuirks;
  for (let frame = 0; frame < framesPerEpisode && robot.failure() === undefined; frame += 1) {
    const { x, y, heading } = robot.pose();
    const labels = camera.capture(robot.pose(), quirks.camera);
    scanner.scan(robot.pose(), quirks);
    const action = robot.expertAction();
    yield {
      episode: life.episode,
      frame,
      timestamp_us: Math.round((frame * 1e6) / rateHz),
      family: life.family,
      wall: life.wall,
      floor: labels.floor,
      obstacle: labels.obstacle,
      obstacle_distance_m: labels.obstacleDistanceM ?? null,
      obstacle_columns: labels.obstacleColumns,
      ahead_m: labels.aheadM,
      action: actionNames[action] ?? '',
      x_m: x,
      y_m: y,
      heading_rad: heading,
      light_fraction: lightFraction,
      exposure_stops: exposureStops,
      blur_fraction: blurFraction,
      dirt_fraction: dirtFraction,
      ranges: scanner.ranges,
      pixels: camera.image,
    };
    robot.act(action);
  }
}

const actionNames = scitosG5Type.actions.kind === 'discrete' ? scitosG5Type.actions.names : [];

/** What `dataset.json` says. */
const descriptionOf = (
  { seed, scenario: { framesPerEpisode, quirks }, camera, lidar }: ExportRoomsInput,
  families: readonly RoomFamily[],
  result: ExportRoomsResult,
) => ({
  format: 'flywheel-rooms',
  formatVersion: 1,
  seed,
  ...result,
  rateHz,
  framesPerEpisode,
  families,
  camera,
  lidar,
  quirks,
  kinds: { obstacle: ['none', ...obstacleKinds], floor: floorKinds, wall: wallKinds, action: actionNames },
});
