import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerGatewayCommand } from '../../cli/gateway.ts';
import { registerRobotCommands } from '../../cli/robots.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { readRobots, tokenHash, type FleetView } from '../../fleet/desk/index.ts';

describe('flywheel robots', () => {
  let directory: string;
  let store: ObjectStore;
  const set: Record<string, string | undefined> = {};

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-robots-'));
    store = fileObjectStore({ root: join(directory, 'store') });
    await publishRobotType(store, scitosG5Type);
    await createPolicyDocument(store, { policy: 'wall', robotType: { id: 'scitos-g5', version: 1 } });
    for (const [name, folder] of [
      ['FLYWHEEL_STORE', 'store'],
      ['FLYWHEEL_SCRATCH', 'scratch'],
    ] as const) {
      set[name] = process.env[name];
      process.env[name] = join(directory, folder);
    }
  });
  afterEach(async () => {
    for (const [name, value] of Object.entries(set))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await rm(directory, { recursive: true, force: true });
  });

  const add = (id: string, type = 'scitos-g5@1') =>
    run('add', id, '--robot-type', type, '--site', 'hall', '--policy', 'wall') as Promise<{ token: string }>;
  const hashes = async (id: string) => (await readRobots(store)).get(id)?.tokenHashes;

  it('add prints the token once and stores its hash', async () => {
    const { token } = await add('r1');
    assert.match(token, /^fw\.r1\.[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(await hashes('r1'), [tokenHash(token)]);
    await assert.rejects(add('r1'), /new robot id/);
  });

  it('add refuses ids, types and policies that do not fit', async () => {
    await assert.rejects(add('R 1'), /robot id/);
    await assert.rejects(add('r1', 'scitos-g5@9'), /scitos-g5@9/);
    await assert.rejects(
      run('add', 'r1', '--robot-type', 'scitos-g5@1', '--site', 'hall', '--policy', 'no'),
      /no policy/,
    );
  });

  it('rotate replaces the token, or keeps the last one beside it', async () => {
    const first = await add('r1');
    const second = (await run('rotate', 'r1')) as { token: string };
    assert.deepEqual(await hashes('r1'), [tokenHash(second.token)]);
    assert.notEqual(first.token, second.token);
    const third = (await run('rotate', 'r1', '--keep-old')) as { token: string };
    assert.deepEqual(await hashes('r1'), [tokenHash(third.token), tokenHash(second.token)]);
  });

  it('revoke takes all tokens away', async () => {
    await add('r1');
    await run('revoke', 'r1', '--why', 'stolen');
    assert.deepEqual(await hashes('r1'), []);
    assert.equal((await readRobots(store)).get('r1')?.why, 'stolen');
    await assert.rejects(run('revoke', 'r9'), /robots add/);
    assert.deepEqual(((await run('list', '--policy', 'wall')) as FleetView).robots, []);
    await run('rotate', 'r1');
    assert.equal(((await run('list', '--policy', 'wall')) as FleetView).robots.length, 1);
  });

  it('list shows what is known of a policy’s robots', async () => {
    await add('r1');
    const view = (await run('list', '--policy', 'wall')) as FleetView;
    assert.equal(view.presence, 'unknown');
    assert.deepEqual(
      view.robots.map(({ robotId, contact }) => [robotId, contact]),
      [['r1', 'unknown']],
    );
  });

  it('has a sibling that runs a gateway', () => {
    const program = new Command();
    registerGatewayCommand(program);
    assert.deepEqual(
      program.commands.map((command) => command.name()),
      ['gateway'],
    );
  });
});

/** Runs the command in this process, and gives what it printed as JSON. */
async function run(...words: readonly string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  registerRobotCommands(program);
  const said: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text) => said.push(String(text)) > 0;
  try {
    await program.parseAsync(['robots', ...words, '--json'], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return JSON.parse(said.join(''));
}
