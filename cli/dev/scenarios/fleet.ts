import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { livedInFamilies } from '../fleet.ts';
import { startGatewayProcess, startSimulator } from '../fleet-processes.ts';
import type { Started } from '../processes.ts';
import { registerSimulatedRobots } from '../robots.ts';
import type { Installation } from './installation.ts';

/** Short episodes, so that a fleet day of a minute has enough of them. */
const framesPerEpisode = 40;
/** A robot drives an episode as fast as the machine can, then stands still for so long. */
const restSeconds = 1;
const drainSeconds = 60;
const stopMs = 90_000;

/** What is wrong with some robots: `quirks` and `faults` of a simulator's scenario file. */
export interface RobotTroubles {
  readonly quirks?: readonly Readonly<Record<string, unknown>>[];
  readonly faults?: readonly Readonly<Record<string, unknown>>[];
}

/** A gateway and simulated robots with real agents, in processes of their own, at the pace of the compressed profile. */
export interface ScenarioFleet {
  readonly robotIds: readonly string[];
  /** Every robot drives so many episodes at full speed, and uploads all of them. */
  drive(episodes: number, troubles?: RobotTroubles): Promise<void>;
  /** Robots live on from now, until they rest. */
  live(troubles?: RobotTroubles): void;
  /** Stops the robots; what they recorded is uploaded before. */
  rest(): Promise<void>;
  /** Robots stand still and say nothing until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Kills the gateway; `startGateway` has it back on the same port. */
  killGateway(): Promise<void>;
  startGateway(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the gateway and registers robots; they do not live yet. */
export async function openScenarioFleet(
  installation: Installation,
  options: { readonly robots: number; readonly seed: number },
): Promise<ScenarioFleet> {
  const { context, policy, stateDirectory } = installation;
  const inState = (name: string): string => path.join(stateDirectory, name);
  const robotIds = await registerSimulatedRobots(context, {
    policy,
    robotType: installation.robotType,
    count: options.robots,
    sites: livedInFamilies,
    tokensFile: inState('robot-tokens.json'),
    robotsFile: inState('robots.json'),
  });
  writeFileSync(inState('fleet.pem'), context.signer().publicKeyPem);
  const settings = {
    FLYWHEEL_GATEWAY_HEARTBEAT_MS: '1000',
    FLYWHEEL_GATEWAY_PRESENCE_MS: '1000',
    FLYWHEEL_GATEWAY_COMMIT_MS: '300',
  };
  let gateway = await startGatewayProcess(installation, settings);
  const { url } = gateway;
  let living: Started | undefined;
  let lives = 0;

  function simulate(troubles: RobotTroubles, ...pace: readonly string[]): Started {
    lives += 1;
    const scenario = inState('scenario.json');
    const world = { kind: 'rooms', families: livedInFamilies };
    writeFileSync(scenario, JSON.stringify({ world, framesPerEpisode, ...troubles }));
    const settings = Object.entries({
      gateway: url,
      robots: inState('robots.json'),
      'public-key': inState('fleet.pem'),
      scenario,
      dir: inState('robots'),
      seed: String(options.seed + lives),
      'drain-seconds': String(drainSeconds),
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
    async drive(episodes, troubles = {}) {
      const robots = simulate(troubles, '--episodes', String(episodes));
      living = robots;
      const sentence = await robots.ended;
      living = undefined;
      if (robots.child.exitCode !== 0) throw new Error(sentence);
    },
    live(troubles = {}) {
      living = simulate(troubles, '--rest-seconds', String(restSeconds));
    },
    rest,
    freeze: () => void living?.child.kill('SIGSTOP'),
    thaw: () => void living?.child.kill('SIGCONT'),
    async killGateway() {
      gateway.process.child.kill('SIGKILL');
      await gateway.process.ended;
    },
    async startGateway() {
      gateway = await startGatewayProcess(installation, {
        ...settings,
        FLYWHEEL_GATEWAY_PORT: new URL(url).port,
      });
    },
    async stop() {
      await rest();
      await gateway.process.stop(25_000);
    },
  };
}
