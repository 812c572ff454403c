import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { Command } from 'commander';

import { initKeys } from '../../activities/adapters/key-changes.ts';
import { registerModelCommands } from '../../cli/models.ts';
import { registerRobotTypeCommands } from '../../cli/robot-types.ts';
import type { BodyMap } from '../../datasets/bodies/body-map.ts';
import type { RobotTypeDiff } from '../../datasets/robot-type-diff.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readRobotType } from '../../store/records/robot-types.ts';

const armFile = path.resolve('docs/examples/arm-7.json');

describe('flywheel robot-types', function () {
  this.timeout(30_000);
  let directory: string;
  let store: ObjectStore;
  const set: Record<string, string | undefined> = {};

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-types-'));
    store = fileObjectStore({ root: path.join(directory, 'store') });
    for (const [name, folder] of [
      ['FLYWHEEL_STORE', 'store'],
      ['FLYWHEEL_SCRATCH', 'scratch'],
      ['FLYWHEEL_KEYS', 'keys'],
    ] as const) {
      set[name] = process.env[name];
      process.env[name] = path.join(directory, folder);
    }
  });
  afterEach(async () => {
    process.exitCode = undefined;
    for (const [name, value] of Object.entries(set))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await rm(directory, { recursive: true, force: true });
  });

  async function armWith(more: Partial<RobotType>): Promise<string> {
    const { default: arm } = (await import(armFile, { with: { type: 'json' } })) as { default: RobotType };
    const file = path.join(directory, `arm-${Math.random()}.json`);
    await writeFile(file, JSON.stringify({ ...arm, ...more }));
    return file;
  }

  it('add makes a version known, adding it again is fine, other content under its name is refused with what differs', async () => {
    assert.equal(((await run('add', armFile)) as { outcome: string }).outcome, 'added');
    assert.equal(((await run('add', armFile)) as { outcome: string }).outcome, 'known');
    const other = (await run('add', await armWith({ rateHz: 10 }))) as { outcome: string; diff: RobotTypeDiff };
    assert.equal(process.exitCode, 1);
    assert.deepEqual([other.outcome, other.diff.other], ['otherContent', [{ field: 'rateHz', from: 20, to: 10 }]]);
    assert.equal((await readRobotType(store, 'arm-7', 1)).rateHz, 20);
    const next = (await run('add', await armWith({ version: 2, rateHz: 10 }))) as {
      outcome: string;
      diff: RobotTypeDiff;
    };
    assert.deepEqual([next.outcome, next.diff.from, next.diff.step], ['added', 'arm-7@1', 'minor']);
  });

  it('add stores nothing of an unsound document, nor another one under the name of a type of the project', async () => {
    const unsound = (await run('add', await armWith({ rateHz: -1 }))) as { outcome: string; problems: unknown[] };
    assert.deepEqual([unsound.outcome, unsound.problems.length, process.exitCode], ['unsound', 1, 2]);
    await assert.rejects(readRobotType(store, 'arm-7', 1), /not in the store/);
    const taken = (await run('add', await armWith({ id: 'scitos-g5' }))) as { outcome: string };
    assert.equal(taken.outcome, 'otherContent');
    await assert.rejects(readRobotType(store, 'scitos-g5', 1), /not in the store/);
  });

  it('check needs no installation and ends with 1 for what is unsound', async () => {
    const sound = (await run('check', armFile)) as { isSound: boolean; digest: string };
    assert.deepEqual([sound.isSound, sound.digest.length, process.exitCode], [true, 64, undefined]);
    await run('check', await armWith({ tasks: [] }));
    assert.equal(process.exitCode, 1);
  });

  it('check never reads a file of a gigabyte, a pipe or a folder', async () => {
    const file = path.join(directory, 'huge.json');
    const handle = await open(file, 'w');
    await handle.truncate(1024 ** 3);
    await handle.close();
    const startedMs = performance.now();
    const { problems } = (await run('check', file)) as { problems: { got: string }[] };
    assert.equal(problems[0]?.got, '1073741824 bytes');
    await promisify(execFile)('mkfifo', [path.join(directory, 'pipe')]);
    await assert.rejects(run('check', path.join(directory, 'pipe')), /expected a file/);
    await assert.rejects(run('check', directory), /expected a file/);
    assert.ok(performance.now() - startedMs < 5_000);
  });

  it('list, show and diff know the store and what comes with the project, and pass a damaged document over', async () => {
    await run('add', armFile);
    await store.put('config/robot-types/arm-7/2.json', new TextEncoder().encode('{'));
    const rows = (await run('list')) as { name: string; from: string }[];
    assert.deepEqual(
      rows.filter(({ name }) => /^arm|scitos-g5@/.test(name)).map(({ name, from }) => [name, from]),
      [
        ['scitos-g5@1', 'project'],
        ['arm-7@1', 'store'],
      ],
    );
    assert.equal(((await run('show', 'arm-7@1')) as RobotType).observations.length, 17);
    const diff = (await run('diff', 'scitos-g5@1', 'arm-7@1')) as RobotTypeDiff;
    assert.deepEqual([diff.step, diff.why], ['major', 'the kind of the actions changed']);
    const same = (await run('diff', armFile, 'arm-7@1')) as RobotTypeDiff;
    assert.equal(same.step, 'none');
  });

  it('a version that follows another is judged with that one, added after it, and diff says how its data reads', async () => {
    const { default: arm } = (await import(armFile, { with: { type: 'json' } })) as { default: RobotType };
    const [position, ...rest] = arm.observations;
    assert.ok(position);
    const follows = {
      version: 1,
      observations: [{ name: 'j1', is: 'scaled' as const, from: position.name, factor: 50, offset: -1 }],
    };
    const changed = { ...position, name: 'j1', unit: 'deg', min: -170, max: 170 };
    const actions = JSON.parse(JSON.stringify(arm.actions).replace(position.name, 'j1')) as RobotType['actions'];
    const next = await armWith({ version: 2, observations: [...rest, changed], actions, follows });
    const before = (await run('check', next)) as { problems: { path: string; got: string }[] };
    assert.deepEqual(
      before.problems.map(({ path, got }) => [path, got]),
      [['follows.version', 'arm-7@1']],
    );
    assert.equal(((await run('check', next, '--follows', armFile)) as { isSound: boolean }).isSound, true);
    const early = (await run('add', next)) as { outcome: string };
    assert.equal(early.outcome, 'unsound');
    await run('add', armFile);
    const added = (await run('add', next)) as { outcome: string; diff: RobotTypeDiff };
    assert.deepEqual([added.outcome, added.diff.step], ['added', 'major']);
    const diff = (await run('diff', 'arm-7@2', 'arm-7@1')) as { reading: BodyMap };
    assert.deepEqual(diff.reading.observations[0], { from: 'j1', factor: 0.02, offset: 0.02 });
    const text = await textOf('diff', 'arm-7@1', 'arm-7@2');
    assert.match(text, /data of arm-7@1 is read as arm-7@2/);
    assert.match(text, /feature +j1 +50 × joint-1-position - 1/);
    assert.match(
      await textOf('show', 'arm-7@2'),
      /follows arm-7@1[\s\S]+feature +j1 +scaled +50 × joint-1-position - 1/,
    );
    const alone = await armWith({ version: 3 });
    assert.match(await textOf('diff', 'arm-7@1', alone), /data of arm-7@1 cannot be read as arm-7@3: .+do not follow/);
  });

  it('models baseline --untrained gives any type with actions something valid to run', async () => {
    await run('add', armFile);
    initKeys(path.join(directory, 'keys'), { nowMs: Date.now() });
    const words = ['baseline', '--policy', 'reacher', '--robot-type', 'arm-7@1'];
    const made = (await runOf(registerModelCommands, 'models', ...words, '--untrained')) as { version: string };
    assert.equal((await readAliases({ store })({ policy: 'reacher' })).champion, made.version);
    const again = (await runOf(registerModelCommands, 'models', ...words, '--untrained')) as { version: string };
    assert.equal(again.version, made.version);
    await assert.rejects(runOf(registerModelCommands, 'models', ...words), /an ONNX file or --untrained/);
    await assert.rejects(runOf(registerModelCommands, 'models', ...words, 'x.onnx', '--untrained'), /got both/);
  });
});

const run = (...words: readonly string[]): Promise<unknown> =>
  runOf(registerRobotTypeCommands, 'robot-types', ...words);

/** Runs the command in this process, and gives what it printed as JSON. */
async function runOf(register: (program: Command) => void, ...words: readonly string[]): Promise<unknown> {
  return JSON.parse(await printed(register, ...words, '--json'));
}

const textOf = (...words: readonly string[]): Promise<string> =>
  printed(registerRobotTypeCommands, 'robot-types', ...words);

async function printed(register: (program: Command) => void, ...words: readonly string[]): Promise<string> {
  const program = new Command().exitOverride();
  register(program);
  const said: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text) => said.push(String(text)) > 0;
  try {
    await program.parseAsync([...words], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return said.join('');
}
