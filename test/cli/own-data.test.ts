import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Command } from 'commander';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { openNewContext } from '../../cli/context.ts';
import { registerImportCommand } from '../../cli/import.ts';
import { registerRobotTypeCommands } from '../../cli/robot-types.ts';
import { writeCsv, writeLeRobot, writeMcap } from '../support/own-recordings.ts';
import { commandsOf, wordsOf } from '../support/tutorial.ts';
import { runCommand } from './stubbed-workers.ts';

/** Every command of docs/tutorials/own-data.md that needs no server; test/long/own-data.test.ts runs all of them. */
describe('the tutorial of own data, up to landing', function () {
  this.timeout(60_000);
  const environment = { ...process.env };
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-own-data-'));
    await mkdir(join(folder, 'recordings'));
    const session = await duckDbEngine({ temporaryDirectory: folder, threads: 1 }).open();
    await writeCsv(join(folder, 'recordings/runs.csv'), 50);
    await writeMcap(join(folder, 'recordings/bag.mcap'), 50);
    await writeLeRobot(join(folder, 'recordings/lerobot'), 50, session);
    await session.close();
    Object.assign(process.env, {
      FLYWHEEL_STORE: join(folder, 'store'),
      FLYWHEEL_SCRATCH: join(folder, 'scratch'),
      XDG_CONFIG_HOME: folder,
    });
  });
  after(async () => {
    for (const name of ['FLYWHEEL_STORE', 'FLYWHEEL_SCRATCH', 'XDG_CONFIG_HOME']) delete process.env[name];
    Object.assign(process.env, environment);
    await rm(folder, { recursive: true, force: true });
  });

  const register = (program: Command): void => {
    registerRobotTypeCommands(program);
    registerImportCommand(program, openNewContext);
  };
  const inFolder = (word: string): string => (/^(recordings|drafts)\//.test(word) ? join(folder, word) : word);
  const run = async (kind: string): Promise<readonly string[]> => {
    const commands = commandsOf('own-data.md').flatMap((command) => {
      const words = wordsOf(command);
      return words?.join(' ').startsWith(kind) === true ? [words] : [];
    });
    const outs: string[] = [];
    for (const words of commands) {
      const { out, exitCode, message } = await runCommand(register, words.map(inFolder));
      assert.equal(exitCode, 0, `${words.join(' ')}: ${message}`);
      outs.push(out);
    }
    return outs;
  };

  const typeOf = (format: string) =>
    JSON.parse(readFileSync(join(folder, 'drafts', format, 'robot-type.json'), 'utf8')) as {
      readonly rateHz: number;
      readonly observations: readonly { readonly name: string; readonly unit: string }[];
      readonly actions: unknown;
      readonly split: { readonly heldoutFraction: number };
    };

  it('drafts what the recordings hold, and says what comes next', async () => {
    const outs = await run('robot-types infer');
    assert.equal(outs.length, 3);
    for (const out of outs) assert.match(out, /models baseline --untrained --policy slide.*\n.*cycle start/);
    const csv = typeOf('csv');
    assert.deepEqual(
      csv.observations.map(({ name, unit }) => `${name} ${unit}`),
      ['place m', 'mark m', 'speed m/s', 'Motor Temp degC'],
    );
    assert.deepEqual([csv.rateHz, csv.split.heldoutFraction, typeOf('lerobot').split.heldoutFraction], [20, 0.5, 0.5]);
    assert.deepEqual((csv.actions as { names: string[] }).names.toSorted(), ['back', 'forward', 'stop']);
    assert.match(outs[0] ?? '', /a success if a row of it has yes as Success/);
    assert.deepEqual(
      typeOf('lerobot').observations.map(({ name }) => name),
      ['state.place', 'state.mark', 'state.speed'],
    );
    assert.deepEqual(
      typeOf('mcap').observations.map(({ name }) => name),
      ['slide/state.axis.place', 'slide/state.axis.speed', 'slide/state.target_distance'],
    );
  });

  it('passes its checks, and imports every episode of all three', async () => {
    assert.equal((await run('robot-types check')).length, 3);
    const outs = await run('import');
    assert.match(outs[0] ?? '', /csv → slide@1: 2000 rows, 50 episodes of 1 robots, 1999 frames/);
    assert.match(outs[0] ?? '', /1 × row Motor Temp \(°C\): blank/);
    assert.match(outs[1] ?? '', /lerobot → slide-lerobot@1: 2000 rows, 50 episodes of 1 robots, 2000 frames/);
    assert.match(outs[2] ?? '', /mcap → slide-mcap@1: \d+ rows, 50 episodes of 1 robots/);
  });

  it('names only files that exist', () => {
    for (const command of commandsOf('own-data.md'))
      if (command.startsWith('./')) assert.ok(existsSync(command.split(' ')[0] ?? ''), command);
  });
});
