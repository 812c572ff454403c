import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { camerasOf } from '../../datasets/camera.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { randomStream } from '../../policies/random.ts';
import type { GraphRuntime } from '../../policies/runtime.ts';
import { batchingRuntime, type ImageScaler } from './batching-runtime.ts';
import { Rounds } from './rounds.ts';
import { openFleetRobot, type FleetRobot, type RobotPorts } from './fleet-robot.ts';
import { emptyTally, type FleetTally } from './fleet-tally.ts';
import { readRecording } from './recording/read-recording.ts';
import { recordingRobot } from './recording/recording-robot.ts';
import { openEyes } from './rooms/eyes.ts';
import { drawRoom } from './rooms/families.ts';
import { loadPhysics, type Room } from './rooms/room.ts';
import { roomRobot } from './rooms/room-robot.ts';
import { tour } from './rooms/tour.ts';
import { quirksOf, type Scenario } from './scenario.ts';
import type { Surroundings } from './surroundings.ts';

/** A robot of the fleet; its body is the fleet's unless told. Bodies of one fleet have one rate. */
export interface SimulatedRobot {
  readonly robotId: string;
  readonly token: string;
  readonly robotType?: RobotType | undefined;
}

export interface SimulateFleetInput {
  readonly robots: readonly SimulatedRobot[];
  /** One folder below it for each robot. */
  readonly directory: string;
  /** Asked for at the beginning of every episode; its world is that of the first answer. */
  readonly scenario: () => Scenario;
  readonly seed: number;
  /** Episodes each robot lives; Infinity goes on until `signal`. */
  readonly episodesPerRobot: number;
  /** A robot begins an episode every so many milliseconds, or at once where that is over; 0 unless told. */
  readonly episodeEveryMs?: number;
  /** Robots drive at the robot type's rate, or as fast as the machine lets them. */
  readonly isRealTime: boolean;
  /** Runs the policies; robots that have the same one are run together. */
  readonly runtime: GraphRuntime;
  /** For cameras whose policies see another size than they record. */
  readonly scaleImage?: ImageScaler | undefined;
  readonly agent: Omit<RobotPorts, 'runtime' | 'modelSizeBytes'>;
  /** How long to wait at the end for the gateway to take everything; what is left stays in the robots' folders. */
  readonly drainMs: number;
  readonly signal?: AbortSignal;
  /** Ends the wait for uploads too. */
  readonly hurry?: AbortSignal;
  readonly progress?: (tally: FleetTally) => void;
}

export interface SimulateFleetResult extends FleetTally {
  /** What was lost to disk quotas, as the agents reported it. */
  readonly droppedEpisodes: number;
  readonly lostFrames: number;
  /** Still on the robots when time was up. */
  readonly waitingSegments: number;
  readonly waitingTelemetry: number;
  readonly waitingClips: number;
  /** Lost since the robots' disks were new, whatever the reason. */
  readonly droppedImages: number;
  /** Driving alone, without opening and draining. */
  readonly drivingMs: number;
  /** Driving and draining: until the gateway had everything, or time was up. */
  readonly totalMs: number;
}

/** Many robots share one call of a model and one machine: what takes long here says nothing about a model. */
const patience = { decideTimeoutMs: 600_000, loadTimeoutMs: 600_000 };
const openAtOnce = 10;
const reportEveryMs = 1_000;
const idleMs = 2;

/**
 * Lets a fleet of real agents live in a simulated world, all in this process, each frame of all robots in step. What a
 * robot meets is a pure function of seed and policy; when it is uploaded is the network's matter.
 */
export async function simulateFleet(input: SimulateFleetInput): Promise<SimulateFleetResult> {
  requireOneRate(input);
  const world = await openWorld(input.scenario, input.seed);
  const fleet: FleetRobot[] = [];
  try {
    const runtime = batchingRuntime(input.runtime, input.scaleImage);
    const limits = { ...patience, ...input.agent.limits };
    const ports: RobotPorts = {
      ...input.agent,
      limits,
      runtime,
      modelSizeBytes: (sha256) => runtime.sizeBytes(sha256),
    };
    const rounds = (input.episodeEveryMs ?? 0) > 0 ? new Rounds() : undefined;
    for (let first = 0; first < input.robots.length; first += openAtOnce)
      fleet.push(...(await Promise.all(openFrom(input, world, ports, rounds, first))));
    const startedMs = input.agent.monotonic();
    await drive(input, fleet);
    await Promise.all(fleet.map((robot) => robot.settled()));
    const drivingMs = input.agent.monotonic() - startedMs;
    await drain(input, fleet);
    const totalMs = input.agent.monotonic() - startedMs;
    return { ...totalOf(fleet), ...leftovers(fleet), drivingMs, totalMs };
  } finally {
    await Promise.all(fleet.map((robot) => robot.close()));
    world.close();
  }
}

/** All are driven in step. */
function requireOneRate({ robots, agent: { robotType } }: SimulateFleetInput): void {
  const other = robots.find((robot) => (robot.robotType?.rateHz ?? robotType.rateHz) !== robotType.rateHz)?.robotType;
  if (other === undefined) return;
  const [wanted, got] = [robotTypeName(robotType), robotTypeName(other)];
  throw new Error(`expected bodies of ${robotType.rateHz} Hz as ${wanted}, got ${got} of ${other.rateHz} Hz`);
}

function openFrom(
  input: SimulateFleetInput,
  world: World,
  ports: RobotPorts,
  rounds: Rounds | undefined,
  first: number,
): readonly Promise<FleetRobot>[] {
  const { scenario, seed, directory, isRealTime } = input;
  return input.robots.slice(first, first + openAtOnce).map(({ robotId, token, robotType = ports.robotType }, index) =>
    openFleetRobot({
      robotId,
      token,
      position: first + index,
      directory,
      scenario,
      isRealTime,
      episodeEveryMs: input.episodeEveryMs ?? 0,
      rounds,
      ports: { ...ports, robotType },
      episodes: input.episodesPerRobot,
      surroundings: world.robot(first + index, robotType),
      random: randomStream(seed, `robot ${first + index} itself`),
    }),
  );
}

/** Frame after frame, until every robot is done or the signal says so. */
async function drive(input: SimulateFleetInput, fleet: readonly FleetRobot[]): Promise<void> {
  const { monotonic } = input.agent;
  const periodMs = 1000 / input.agent.robotType.rateHz;
  let reportedMs = monotonic();
  let dueMs = monotonic();
  while (input.signal?.aborted !== true && !fleet.every((robot) => robot.isDone())) {
    const ready = fleet.filter((robot) => robot.isReady());
    await Promise.all(ready.map((robot) => robot.step()));
    if (monotonic() - reportedMs >= reportEveryMs) {
      input.progress?.(totalOf(fleet));
      reportedMs = monotonic();
    }
    dueMs = Math.max(dueMs + periodMs, monotonic() - periodMs);
    if (input.isRealTime) await sleep(Math.max(0, dueMs - monotonic()));
    else if (ready.length === 0) await sleep(idleMs);
    else await nextTurn();
  }
}

/** Has the agents upload what they hold, within the time given: outcomes first, then the segments. */
async function drain({ agent, drainMs, ...input }: SimulateFleetInput, fleet: readonly FleetRobot[]): Promise<void> {
  const untilMs = agent.monotonic() + drainMs;
  const isPatient = (): boolean => input.hurry?.aborted !== true && agent.monotonic() < untilMs;
  const wait = async (isWaiting: () => boolean): Promise<void> => {
    while (isWaiting() && isPatient()) await sleep(10 * idleMs);
  };
  await wait(() => leftovers(fleet).waitingTelemetry > 0);
  // One after the other: making segments is heavy, and uploads and heartbeats want their turn in between.
  for (const robot of fleet) {
    await robot.agent().settle();
    await nextTurn();
  }
  await wait(() => leftovers(fleet).waitingSegments + leftovers(fleet).waitingTelemetry > 0);
  await wait(() => leftovers(fleet).waitingClips > 0);
}

function totalOf(fleet: readonly FleetRobot[]): FleetTally {
  const total = emptyTally();
  for (const { tally } of fleet) {
    for (const [name, value] of Object.entries(tally)) if (typeof value === 'number') total[name as CountName] += value;
    for (const [reason, count] of Object.entries(tally.failuresByReason))
      total.failuresByReason[reason as ReasonName] = (total.failuresByReason[reason as ReasonName] ?? 0) + count;
  }
  return total;
}

type CountName = Exclude<keyof FleetTally, 'failuresByReason'>;
type ReasonName = keyof FleetTally['failuresByReason'];

function leftovers(fleet: readonly FleetRobot[]) {
  const statuses = fleet.filter((robot) => !robot.isParked()).map((robot) => robot.agent().status());
  const sum = (of: (status: (typeof statuses)[number]) => number): number =>
    statuses.reduce((total, status) => total + of(status), 0);
  return {
    droppedEpisodes: sum((status) => status.droppedEpisodes),
    lostFrames: sum((status) => status.lostFrames),
    waitingSegments: sum((status) => status.waitingSegments),
    waitingTelemetry: sum((status) => status.waitingTelemetry),
    waitingClips: sum((status) => status.waitingClips),
    droppedImages: sum(({ imagesDropped }) => Object.values(imagesDropped).reduce((all, images) => all + images, 0)),
  };
}

interface World {
  /** With the readings and cameras that the body names. */
  robot(position: number, body: Pick<RobotType, 'observations' | 'cameras'>): Surroundings;
  close(): void;
}

/** The scenario's world: rooms of its own for each robot, one of each family, or places in one recording. */
async function openWorld(scenarioNow: () => Scenario, seed: number): Promise<World> {
  const randomOf = (position: number) => randomStream(seed, `robot ${position}`);
  const { world } = scenarioNow();
  const quirks = (position: number) => () => quirksOf(scenarioNow(), position);
  if (world.kind === 'recording') {
    const recording = await readRecording(world.path);
    return {
      robot(position, { cameras }) {
        if (cameras !== undefined)
          throw new Error('expected robots without cameras in the world recording, got cameras');
        return recordingRobot({ recording, quirks: quirks(position), random: randomOf(position) });
      },
      close: () => undefined,
    };
  }
  const openRoom = await loadPhysics();
  const rooms: Room[] = [];
  return {
    robot(position, { observations, ...body }) {
      const readings = observations.map(({ name }) => name);
      const random = randomOf(position);
      const places = world.families.map((family) => () => {
        const roomSeed = seed * 1_000_003 + position;
        const room = openRoom(drawRoom(family, roomSeed));
        rooms.push(room);
        const eyes = openEyes({
          plan: room.plan,
          family,
          seed: roomSeed,
          obstacles: world.obstacles,
          cameras: camerasOf(body),
          random: (camera) => randomStream(seed, `robot ${position}: camera ${camera} in ${family}`),
        });
        const { startsAnew } = world;
        return roomRobot({ room, family, readings, eyes, quirks: quirks(position), random, startsAnew });
      });
      return tour(places, position);
    },
    close() {
      for (const room of rooms) room.close();
    },
  };
}
