import path from 'node:path';
import { parseArgs } from 'node:util';

import { isScenarioName, scenarioNames, type ScenarioName } from './scenarios/names.ts';

export interface DevOptions {
  /** Cycles to run now, each with its trial; undefined: the scenario `flywheel` of a new fleet, or the first one of a recording. */
  readonly cycles?: number;
  readonly exitWhenDone: boolean;
  /** What to play instead, on a state folder of its own. */
  readonly scenario?: ScenarioName;
  /** Folder with recorded data sets; undefined: simulated robots. */
  readonly dataDirectory?: string;
  /** False: neither robots nor a policy, for recordings that a person brings. */
  readonly withRobots: boolean;
  /** Simulated robots. */
  readonly robots: number;
  readonly seed: number;
  readonly stateDirectory: string;
  readonly port: number;
  readonly uiPort: number;
}

export const devUsage = `Starts Flywheel on this machine: a Temporal server with its UI, the workers, the weekly schedule, a poor first
champion, a gateway and simulated robots. A fleet day lasts a minute. The demo shows the life of a new fleet: a cycle trains a better
candidate, which is tested on part of the fleet and rolled out in stages; sensors wear out and the next cycle learns to drive without them;
the guard stops a deliberately bad policy. Then the schedule continues with a cycle every seven minutes, until Ctrl-C, which stops
everything that the script started. A restart continues where it stopped.

Usage: ./temporal-dev.sh [options]

  --cycles N     run N cycles now, each with the trial of its candidate, instead of the demo; 0: only the scheduled ones
  --exit         stop after that; exit code 0 only if every step had the expected result
  --scenario NAME  run one scenario (1 to 30 minutes) in a fresh folder DIR/scenarios/NAME; exit code 0 only if
                 robots, aliases, assignments and lake are as expected at the end. NAME:
                 ${scenarioNames.join(', ')}
  --data DIR     learn from recorded data: DIR or DIR/wall-following holds sensor_readings_24.data
                 (default: simulated robots)
  --no-robots    start the server, the workers and the console alone: no robots, no policy, no schedule; for your own
                 recordings (docs/tutorials/own-data.md)
  --robots N     simulated robots, 5 to 200 (default 30; below 20 a person decides every stage); more if a day would have too few
                 episodes to hold out or to validate on
  --seed N       seed of the simulated rooms and of training, 0 to 2147483647 (default 1)
  --state DIR    folder for data, models, reports and the server's database (default .flywheel)
  --port P       port of the Temporal server (default 7233, or a free one if it is in use)
  --ui-port P    port of its UI (default 8233, or a free one if it is in use)
  --help         show this text
`;

/** Parses the command line; `help` when asked for it; throws with one sentence a wrong option. */
export function parseDevOptions(args: readonly string[]): DevOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cycles: { type: 'string' },
      exit: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      data: { type: 'string' },
      'no-robots': { type: 'boolean', default: false },
      robots: { type: 'string', default: '30' },
      seed: { type: 'string', default: '1' },
      state: { type: 'string', default: '.flywheel' },
      port: { type: 'string', default: '7233' },
      'ui-port': { type: 'string', default: '8233' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { scenario } = values;
  if (scenario !== undefined && !isScenarioName(scenario))
    throw new Error(`--scenario: expected one of ${scenarioNames.join(', ')}, got ${scenario}`);
  const withRobots = !values['no-robots'];
  const other = (['cycles', 'scenario', 'data'] as const).find((name) => values[name] !== undefined);
  if (!withRobots && other !== undefined) throw new Error(`--no-robots: expected it without --${other}, got both`);
  const state = path.resolve(values.state);
  return {
    ...(values.cycles === undefined ? {} : { cycles: whole('--cycles', values.cycles, 0, 1_000) }),
    exitWhenDone: values.exit,
    ...(values.data === undefined ? {} : { dataDirectory: path.resolve(values.data) }),
    withRobots,
    robots: whole('--robots', values.robots, 5, 200),
    seed: whole('--seed', values.seed, 0, 2 ** 31 - 1),
    ...(scenario === undefined ? {} : { scenario }),
    stateDirectory: scenario === undefined ? state : path.join(state, 'scenarios', scenario),
    port: whole('--port', values.port, 1, 65_535),
    uiPort: whole('--ui-port', values['ui-port'], 1, 65_535),
  };
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`${name}: expected a whole number from ${least} to ${most}, got ${text}`);
  return value;
}
