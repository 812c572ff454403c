import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { publishRobotType } from '../../activities/read-robot-type.ts';
import { readAliases } from '../../activities/registry/aliases.ts';
import { builtInRobotTypes } from '../../datasets/built-in-robot-types.ts';
import { devMonitor, ensureMonitor } from '../monitor.ts';
import { ensureWeeklySchedule } from '../schedule.ts';
import { registerTinyBaseline } from './baseline.ts';
import { fleetExperience, recordedExperience, sourceOf, type Experience } from './experience.ts';
import { startInstallation, type Installation, type StartedInstallation } from './installation.ts';
import { takeLock, type DevLock } from './lock.ts';
import { devUsage, parseDevOptions, type DevOptions } from './options.ts';
import { runningCycle } from './cycles.ts';
import { finishCycle, runCycles } from './run-cycles.ts';
import { compressedCycle, compressedWeekMs, poorPolicy, poorPolicyWhy, tellFleetStory } from './scenarios/flywheel.ts';
import { playScenario } from './scenarios/play.ts';
import { withScheduleAtRest } from './schedule-at-rest.ts';
import { openWorld, type World } from './world.ts';

type Stop = () => Promise<void>;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const options = parseDevOptions(process.argv.slice(2));
  if (options === 'help') {
    say(devUsage);
    return 0;
  }
  mkdirSync(options.stateDirectory, { recursive: true, mode: 0o700 });
  const taken = takeLock(options.stateDirectory);
  if ('heldByPid' in taken) {
    process.stderr.write(
      `Flywheel already runs on ${options.stateDirectory} (process ${taken.heldByPid}). Stop it with Ctrl-C there, or start another with --state DIR.\n`,
    );
    return 1;
  }
  const stops: Stop[] = [];
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve('interrupted'));
  });
  try {
    const work =
      options.scenario === undefined
        ? run(options, taken.lock, stops)
        : playScenario(options.scenario, { place: options, lock: taken.lock, stops, say }, options);
    const outcome = await Promise.race([work, interrupted]);
    if (outcome !== 'interrupted') return outcome;
    say('\nStopping …');
    return 0;
  } finally {
    for (const stop of stops.toReversed()) await stop();
    await taken.lock.release();
    say(options.scenario === undefined ? 'Stopped. Start again to go on where this ended.' : 'Stopped.');
  }
}

/** Starts everything, runs the cycles and stays; resolves with the exit code when it is done or something died. */
async function run(options: DevOptions, lock: DevLock, stops: Stop[]): Promise<number> {
  const { policy, robotType, recording } = sourceOf(options.dataDirectory);
  const installation = await startInstallation({ place: options, policy, robotType, lock, stops, say });
  const { context, client, taskQueue, died } = installation;
  for (const type of builtInRobotTypes) await publishRobotType(context.store, type);
  await ensureWeeklySchedule(
    client,
    recording === undefined
      ? { policy, taskQueue, weekMs: compressedWeekMs, input: compressedCycle(options.seed) }
      : { policy, taskQueue, input: { bootstrap: true, training: { seed: options.seed } } },
  );
  await ensureMonitor(client, taskQueue, { policy, ...devMonitor });
  const deaths = [died];
  let work: () => Promise<boolean>;
  if (recording === undefined) {
    say('Starting the gateway and the simulated robots …');
    const world = await openWorld(installation, { robots: options.robots, seed: options.seed });
    stops.push(() => world.stop());
    if ((await readAliases(context)({ policy })).champion === undefined)
      say(`First champion: ${await world.baseline(poorPolicy(), poorPolicyWhy)}, ${poorPolicyWhy}.`);
    deaths.push(world.fleet.ended);
    sayWhereThingsAre(options, installation, world.fleet.gatewayUrl);
    work = () => fleetWork(world, options);
  } else {
    const baseline = await registerTinyBaseline(context, policy, robotType);
    if (baseline === 'registered') say(`Registered a tiny untrained baseline for ${policy}.`);
    sayWhereThingsAre(options, installation);
    work = () => recordingWork(installation, recordedExperience(installation, recording), options);
  }

  const ended = await Promise.race([withScheduleAtRest(installation, work), ...deaths]);
  if (typeof ended === 'string') throw new Error(ended);
  if (options.exitWhenDone) return ended ? 0 : 1;
  say('\nRunning; the weekly schedule goes on by itself. Ctrl-C stops it.');
  process.stderr.write(`${await Promise.race(deaths)}\n`);
  return 1;
}

/** The cycles that were asked for; a new fleet's story unless told. */
async function fleetWork(world: World, { cycles }: DevOptions): Promise<boolean> {
  const experience = fleetExperience(world);
  if (cycles === undefined && (await hasLearnedNothing(world)) && (await runningCycle(world)) === undefined)
    return tellFleetStory(world);
  world.fleet.live();
  const isFine = await finishCycle(world, experience);
  return (await runCycles(world, experience, cycles ?? 0)) && isFine;
}

async function recordingWork(
  installation: Installation,
  experience: Experience,
  { cycles }: DevOptions,
): Promise<boolean> {
  const isFine = await finishCycle(installation, experience);
  const wanted = cycles ?? ((await hasLearnedNothing(installation)) ? 1 : 0);
  return (await runCycles(installation, experience, wanted)) && isFine;
}

async function hasLearnedNothing({ context, policy }: Installation): Promise<boolean> {
  const { champion, baseline } = await readAliases(context)({ policy });
  return champion === baseline;
}

function sayWhereThingsAre(options: DevOptions, installation: StartedInstallation, gatewayUrl?: string): void {
  const { context, uiUrl, address } = installation;
  const { store: place } = context.settings;
  const store = place.kind === 'file' ? place.directory : `s3://${place.bucket}`;
  const week =
    gatewayUrl === undefined ? 'Sundays 02:00 UTC' : `every ${compressedWeekMs / 60_000} min: a fleet day is a minute`;
  say(`
  Temporal UI   ${uiUrl}
  Temporal      ${address}${gatewayUrl === undefined ? '' : `\n  Gateway       ${gatewayUrl}/documentation`}
  Store         ${store}
  Logs          ${path.join(options.stateDirectory, 'logs')}
  Schedule      weekly-sync, ${week}
`);
  const file = path.join(options.stateDirectory, 'dev.json');
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify({ uiUrl, address, gatewayUrl, store }, undefined, 2)}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`temporal-dev.sh: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
// A story that was cut short still waits for something.
process.exit();
