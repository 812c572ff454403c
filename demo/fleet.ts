import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import type { ObstacleKind } from '../fleet/simulator/rooms/camera/appearance.ts';
import { roomFamilies, type RoomFamily } from '../fleet/simulator/rooms/families.ts';
import { startGatewayProcess, startSimulator, type FleetProcessOptions, type GatewayPlace } from './fleet-processes.ts';
import type { Installation } from './installation.ts';
import type { Started } from './processes.ts';
import { giveBody, registerSimulatedRobots } from './robots.ts';
import { keepRunning, type Kept, type Mortal } from './supervision/keep-running.ts';

/** Short episodes, so that a fleet day of a minute has enough of them; long enough that a bad policy fails in most. */
const framesPerEpisode = 60;
/** A robot begins an episode this often: forty in a fleet day, however fast the machine is. */
const usualEpisodeSeconds = 1.5;
/** Robots that end bring in what they recorded first, however long that takes on a machine that has no time. */
const drainSeconds = 600;
/** Somebody waits for what they recorded, longer than they take. */
const restMs = 1_000 * (drainSeconds + 30);
/** No longer than a tick of the compressed profile, as it is in the real one; recordings are uploaded within hours of the fleet clock. */
const contactSeconds = 1;
/** Nobody does: what is left behind is uploaded when they live again. */
const stopMs = 90_000;
/** A drive that was cut short is driven anew; robots that cannot live at all end it. */
const driveAttempts = 5;
/** What the compressed profile counts on: a robot that says nothing for ten seconds is silent. */
const gatewaySettings = {
  FLYWHEEL_GATEWAY_HEARTBEAT_MS: '1000',
  FLYWHEEL_GATEWAY_PRESENCE_MS: '1000',
  FLYWHEEL_GATEWAY_COMMIT_MS: '300',
  // A fleet day is a minute: a day of ours has 1,440 of them.
  FLYWHEEL_GATEWAY_DAY_ENTRIES: '10000000',
  FLYWHEEL_GATEWAY_DAY_SEGMENTS: '1000000',
  FLYWHEEL_GATEWAY_DAY_INSTALL_REPORTS: '100000',
  FLYWHEEL_GATEWAY_ENTRIES_PER_SECOND: '1000',
  FLYWHEEL_GATEWAY_ENTRIES_AT_ONCE: '1000000',
};

/** A gateway that starts again listens where it did before. */
const portOf = (url: string | undefined): string => (url === undefined ? '0' : new URL(url).port);

/** Where robots live, and what is wrong with some of them: parts of a simulator's scenario file. */
export interface Circumstances {
  /** They go from one to the next with every episode. Default: the fleet's. */
  readonly families?: readonly RoomFamily[];
  /** Kinds of what stands in rooms. Default: all. */
  readonly obstacles?: readonly ObstacleKind[];
  /** Whether every episode begins in another place. Default: where the last one ended, unless it failed. */
  readonly startsAnew?: boolean;
  readonly quirks?: readonly Readonly<Record<string, unknown>>[];
  readonly faults?: readonly Readonly<Record<string, unknown>>[];
  /** Share of episodes in which an expert drives; arms only. */
  readonly taughtFraction?: number;
  /** How often a robot begins an episode, instead of what the fleet was opened with; arms only. */
  readonly episodeSeconds?: number;
}

/** What does not change while they live. */
type Place = Pick<Circumstances, 'families' | 'obstacles' | 'startsAnew'>;

/**
 * A gateway and simulated robots with real agents, in processes of their own, at the pace of the compressed profile. Both are
 * started again when they end though nobody asked for it.
 */
export interface DevFleet {
  readonly robotIds: readonly string[];
  readonly gatewayUrl: string;
  /** The gateway's metrics and documentation. */
  readonly operationsUrl: string;
  /** Every robot drives so many episodes at full speed, and uploads all of them. Robots that lived are to rest before. */
  drive(episodes: number, circumstances?: Circumstances): Promise<void>;
  /** Robots live on from now, until they rest. */
  live(circumstances?: Circumstances): void;
  isLiving(): boolean;
  /** What is wrong with living robots changes with their next episodes; where they live does not. */
  trouble(troubles: Omit<Circumstances, keyof Place>): void;
  /** Robots that were registered meanwhile live beside the others, until they rest; `robotsFile` holds their tokens. */
  join(robotIds: readonly string[], robotsFile: string): void;
  /** Robots that rest have this body from their next life on; the fleet's records are not its matter. */
  rebody(robotIds: readonly string[], robotType: RobotType): void;
  /** A robot is no part of the fleet any more. */
  leave(robotId: string): void;
  /** What a robot recorded and did not upload, telemetry and segments. */
  leftOn(robotId: string): number;
  /** Stops the robots; what they recorded is uploaded before. */
  rest(): Promise<void>;
  /** Segments that robots hold and did not upload. */
  leftBehind(): number;
  /** Kills the gateway; `startGateway` has it back on the same port. */
  killGateway(): Promise<void>;
  startGateway(): Promise<void>;
  stop(): Promise<void>;
}

/** What simulates the robots, and what its scenario file says. */
export interface FleetWorld {
  /** Takes the options of `flywheel simulate fleet`. */
  start(options: FleetProcessOptions, args: readonly string[]): Started & Mortal;
  scenario(circumstances: Circumstances): Readonly<Record<string, unknown>>;
}

const rooms: FleetWorld = {
  start: startSimulator,
  scenario: ({ families, obstacles, startsAnew, ...troubles }) => ({
    world: { kind: 'rooms', families, obstacles, startsAnew },
    framesPerEpisode,
    ...troubles,
  }),
};

export interface FleetOptions {
  readonly robots: number;
  readonly seed: number;
  /** Where robots live unless told otherwise. Default: everywhere. */
  readonly families?: readonly RoomFamily[];
  /** How often a robot that lives begins an episode. */
  readonly episodeSeconds?: number;
  /** Default: rooms. */
  readonly world?: FleetWorld;
}

/** Starts the gateway and registers robots; they do not live yet. Long because one life is told here. */
export async function openDevFleet(installation: Installation, options: FleetOptions): Promise<DevFleet> {
  const { context, policy, robotType, stateDirectory, say } = installation;
  const { episodeSeconds = usualEpisodeSeconds, world = rooms } = options;
  const inState = (name: string): string => path.join(stateDirectory, name);
  const files = {
    robots: inState('robots.json'),
    root: inState('root.json'),
    scenario: inState('scenario.json'),
    robotType: inState('robot-type.json'),
  };
  const registered = await registerSimulatedRobots(context, {
    policy,
    robotType,
    count: options.robots,
    site: 'rooms',
    tokensFile: inState('robot-tokens.json'),
    robotsFile: files.robots,
  });
  writeFileSync(files.root, JSON.stringify(newestRoot(context)));
  writeFileSync(files.robotType, JSON.stringify(robotType));
  let place: GatewayPlace | undefined;
  const gateway = await keepRunning({
    name: 'gateway',
    say,
    start: () => {
      const started = startGatewayProcess(installation, {
        ...gatewaySettings,
        FLYWHEEL_GATEWAY_PORT: portOf(place?.url),
        FLYWHEEL_GATEWAY_OPERATIONS_PORT: portOf(place?.operationsUrl),
      });
      void started.ready.then((at) => (place = at)).catch(() => undefined);
      return started;
    },
  });
  const robotIds = [...registered];
  let living: Promise<Kept<Started & Mortal>> | undefined;
  const joined: Promise<Kept<Started & Mortal>>[] = [];
  let driving: Started | undefined;
  let lives = 0;
  const { url = '', operationsUrl = '' } = place ?? {};

  let where: Place = { families: options.families ?? roomFamilies };
  const writeScenario = (troubles: Omit<Circumstances, keyof Place>): void =>
    writeFileSync(files.scenario, JSON.stringify(world.scenario({ ...where, ...troubles })));

  function arrange(circumstances: Circumstances): void {
    const { families = options.families ?? roomFamilies, obstacles, startsAnew, ...troubles } = circumstances;
    where = {
      families,
      ...(obstacles === undefined ? {} : { obstacles }),
      ...(startsAnew === undefined ? {} : { startsAnew }),
    };
    writeScenario(troubles);
  }

  const simulate = (...pace: readonly string[]) => simulateFrom(files.robots, files.scenario, pace);

  function simulateFrom(robots: string, scenario: string, pace: readonly string[]): Started & Mortal {
    lives += 1;
    const settings = Object.entries({
      gateway: url,
      robots,
      root: files.root,
      'robot-type': files.robotType,
      scenario,
      dir: inState('robots'),
      seed: String(options.seed + lives),
      'drain-seconds': String(drainSeconds),
      'contact-seconds': String(contactSeconds),
    }).flatMap(([name, value]) => [`--${name}`, value]);
    return world.start(installation, [...settings, '--no-real-time', ...pace]);
  }

  async function endRobots(patienceMs: number): Promise<void> {
    const [driven, robots] = [driving, living];
    [driving, living] = [undefined, undefined];
    await driven?.stop(patienceMs);
    await Promise.all([robots, ...joined.splice(0)].map(async (each) => (await each)?.stop(patienceMs)));
  }

  return {
    robotIds,
    gatewayUrl: url,
    operationsUrl,
    async drive(episodes, circumstances = {}) {
      arrange(circumstances);
      for (let attempt = 1; ; attempt += 1) {
        const robots = simulate('--episodes', String(episodes));
        driving = robots;
        const sentence = await robots.ended;
        const isWanted = driving === robots;
        driving = undefined;
        if (robots.child.exitCode === 0) return;
        if (!isWanted || attempt === driveAttempts) throw new Error(sentence);
        say(`${sentence}; the robots continue driving.`);
      }
    },
    live(circumstances = {}) {
      arrange(circumstances);
      living = keepRunning({
        name: 'simulated robots',
        say,
        start: () => simulate('--episode-seconds', String(episodeSeconds)),
      });
    },
    isLiving: () => living !== undefined,
    trouble(troubles) {
      writeScenario(troubles);
      void living?.then((robots) => robots.now()?.child.kill('SIGHUP'));
    },
    join(ids, robotsFile) {
      const scenario = inState(`scenario-${joined.length}.json`);
      writeFileSync(scenario, JSON.stringify(world.scenario(where)));
      robotIds.push(...ids);
      const start = () => simulateFrom(robotsFile, scenario, ['--episode-seconds', String(episodeSeconds)]);
      joined.push(keepRunning({ name: 'robots that joined', say, start }));
    },
    rebody(ids, body) {
      const file = inState(`${robotTypeName(body)}.json`);
      writeFileSync(file, JSON.stringify(body));
      giveBody(files.robots, ids, file);
    },
    leave: (robotId) => void robotIds.splice(robotIds.indexOf(robotId), 1),
    leftOn: (robotId) => filesLeft(inState('robots'), [robotId], ['segments', 'telemetry']),
    rest: () => endRobots(restMs),
    leftBehind: () => filesLeft(inState('robots'), robotIds),
    killGateway: () =>
      gateway.rest(async ({ child, ended }) => {
        child.kill('SIGKILL');
        await ended;
      }),
    startGateway: () => gateway.resume(),
    async stop() {
      await endRobots(stopMs);
      await gateway.stop(25_000);
    },
  };
}

function filesLeft(directory: string, robotIds: readonly string[], kinds = ['segments']): number {
  const folders = robotIds.flatMap((robotId) => kinds.map((kind) => path.join(directory, robotId, kind)));
  return folders.filter((folder) => existsSync(folder)).flatMap((folder) => readdirSync(folder)).length;
}

/** What robots are given to trust. */
function newestRoot(context: Installation['context']): unknown {
  const root = context.keys().roots().at(-1);
  if (root === undefined) throw new Error('expected keys with a root, got the one key of an older version');
  return root.envelope;
}
