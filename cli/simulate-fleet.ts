import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { InvalidArgumentError, Option, type Command } from 'commander';
import { z } from 'zod';

import type { RobotType } from '../datasets/robot-type.ts';
import { childClipMaker } from '../fleet/agent/adapters/child-clip-maker.ts';
import { sharpToJpeg } from '../fleet/agent/adapters/sharp-jpeg.ts';
import { scaledRgb } from '../fleet/agent/adapters/sharp-pictures.ts';
import { robotIdSchema } from '../fleet/protocol/index.ts';
import { inProcessClipMaker } from '../fleet/simulator/in-process-clip-maker.ts';
import { parseScenario, type Scenario } from '../fleet/simulator/scenario.ts';
import { openRuntime } from '../workers/compose.ts';
import { endWithParent, leaveParent } from '../workers/end-with-parent.ts';
import { readRobotType } from './parse-robot-type.ts';
import { trustOf } from './read-trust.ts';
import { printable, printableJson } from './printable.ts';
import { readJsonFile } from './read-json-file.ts';
import { simulateFleet, type SimulatedRobot, type SimulateFleetResult } from '../fleet/simulator/simulate-fleet.ts';
import { machineMonotonicMs } from './machine-clock.ts';
import { registerSimulateExport } from './simulate-export.ts';

const robotsSchema = z
  .array(
    z.strictObject({
      robotId: robotIdSchema,
      token: z.string().min(1),
      /** As `--robot-type`, for this robot alone. */
      robotType: z.string().min(1).exactOptional(),
    }),
  )
  .min(1);

interface SimulateOptions {
  readonly gateway: string;
  readonly robots: string;
  readonly root?: string;
  readonly publicKey?: string;
  readonly dir: string;
  readonly scenario?: string;
  readonly episodes: number;
  readonly seed: number;
  readonly realTime: boolean;
  readonly episodeSeconds: number;
  readonly robotType: string;
  readonly drainSeconds: number;
  readonly contactSeconds: number;
  readonly clipMaker: keyof typeof clipMakers;
  readonly json: boolean;
}

/** What makes clips of what cameras see. */
const clipMakers = { 'in-process': () => inProcessClipMaker(sharpToJpeg), child: () => childClipMaker() };

const count = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`expected a whole number from ${least}`);
  return value;
};

const seconds = (least: number) => (text: string) => {
  const value = Number(text);
  if (!(value >= least && value <= 86_400)) throw new InvalidArgumentError(`expected a number from ${least} to 86400`);
  return value;
};

/** `flywheel simulate`: a fleet of simulated robots with real agents, until they have lived their episodes or Ctrl-C. */
export function registerSimulateCommand(program: Command): void {
  const simulate = program
    .command('simulate')
    .description('run simulated robots with real agents against a gateway, or export what they see')
    .addHelpText('after', '\nWithout a command: fleet. Its options: flywheel simulate fleet --help');
  registerSimulateExport(simulate);
  simulate
    .command('fleet', { isDefault: true })
    .description('run simulated robots with real agents against a gateway; scenarios: docs/simulator.md')
    .requiredOption('--gateway <url>', 'URL of the gateway')
    .requiredOption(
      '--robots <file>',
      'JSON list of {robotId, token}, as `flywheel robots add` printed them; with robotType for a robot with another body',
    )
    .option('--root <file>', 'the fleet’s root document, from `keys show --root`')
    .option(
      '--public-key <file>',
      'instead of --root: PEM of a root key, or of the single key of an older installation',
    )
    .requiredOption('--dir <folder>', 'folder for the robots’ disks')
    .option('--scenario <file>', 'JSON file: world, quirks, faults; read again on SIGHUP')
    .option('--episodes <count>', 'episodes per robot; 0 runs until Ctrl-C', count(0), 0)
    .option('--seed <number>', 'seed of rooms, starts and noise', count(0), 1)
    .option('--no-real-time', 'drive as fast as the machine can')
    .option('--episode-seconds <seconds>', 'start an episode at this interval, or as soon as possible', seconds(0), 0)
    .option('--robot-type <id@version|file>', 'a built-in robot type or a JSON document', 'scitos-g5@1')
    .option('--drain-seconds <seconds>', 'how long to wait at the end for uploads', count(0), 60)
    .option(
      '--contact-seconds <seconds>',
      'interval at which agents report that they are online, and longest wait after a failed request; they upload recordings every tenth interval',
      seconds(0.1),
      60,
    )
    .addOption(
      new Option(
        '--clip-maker <kind>',
        'where clips of cameras are made: child makes them as a robot does, and can encode H.264',
      )
        .choices(Object.keys(clipMakers))
        .default('in-process'),
    )
    .option('--json', 'the tally as one JSON object', false)
    .action(runFleet);
}

async function runFleet(options: SimulateOptions): Promise<void> {
  const [stop, hurry] = [new AbortController(), new AbortController()];
  const onSignal = (): void => stop.abort();
  // A supervisor that dies takes its robots with it, and nobody is left to upload to.
  const onDisconnect = (): void => [stop, hurry].forEach((controller) => controller.abort());
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  endWithParent(onDisconnect);
  let scenario = await scenarioIn(options.scenario);
  // What is wrong with robots may change while they live; a file that cannot be read changes nothing.
  const onReload = (): void =>
    void scenarioIn(options.scenario).then(
      (read) => void (scenario = read),
      (error: unknown) => say(`keeps the previous scenario: ${String(error)}`),
    );
  process.on('SIGHUP', onReload);
  await mkdir(options.dir, { recursive: true });
  try {
    const result = await simulateFleet({
      robots: await robotsIn(options.robots),
      directory: path.resolve(options.dir),
      scenario: () => scenario,
      seed: options.seed,
      episodesPerRobot: options.episodes === 0 ? Number.POSITIVE_INFINITY : options.episodes,
      isRealTime: options.realTime,
      runtime: await openRuntime(),
      scaleImage: scaledRgb,
      episodeEveryMs: 1_000 * options.episodeSeconds,
      drainMs: 1_000 * options.drainSeconds,
      signal: stop.signal,
      hurry: hurry.signal,
      agent: {
        gatewayUrl: options.gateway,
        robotType: await readRobotType(options.robotType),
        ...(await trustOf(options)),
        clock: Date.now,
        monotonic: machineMonotonicMs,
        fetch: (url, init) => fetch(url, init),
        clipMaker: clipMakers[options.clipMaker](),
        limits: contactEvery(1_000 * options.contactSeconds),
        log: say,
      },
      progress: ({ endedEpisodes, failures }) => say(`${endedEpisodes} episodes, ${failures} of them failures`),
    });
    process.stdout.write(`${options.json ? printableJson(result) : printable(describe(result))}\n`);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onReload);
    leaveParent();
  }
}

/** A document that many robots have is read once. */
async function robotsIn(file: string): Promise<readonly SimulatedRobot[]> {
  const robots = await readJsonFile(file, robotsSchema);
  const types = new Map<string, RobotType>();
  for (const { robotType } of robots)
    if (robotType !== undefined && !types.has(robotType)) types.set(robotType, await readRobotType(robotType));
  return robots.map(({ robotType = '', ...robot }) => ({ ...robot, robotType: types.get(robotType) }));
}

/** As of an agent on a robot. */
const longestClipWaitMs = 5 * 60_000;

const contactEvery = (longestMs: number) => ({
  onlineEveryMs: longestMs,
  rotateMs: 10 * longestMs,
  // A segment waits for the clips of its episodes; simulated robots rest for moments only.
  clipWaitMs: Math.min(longestClipWaitMs, 10 * longestMs),
  backOff: { firstMs: Math.min(1_000, longestMs), longestMs },
});

const say = (line: string): void => void process.stderr.write(`simulate: ${printable(line)}\n`);

const scenarioIn = async (file: string | undefined): Promise<Scenario> =>
  parseScenario(file === undefined ? {} : await readJsonFile(file, z.unknown()));

const describe = (result: SimulateFleetResult): string =>
  [
    `${result.endedEpisodes} episodes: ${result.successes} successes, ${result.failures} failures; ${result.interruptedEpisodes} interrupted`,
    `${result.frames} frames, ${result.corrections} corrected; ${result.droppedEpisodes} episodes dropped, ${result.lostFrames} frames lost`,
    `${result.waitingSegments} segments and ${result.waitingTelemetry} telemetry entries are not uploaded yet`,
    ...(result.images === 0
      ? []
      : [`${result.images} images, ${result.droppedImages} lost; ${result.waitingClips} clips are not uploaded yet`]),
  ].join('\n');
