import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';

import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { registerImportCommand } from '../../cli/import.ts';
import type { ImportSummary } from '../../datasets/importers/import-summary.ts';

describe('flywheel import', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-import-command-'));
    const reading = Array.from({ length: 24 }, (_, sensor) => 1 + sensor / 10).join(',');
    await writeFile(join(folder, 'sensor_readings_24.data'), `${reading},Move-Forward\n`.repeat(60));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Runs the command and gives what it printed on stdout and stderr. */
  async function run(...words: string[]) {
    const store = memoryObjectStore();
    const printed = { out: '', err: '' };
    const program = new Command().exitOverride();
    registerImportCommand(program, () => Promise.resolve(store));
    for (const command of [program, ...program.commands]) {
      command.exitOverride().configureOutput({
        writeOut: (text) => (printed.out += text),
        writeErr: (text) => (printed.err += text),
      });
    }
    await program.parseAsync(['import', ...words], { from: 'user' });
    return { store, ...printed };
  }

  it('lands the recording, publishes its robot type and says what it did', async () => {
    const { store, out, err } = await run('wall-following', folder);
    assert.match(out, /wall-following → scitos-g5-recording@1: 60 rows, 2 episodes of 1 robots, 60 frames/);
    assert.match(out, /header lines: 0/);
    assert.match(err, /1 of 1 robots: 60 frames → landing\/scitos-g5-01\//);
    assert.ok((await store.get('config/robot-types/scitos-g5-recording/1.json')) !== undefined);
  });

  it('prints the summary alone with --json', async () => {
    const { out } = await run('wall-following', folder, '--json');
    assert.equal((JSON.parse(out) as ImportSummary).frames, 60);
  });

  it('names the formats in its help and refuses others', async () => {
    await assert.rejects(run('--help'), { code: 'commander.helpDisplayed' });
    await assert.rejects(run('rosbag', folder), /Allowed choices are wall-following, ur3-cobotops/);
  });

  it('fails for a file that holds nothing', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    await writeFile(join(empty, 'sensor_readings_24.data'), '');
    await assert.rejects(run('wall-following', empty), /expected .*got/);
    await writeFile(join(empty, 'dataset_02052023.csv'), '');
    await assert.rejects(run('ur3-cobotops', empty), /expected .*got/);
  });

  it('says what it expected where there is no such file', async () => {
    await assert.rejects(run('ur3-cobotops', folder), /expected dataset_02052023.csv or a folder that holds it/);
  });
});
