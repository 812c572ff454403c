import { wallFollowingAction } from '../../../datasets/wall-following-rule.ts';
import type { RandomStream } from '../../../policies/random.ts';
import type { Quirks } from '../quirks.ts';
import type { SimulatedFailure, Surroundings } from '../surroundings.ts';
import { hasCollided, hullRadiusM, move, type Pose } from './body.ts';
import type { Eyes } from './eyes.ts';
import type { RoomFamily } from './families.ts';
import { between, isFree, lengthOf, wallsToFollow, type RoomPlan } from './room-plan.ts';
import type { Room } from './room.ts';
import { openSenses, ringNames } from './sensors.ts';
import { watchWallKeeping } from './wall-keeping.ts';

export interface RoomRobotInput {
  readonly room: Room;
  readonly family?: RoomFamily;
  /** Names of its body's readings, in order: see `openSenses`. Default: the ring of `scitos-g5`. */
  readonly readings?: readonly string[];
  /** Asked for at the beginning of every episode. */
  readonly quirks: () => Quirks;
  /** Its cameras; without them it sees nothing. */
  readonly eyes?: Eyes | undefined;
  /** Where it starts, what its sensors and wheels do. */
  readonly random: RandomStream;
  /** Whether every episode begins in another place; else it goes on from where it is, unless the last one failed. */
  readonly startsAnew?: boolean | undefined;
}

export interface RoomRobot extends Surroundings {
  pose(): Pose;
}

/** A robot in a room; it starts beside a wall, which is on its left. The expert sees what healthy sensors see. */
export function roomRobot(input: RoomRobotInput): RoomRobot {
  const { room, family, readings = ringNames, eyes, quirks, random, startsAnew = false } = input;
  const senses = openSenses(room, readings, random);
  let own = quirks();
  let pose = startingPose(room, random);
  let keeping = watchWallKeeping();
  let failure: SimulatedFailure | undefined;
  let episode = 0;
  const lookAround = (isCollided: boolean): void => {
    senses.look(pose, own);
    failure = keeping.watch(pose, senses.ranges, isCollided);
  };
  lookAround(false);
  return {
    readings: senses.readings,
    place: () => family,
    pose: () => pose,
    expertAction: () => wallFollowingAction(senses.sensed),
    failure: () => failure,
    see: (camera) => eyes?.see(camera, pose, own, episode),
    begin() {
      episode += 1;
      if (failure !== undefined || startsAnew) pose = startingPose(room, random);
      keeping = watchWallKeeping();
      failure = undefined;
      own = quirks();
      lookAround(false);
    },
    act(action) {
      const next = move(pose, action, own, random);
      const isCollided = hasCollided(room, next);
      if (!isCollided) pose = next;
      lookAround(isCollided);
    },
  };
}

const startAttempts = 1000;
const leastStartClearanceM = 0.35;

/** Beside a wall at the distance the rule keeps, looking along it within 20 degrees. Longer walls are likelier. */
function startingPose(room: Room, random: RandomStream): Pose {
  for (let attempt = 0; attempt < startAttempts; attempt += 1) {
    const pose = beside(room.plan, random);
    if (isFree(room.plan, pose) && room.clearance(pose) >= hullRadiusM + leastStartClearanceM) return pose;
  }
  throw new Error(
    `expected a free place beside a wall within ${startAttempts} attempts, got none: the room is too narrow`,
  );
}

function beside(plan: RoomPlan, random: RandomStream): Pose {
  const walls = wallsToFollow(plan);
  let along = random() * walls.reduce((sum, wall) => sum + lengthOf(wall), 0);
  const wall = walls.find((candidate) => (along -= lengthOf(candidate)) < 0) ?? walls[0];
  if (wall === undefined) throw new Error('expected a room with walls, got none');
  const [length, position, offset] = [lengthOf(wall), random(), hullRadiusM + between(random, 0.5, 0.9)];
  const [unitX, unitY] = [(wall.to.x - wall.from.x) / length, (wall.to.y - wall.from.y) / length];
  return {
    x: wall.from.x + position * length * unitX + offset * unitY,
    y: wall.from.y + position * length * unitY - offset * unitX,
    heading: Math.atan2(unitY, unitX) + between(random, -0.35, 0.35),
  };
}
