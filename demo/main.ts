import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { publishRobotType } from '../store/records/robot-types.ts';
import { readAliases } from '../store/records/aliases.ts';
import { builtInRobotTypes } from '../datasets/built-in-robot-types.ts';
import { devMonitor, ensureMonitor } from '../cli/monitor.ts';
import { ensureKeepers } from '../cli/retention.ts';
import { printable } from '../cli/printable.ts';
import { ensureWeeklySchedule } from '../cli/schedule.ts';
import { openDevConsole } from './console.ts';
import { registerTinyBaseline } from './baseline.ts';
import { fleetExperience, recordedExperience, sourceOf, type Experience } from './experience.ts';
import { startInstallation, type Installation, type StartedInstallation } from './installation.ts';
import { takeLock, type DevLock } from './lock.ts';
import { devUsage, parseDevOptions, type DevOptions } from './options.ts';
import { runningCycle } from './cycles.ts';
import { preflight } from './preflight.ts';
import { finishCycle, runCycles } from './run-cycles.ts';
import { flywheelCycle, compressedWeekMs, poorPolicy, poorPolicyWhy, playFlywheel } from './scenarios/flywheel.ts';
import { playScenario } from './scenarios/play.ts';
import { withScheduleAtRest } from './schedule-at-rest.ts';
import { startGuard } from './supervision/guard.ts';
import { keepLogsShort } from './supervision/trim-logs.ts';
import { openVoice, type Voice } from './supervision/voice.ts';
import { toldSteps } from './told-steps.ts';
import { openWorld, type World } from './world.ts';
import { writeContext } from './write-context.ts';

type Stop = () => Promise<void>;

/** What was stopped before its end has not shown what exit code 0 would say. */
const stoppedExitCode = 130;

async function main(): Promise<number> {
  const options = parseDevOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(`${devUsage}\n`);
    return 0;
  }
  const { wrong, notes } = await preflight(options, process.env);
  for (const note of notes) process.stderr.write(`temporal-dev.sh: note: ${printable(note)}\n`);
  for (const sentence of wrong) process.stderr.write(`temporal-dev.sh: ${printable(sentence)}\n`);
  if (wrong.length > 0) return 1;
  mkdirSync(path.join(options.stateDirectory, 'logs'), { recursive: true, mode: 0o700 });
  const taken = takeLock(options.stateDirectory, startGuard());
  if ('heldByPid' in taken) {
    process.stderr.write(
      `Flywheel already runs on ${options.stateDirectory} (process ${taken.heldByPid}). Stop it with Ctrl-C there, or start another with --state DIR.\n`,
    );
    return 1;
  }
  const voice = openVoice(process.stdout, path.join(options.stateDirectory, 'logs', 'supervisor.log'));
  process.stderr.on('error', () => undefined);
  const { say } = voice;
  outliveFaults(voice);
  keepLogsShort(path.join(options.stateDirectory, 'logs'));
  const stops: Stop[] = [];
  let isStopping = false;
  // What was cut short by the end has nothing to say of it.
  const tell = (line: string): void => {
    if (!isStopping) say(line);
  };
  const stopAsked = Promise.race([signalled(say), voice.lost]).then((why) => ({ why }));
  try {
    const work =
      options.scenario === undefined
        ? (options.withRobots ? run : runWithoutRobots)(options, taken.lock, stops, tell)
        : playScenario(options.scenario, { place: options, lock: taken.lock, stops, say: tell }, options);
    const outcome = await Promise.race([work, stopAsked]);
    if (typeof outcome === 'number') return outcome;
    say(
      `\nStopping: ${outcome.why}. Robots first upload their recordings, for at most a minute; press Ctrl-C again to skip this.`,
    );
    return options.scenario !== undefined || options.exitWhenDone ? stoppedExitCode : 0;
  } finally {
    isStopping = true;
    for (const stop of stops.toReversed())
      await stop().catch((error: unknown) => voice.note(`while stopping: ${String(error)}`));
    await taken.lock.release();
    say(options.scenario === undefined ? 'Stopped. Start again to continue from here.' : 'Stopped.');
  }
}

/** Resolves with the first signal that asks for an end; the second one does not wait: the guard ends the children then. */
const signalled = (say: (line: string) => void): Promise<string> =>
  new Promise((resolve) => {
    let count = 0;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        count += 1;
        if (count === 1) return resolve(signal);
        say(`${signal} again: stopping everything at once.`);
        process.exit(stoppedExitCode);
      });
  });

/** A fault in the scenario or in a call that nobody waits for any more is written down; everything that runs stays up. */
function outliveFaults({ note, say }: Voice): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error: unknown) => {
      note(`${event}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      say(
        `  An error of this script, logged in logs/supervisor.log: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
}

/** Starts what a person's own recordings need, and stays. */
async function runWithoutRobots(
  options: DevOptions,
  lock: DevLock,
  stops: Stop[],
  say: (line: string) => void,
): Promise<number> {
  const { policy, robotType } = sourceOf(undefined);
  const installation = await startInstallation({ place: options, policy, robotType, lock, stops, say });
  for (const type of builtInRobotTypes) await publishRobotType(installation.context.store, type);
  say('Starting the console …');
  const consolePlace = await openDevConsole(installation);
  stops.push(() => consolePlace.stop());
  sayWhereThingsAre(options, installation, { consolePlace, week: 'none: `flywheel schedule` creates one' });
  if (options.exitWhenDone) return 0;
  say('Running, without robots. docs/tutorials/own-data.md leads from a recording to a model. Press Ctrl-C to stop.');
  return new Promise<never>(() => undefined);
}

/** Starts everything, runs the cycles and stays; resolves with the exit code only where `--exit` asks for an end. */
async function run(options: DevOptions, lock: DevLock, stops: Stop[], say: (line: string) => void): Promise<number> {
  const { policy, robotType, recording } = sourceOf(options.dataDirectory);
  const installation = await startInstallation({ place: options, policy, robotType, lock, stops, say });
  const { context, client, taskQueue } = installation;
  for (const type of builtInRobotTypes) await publishRobotType(context.store, type);
  await ensureMonitor(client, taskQueue, { policy, ...devMonitor });
  const profile = recording === undefined ? 'compressed' : 'real';
  await ensureKeepers(client, taskQueue, { policy, profile }, context.settings);
  let work: () => Promise<readonly string[]>;
  if (recording === undefined) {
    say('Starting the console, the gateway and the simulated robots …');
    const [consolePlace, world] = await startTogether(stops, [
      openDevConsole(installation),
      openWorld(installation, { robots: options.robots, seed: options.seed }),
    ]);
    if ((await readAliases(context)({ policy })).champion === undefined)
      say(`First champion: ${await world.baseline(poorPolicy(), poorPolicyWhy)}, ${poorPolicyWhy}.`);
    const week = `weekly-sync, every ${compressedWeekMs / 60_000} min: a fleet day is a minute`;
    sayWhereThingsAre(options, installation, { consolePlace, week, fleet: world.fleet });
    work = () => fleetWork(world, options);
  } else {
    say('Starting the console …');
    const [consolePlace] = await startTogether(stops, [openDevConsole(installation)]);
    const baseline = await registerTinyBaseline(context, policy, robotType);
    if (baseline === 'registered') say(`Registered a tiny untrained baseline for ${policy}.`);
    sayWhereThingsAre(options, installation, { consolePlace, week: 'weekly-sync, Sundays 02:00 UTC' });
    work = () => recordingWork(installation, recordedExperience(installation, recording), options);
  }

  // It begins a cycle at every seventh minute: made before the robots drive, it could begin one with nothing to learn from.
  await ensureWeeklySchedule(
    client,
    recording === undefined
      ? { policy, taskQueue, weekMs: compressedWeekMs, input: flywheelCycle(options.seed) }
      : { policy, taskQueue, input: { bootstrap: true, training: { seed: options.seed } } },
  );
  const { step, missed } = toldSteps(say);
  const missedInWork = await step('the weekly schedule', () => withScheduleAtRest(installation, work));
  const all = [...(missedInWork ?? []), ...missed];
  if (all.length > 0) say(['', 'What did not go as expected:', ...all.map((sentence) => `  ${sentence}`)].join('\n'));
  if (options.exitWhenDone) return all.length === 0 ? 0 : 1;
  say('\nRunning; the weekly schedule continues by itself. Press Ctrl-C to stop.');
  return new Promise<never>(() => undefined);
}

/** What is started at the same time, each to be stopped at the end from when it runs, whether or not another could start. */
async function startTogether<T extends readonly Promise<{ stop(): Promise<void> }>[] | []>(
  stops: Stop[],
  starting: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(
    starting.map(async (one) => {
      const started = await one;
      stops.push(() => started.stop());
    }),
  );
  return Promise.all(starting);
}

/** The cycles that were asked for; a new fleet's scenario unless told. Resolves with what did not go as told. */
async function fleetWork(world: World, { cycles }: DevOptions): Promise<readonly string[]> {
  const experience = fleetExperience(world);
  if (cycles === undefined && (await hasLearnedNothing(world)) && (await runningCycle(world)) === undefined)
    return playFlywheel(world);
  world.fleet.live();
  const missed = await finishCycle(world, experience);
  const missedLater = await runCycles(world, experience, cycles ?? 0);
  if (!world.fleet.isLiving()) world.fleet.live();
  return [...missed, ...missedLater];
}

async function recordingWork(
  installation: Installation,
  experience: Experience,
  { cycles }: DevOptions,
): Promise<readonly string[]> {
  const missed = await finishCycle(installation, experience);
  const wanted = cycles ?? ((await hasLearnedNothing(installation)) ? 1 : 0);
  return [...missed, ...(await runCycles(installation, experience, wanted))];
}

async function hasLearnedNothing({ context, policy }: Installation): Promise<boolean> {
  const { champion, baseline } = await readAliases(context)({ policy });
  return champion === baseline;
}

interface Places {
  readonly consolePlace: { readonly url: string; readonly tokenFile: string };
  /** Whether cycles start by themselves, and when. */
  readonly week: string;
  readonly fleet?: { readonly gatewayUrl: string; readonly operationsUrl: string };
}

function sayWhereThingsAre(
  options: DevOptions,
  installation: StartedInstallation,
  { consolePlace, week, fleet }: Places,
): void {
  const { gatewayUrl, operationsUrl } = fleet ?? {};
  const { context, uiUrl, address, say } = installation;
  const { store: place } = context.settings;
  const store = place.kind === 'file' ? place.directory : `s3://${place.bucket}`;
  const files = writeContext(installation, gatewayUrl === undefined ? undefined : { gatewayUrl }, true);
  say(`
  Temporal UI   ${uiUrl}
  Temporal      ${address}${gatewayUrl === undefined ? '' : `\n  Gateway       ${gatewayUrl} (metrics, ${operationsUrl}/documentation)`}
  Console       ${consolePlace.url}/ (token in ${consolePlace.tokenFile})
  Store         ${store}
  Logs          ${path.join(options.stateDirectory, 'logs')}
  Schedule      ${week}
  Commands      find this installation through ${files.join(' and ')}
`);
  rmSync(path.join(options.stateDirectory, 'dev.json'), { force: true });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`temporal-dev.sh: ${printable(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = 1;
}
// A scenario that was cut short still waits for something.
process.exit();
