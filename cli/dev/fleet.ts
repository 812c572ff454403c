import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { readAliases } from '../../activities/registry/aliases.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { openFleetReader, readTelemetry } from '../../fleet/desk/index.ts';
import { roomFamilies } from '../../fleet/simulator/rooms/families.ts';
import type { CommandContext } from '../context.ts';
import type { DevLock } from './lock.ts';
import { startGatewayProcess, startSimulator } from './fleet-processes.ts';
import { waitUntil, type Started } from './processes.ts';
import { registerSimulatedRobots } from './robots.ts';

/** Robots live in these families of rooms; the others are kept to see how a policy drives where it never was. */
export const livedInFamilies = roomFamilies.slice(0, 4);
const framesPerEpisode = 60;
/** Each robot's share of a cycle's experience: enough held-out episodes even when one robot holds out. */
const episodesPerRobot = 25;
/** Between cycles a robot does about as many episodes a day as a working one: a thousand. */
const restSeconds = 80;
const takeOverLimitMs = 180_000;
const lookEveryMs = 2_000;

export interface FleetOptions {
  readonly context: CommandContext;
  readonly policy: string;
  readonly robotType: RobotType;
  readonly robots: number;
  readonly seed: number;
  readonly stateDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly lock: DevLock;
  readonly say: (line: string) => void;
}

/** A gateway and simulated robots, each in a process of its own. */
export interface DevFleet {
  readonly gatewayUrl: string;
  readonly robots: number;
  /** Settles with a sentence when the gateway or the robots end though nobody stopped them. */
  readonly ended: Promise<string>;
  /** Waits until the robots run the champion and lets them drive with it; resolves with what they brought into landing. */
  drive(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a gateway, registers robots and lets them live at a leisurely pace until experience is wanted. */
export async function startFleet(options: FleetOptions): Promise<DevFleet> {
  const { context, policy, stateDirectory } = options;
  const inState = (name: string): string => path.join(stateDirectory, name);
  const files = { robots: inState('robots.json'), publicKey: inState('fleet.pem'), scenario: inState('scenario.json') };
  const robotIds = await registerSimulatedRobots(context, {
    policy,
    robotType: options.robotType,
    count: options.robots,
    sites: livedInFamilies,
    tokensFile: inState('robot-tokens.json'),
    robotsFile: files.robots,
  });
  const robots = robotIds.length;
  writeFileSync(files.publicKey, context.signer().publicKeyPem);
  const world = { kind: 'rooms', families: livedInFamilies };
  writeFileSync(files.scenario, `${JSON.stringify({ world, framesPerEpisode }, undefined, 2)}\n`);
  const gateway = await startGatewayProcess(options);

  const deaths = new EventEmitter<{ death: [string] }>();
  const ended = once(deaths, 'death').then(([sentence]) => sentence as string);
  void gateway.process.ended.then((sentence) => deaths.emit('death', sentence));
  let living: Started | undefined;
  let isStopping = false;

  const settings = Object.entries({
    gateway: gateway.url,
    robots: files.robots,
    'public-key': files.publicKey,
    scenario: files.scenario,
    dir: inState('robots'),
    seed: String(options.seed),
  }).flatMap(([name, value]) => [`--${name}`, value]);
  const simulate = (...pace: readonly string[]): Started => startSimulator(options, [...settings, ...pace]);

  function live(): void {
    const robotsProcess = simulate('--rest-seconds', String(restSeconds), '--drain-seconds', '5');
    living = robotsProcess;
    void robotsProcess.ended.then((sentence) => living === robotsProcess && deaths.emit('death', sentence));
  }

  async function rest(): Promise<void> {
    const robotsProcess = living;
    living = undefined;
    await robotsProcess?.stop();
  }

  live();
  return {
    gatewayUrl: gateway.url,
    robots,
    ended,
    async drive() {
      const version = await takenOver(options, robotIds);
      await rest();
      const startMs = Date.now();
      const busy = simulate('--episodes', String(episodesPerRobot), '--no-real-time', '--drain-seconds', '120');
      living = busy;
      const isOver = busy.ended.then(() => true);
      let toldEpisodes = 0;
      while (!(await Promise.race([isOver, pause(lookEveryMs)]))) {
        const { episodes } = await outcomesSince(context, policy, startMs);
        if (episodes > toldEpisodes)
          options.say(`  robots drive: ${episodes} of ${robots * episodesPerRobot} episodes`);
        toldEpisodes = episodes;
      }
      living = undefined;
      if (isStopping || busy.child.exitCode !== 0) throw new Error(await busy.ended);
      live();
      const outcomes = await outcomesSince(context, policy, startMs);
      if (outcomes.episodes < (robots * episodesPerRobot) / 2)
        throw new Error(
          `expected about ${robots * episodesPerRobot} episodes with champion ${version}, got ${outcomes.episodes}; see ${inState('logs')}`,
        );
      const success = ((100 * outcomes.successes) / outcomes.episodes).toFixed(1);
      return `${outcomes.episodes} episodes that ${robots} robots drove with ${version}, ${success} % of them successes`;
    },
    async stop() {
      isStopping = true;
      await rest();
      await gateway.process.stop(25_000);
    },
  };
}

const pause = (timeMs: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), timeMs));

/** The champion, once every robot says that it runs what it was ordered: a trial has some of them on its candidate. */
async function takenOver({ context, policy, say }: FleetOptions, robotIds: readonly string[]): Promise<string> {
  const { champion } = await readAliases(context)({ policy });
  if (champion === undefined) throw new Error(`expected a champion of ${policy}, got none`);
  const reader = openFleetReader(context);
  const ours = new Set(robotIds);
  let confirmed = -1;
  await waitUntil(
    async () => {
      const fleet = await reader.readFleet(policy);
      const orders = await reader.readOrders(policy);
      const running = fleet.robots.filter(
        ({ robotId, version, contact }) =>
          ours.has(robotId) && contact === 'online' && version === (orders?.(robotId).version ?? champion),
      ).length;
      if (running !== confirmed) say(`  ${running} of ${ours.size} robots run what they were ordered`);
      confirmed = running;
      return running === ours.size;
    },
    `${ours.size} robots that run what they were ordered`,
    takeOverLimitMs,
    lookEveryMs,
  );
  return champion;
}

/** Outcomes that gateways have stored since, of one version or all. */
async function outcomesSince(context: CommandContext, policy: string, startMs: number) {
  const outcomes = { episodes: 0, successes: 0 };
  for await (const { entry } of readTelemetry(context.store, policy, startMs, Date.now() + 1)) {
    if (entry.kind !== 'episode') continue;
    outcomes.episodes += 1;
    outcomes.successes += entry.outcome === 'success' ? 1 : 0;
  }
  return outcomes;
}
