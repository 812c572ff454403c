import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { roomFamilies, type RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { startGatewayProcess, startSimulator } from './fleet-processes.ts';
import type { Installation } from './installation.ts';
import type { Started } from './processes.ts';
import { registerSimulatedRobots } from './robots.ts';

/** Short episodes, so that a fleet day of a minute has enough of them; long enough that a bad policy fails in most. */
const framesPerEpisode = 60;
/** A robot begins an episode this often: forty in a fleet day, however fast the machine is. */
const episodeSeconds = 1.5;
const drainSeconds = 60;
/** No longer than a tick of the compressed profile, as it is in the real one; recordings are uploaded within hours of the fleet clock. */
const contactSeconds = 1;
const stopMs = 90_000;
/** What the compressed profile counts on: a robot that says nothing for ten seconds is silent. */
const gatewaySettings = {
  FLYWHEEL_GATEWAY_HEARTBEAT_MS: '1000',
  FLYWHEEL_GATEWAY_PRESENCE_MS: '1000',
  FLYWHEEL_GATEWAY_COMMIT_MS: '300',
};

/** Where robots live, and what is wrong with some of them: parts of a simulator's scenario file. */
export interface Circumstances {
  /** They go from one to the next with every episode. Default: the fleet's. */
  readonly families?: readonly RoomFamily[];
  readonly quirks?: readonly Readonly<Record<string, unknown>>[];
  readonly faults?: readonly Readonly<Record<string, unknown>>[];
}

/** A gateway and simulated robots with real agents, in processes of their own, at the pace of the compressed profile. */
export interface DevFleet {
  readonly robotIds: readonly string[];
  readonly gatewayUrl: string;
  /** Settles with a sentence when the gateway or the robots end though nobody stopped them. */
  readonly ended: Promise<string>;
  /** Every robot drives so many episodes at full speed, and uploads all of them. Robots that lived are to rest before. */
  drive(episodes: number, circumstances?: Circumstances): Promise<void>;
  /** Robots live on from now, until they rest. */
  live(circumstances?: Circumstances): void;
  /** What is wrong with living robots changes with their next episodes; where they live does not. */
  trouble(troubles: Omit<Circumstances, 'families'>): void;
  /** Stops the robots; what they recorded is uploaded before. */
  rest(): Promise<void>;
  /** Kills the gateway; `startGateway` has it back on the same port. */
  killGateway(): Promise<void>;
  startGateway(): Promise<void>;
  stop(): Promise<void>;
}

export interface FleetOptions {
  readonly robots: number;
  readonly seed: number;
  /** Where robots live unless told otherwise. Default: everywhere. */
  readonly families?: readonly RoomFamily[];
}

/** Starts the gateway and registers robots; they do not live yet. Long because one life is told here. */
export async function openDevFleet(installation: Installation, options: FleetOptions): Promise<DevFleet> {
  const { context, policy, robotType, stateDirectory } = installation;
  const inState = (name: string): string => path.join(stateDirectory, name);
  const files = {
    robots: inState('robots.json'),
    publicKey: inState('fleet.pem'),
    scenario: inState('scenario.json'),
    robotType: inState('robot-type.json'),
  };
  const robotIds = await registerSimulatedRobots(context, {
    policy,
    robotType,
    count: options.robots,
    site: 'rooms',
    tokensFile: inState('robot-tokens.json'),
    robotsFile: files.robots,
  });
  writeFileSync(files.publicKey, context.signer().publicKeyPem);
  writeFileSync(files.robotType, JSON.stringify(robotType));
  const deaths = new EventEmitter<{ death: [string] }>();
  const ended = once(deaths, 'death').then(([sentence]) => sentence as string);
  /** Those whose end nobody asked for. */
  let [gateway, living]: (Started | undefined)[] = [];
  const watch = (started: Started): void =>
    void started.ended.then((sentence) => [gateway, living].includes(started) && deaths.emit('death', sentence));
  const first = await startGatewayProcess(installation, gatewaySettings);
  const { url } = first;
  gateway = first.process;
  watch(gateway);
  let lives = 0;

  let families = options.families ?? roomFamilies;
  const writeScenario = (troubles: Omit<Circumstances, 'families'>): void =>
    writeFileSync(
      files.scenario,
      JSON.stringify({ world: { kind: 'rooms', families }, framesPerEpisode, ...troubles }),
    );

  function simulate(circumstances: Circumstances, ...pace: readonly string[]): Started {
    const { families: wanted = options.families ?? roomFamilies, ...troubles } = circumstances;
    families = wanted;
    writeScenario(troubles);
    lives += 1;
    const settings = Object.entries({
      gateway: url,
      robots: files.robots,
      'public-key': files.publicKey,
      'robot-type': files.robotType,
      scenario: files.scenario,
      dir: inState('robots'),
      seed: String(options.seed + lives),
      'drain-seconds': String(drainSeconds),
      'contact-seconds': String(contactSeconds),
    }).flatMap(([name, value]) => [`--${name}`, value]);
    return startSimulator(installation, [...settings, '--no-real-time', ...pace]);
  }

  async function rest(): Promise<void> {
    const robots = living;
    living = undefined;
    await robots?.stop(stopMs);
  }

  return {
    robotIds,
    gatewayUrl: url,
    ended,
    async drive(episodes, circumstances = {}) {
      const robots = simulate(circumstances, '--episodes', String(episodes));
      living = robots;
      const sentence = await robots.ended;
      living = undefined;
      if (robots.child.exitCode !== 0) throw new Error(sentence);
    },
    live(circumstances = {}) {
      const robots = simulate(circumstances, '--episode-seconds', String(episodeSeconds));
      living = robots;
      watch(robots);
    },
    trouble(troubles) {
      writeScenario(troubles);
      living?.child.kill('SIGHUP');
    },
    rest,
    async killGateway() {
      const killed = gateway;
      gateway = undefined;
      killed?.child.kill('SIGKILL');
      await killed?.ended;
    },
    async startGateway() {
      const onSamePort = { ...gatewaySettings, FLYWHEEL_GATEWAY_PORT: new URL(url).port };
      gateway = (await startGatewayProcess(installation, onSamePort)).process;
      watch(gateway);
    },
    async stop() {
      await rest();
      const last = gateway;
      gateway = undefined;
      await last?.stop(25_000);
    },
  };
}
