import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { InvalidArgumentError, type Command } from 'commander';
import { z } from 'zod';

import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { robotIdSchema } from '../fleet/protocol/index.ts';
import { parseScenario, type Scenario } from '../fleet/simulator/scenario.ts';
import { simulateFleet, type SimulateFleetResult } from '../fleet/simulator/simulate-fleet.ts';

const robotsSchema = z.array(z.strictObject({ robotId: robotIdSchema, token: z.string().min(1) })).min(1);

interface SimulateOptions {
  readonly gateway: string;
  readonly robots: string;
  readonly publicKey: string;
  readonly dir: string;
  readonly scenario?: string;
  readonly episodes: number;
  readonly seed: number;
  readonly realTime: boolean;
  readonly restSeconds: number;
  readonly drainSeconds: number;
  readonly json: boolean;
}

const count = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`expected a whole number from ${least}`);
  return value;
};

/** `flywheel simulate`: a fleet of simulated robots with real agents, until they have lived their episodes or Ctrl-C. */
export function registerSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('lets simulated robots live with real agents on a gateway; scenarios: docs/simulator.md')
    .requiredOption('--gateway <url>', 'where the gateway listens')
    .requiredOption('--robots <file>', 'JSON list of {robotId, token}, as `flywheel robots add` gave them')
    .requiredOption('--public-key <file>', 'PEM of the key that signs the fleet’s models')
    .requiredOption('--dir <folder>', 'folder for the robots’ disks')
    .option('--scenario <file>', 'JSON file: world, quirks, faults')
    .option('--episodes <count>', 'episodes each robot lives; 0 goes on until Ctrl-C', count(0), 0)
    .option('--seed <number>', 'seed of rooms, starts and noise', count(0), 1)
    .option('--no-real-time', 'drive as fast as the machine lets the robots')
    .option('--rest-seconds <seconds>', 'how long a robot stands idle between episodes', count(0), 0)
    .option('--drain-seconds <seconds>', 'how long to wait at the end for uploads', count(0), 60)
    .option('--json', 'the tally as one JSON object', false)
    .action(simulate);
}

async function simulate(options: SimulateOptions): Promise<void> {
  const [stop, hurry] = [new AbortController(), new AbortController()];
  const onSignal = (): void => stop.abort();
  // A supervisor that dies takes its robots with it, and nobody is left to upload to.
  const onDisconnect = (): void => [stop, hurry].forEach((controller) => controller.abort());
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal).once('disconnect', onDisconnect);
  await mkdir(options.dir, { recursive: true });
  try {
    const result = await simulateFleet({
      robots: robotsSchema.parse(await jsonIn(options.robots)),
      directory: path.resolve(options.dir),
      scenario: await scenarioIn(options.scenario),
      seed: options.seed,
      episodesPerRobot: options.episodes === 0 ? Number.POSITIVE_INFINITY : options.episodes,
      isRealTime: options.realTime,
      runtime: onnxRuntime(),
      restMs: 1_000 * options.restSeconds,
      drainMs: 1_000 * options.drainSeconds,
      signal: stop.signal,
      hurry: hurry.signal,
      agent: {
        gatewayUrl: options.gateway,
        robotType: scitosG5Type,
        publicKeyPem: await readFile(options.publicKey, 'utf8'),
        clock: Date.now,
        monotonic: () => performance.now(),
        fetch: (url, init) => fetch(url, init),
        log: say,
      },
      progress: ({ endedEpisodes, failures }) => say(`${endedEpisodes} episodes, ${failures} of them failures`),
    });
    process.stdout.write(`${options.json ? JSON.stringify(result) : describe(result)}\n`);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('disconnect', onDisconnect);
    if (process.connected) process.disconnect();
  }
}

const say = (line: string): void => void process.stderr.write(`simulate: ${line}\n`);

const jsonIn = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, 'utf8')) as unknown;

const scenarioIn = async (file: string | undefined): Promise<Scenario> =>
  parseScenario(file === undefined ? {} : await jsonIn(file));

const describe = (result: SimulateFleetResult): string =>
  [
    `${result.endedEpisodes} episodes: ${result.successes} successes, ${result.failures} failures; ${result.interruptedEpisodes} interrupted`,
    `${result.frames} frames, ${result.corrections} corrected; ${result.droppedEpisodes} episodes dropped, ${result.lostFrames} frames lost`,
    `${result.waitingSegments} segments and ${result.waitingTelemetry} telemetry entries still wait`,
  ].join('\n');
