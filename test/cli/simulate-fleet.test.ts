import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';

import { registerSimulateCommand } from '../../cli/simulate-fleet.ts';

describe('flywheel simulate', () => {
  let directory: string;
  before(async () => (directory = await mkdtemp(join(tmpdir(), 'flywheel-simulate-'))));
  after(() => rm(directory, { recursive: true, force: true }));

  const run = (...options: readonly string[]): Promise<Command> => {
    const program = new Command('flywheel').exitOverride().configureOutput({ writeErr: () => undefined });
    registerSimulateCommand(program);
    for (const command of program.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
    return program.parseAsync(['node', 'flywheel', 'simulate', ...options]);
  };
  const inFolder = async (name: string, content: unknown): Promise<string> => {
    const file = join(directory, name);
    await writeFile(file, JSON.stringify(content));
    return file;
  };

  it('asks for what it needs', async () => {
    await assert.rejects(run('--gateway', 'http://127.0.0.1:1'), /--robots/);
  });

  it('says what is wrong with robots and scenario before anything starts', async () => {
    const robots = await inFolder('robots.json', [{ robotId: 'sim-1', token: 'secret' }]);
    const folders = ['--gateway', 'http://127.0.0.1:1', '--public-key', robots, '--dir', join(directory, 'robots')];
    const none = await inFolder('none.json', []);
    await assert.rejects(run(...folders, '--robots', none), /robots|>=1/);
    const scenario = await inFolder('scenario.json', { worlds: {} });
    await assert.rejects(run(...folders, '--robots', robots, '--scenario', scenario), /worlds/);
    await assert.rejects(run(...folders, '--robots', robots, '--episodes', '-1'), /whole number/);
    const body = await inFolder('body.json', { id: 'sim' });
    const others = await inFolder('others.json', [{ robotId: 'sim-1', token: 'secret', robotType: body }]);
    await assert.rejects(run(...folders, '--robots', others), /body\.json.*version/s);
  });
});
