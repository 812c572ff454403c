import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { registerLabelCommands } from '../../cli/labels.ts';
import { openLake } from '../../activities/lake/lake.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { numbered, robotType, store } from '../activities/mix/mix-fixture.ts';
import { sharedEngine } from '../support/engine.ts';
import { runCommand } from './stubbed-workers.ts';

describe('flywheel labels', function () {
  this.timeout(60_000);
  let directory: string;
  const before: NodeJS.ProcessEnv = {};
  const run = (...args: string[]) => runCommand(registerLabelCommands, ['labels', ...args]);

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-labels-'));
    Object.assign(before, process.env);
    const root = path.join(directory, 'store');
    Object.assign(process.env, { FLYWHEEL_STORE: root, FLYWHEEL_SCRATCH: path.join(directory, 'scratch') });
    const objects = fileObjectStore({ root });
    await publishRobotType(objects, robotType);
    const engine = sharedEngine(1);
    const session = await engine.open();
    const lake = openLake({
      store: objects,
      engine,
      clock: Date.now,
      stagingDirectory: path.join(directory, 'staging'),
    });
    await store({ lake, session } as never, 0, numbered(31, 2, { frames: 4, outcome: 'failure' }));
    await session.close();
  });
  afterEach(async () => {
    for (const name of ['FLYWHEEL_STORE', 'FLYWHEEL_SCRATCH']) {
      const was = before[name];
      if (was === undefined) delete process.env[name];
      else process.env[name] = was;
    }
    await rm(directory, { recursive: true, force: true });
  });
  const list = async () => JSON.parse((await run('list', '--json')).out) as Record<string, unknown>[];

  it('adds, lists and removes a label, with who and why', async () => {
    const added = await run('add', 'E000031', '--frames', '1-2', '--action', 'turn', '--reason', 'seen', '--json');
    const { labelId } = JSON.parse(added.out) as { labelId: string };
    const [label] = await list();
    assert.deepEqual([label?.['start'], label?.['end'], label?.['action'], label?.['reason']], [1, 3, [2], 'seen']);
    assert.match((await run('list')).out, /1-2.*action 2/);
    assert.equal((await run('remove', labelId, '--reason', 'wrong')).exitCode, 0);
    assert.deepEqual(await list(), []);
    assert.equal((await run('remove', 'nobody', '--reason', 'wrong')).exitCode, 2);
    assert.equal((await run('add', 'E000031', '--failure-reason', 'slipped', '--reason', 'seen')).exitCode, 0);
    for (const wrong of [
      ['--frames', '1-2'],
      ['--frames', '2', '--action', 'turn'],
      ['--frames', '1-9', '--action', 'turn'],
      ['--frames', '1-2', '--action', 'turn', '--failure-reason', 'x'],
      ['--frames', '1-2', '--action', '[1'],
    ])
      assert.equal((await run('add', 'E000031', ...wrong, '--reason', 'r')).exitCode, 2, wrong.join(' '));
  });

  it('imports a file once, however often, and says which line is wrong', async () => {
    const file = path.join(directory, 'labels.jsonl');
    const lines = [
      { labelId: 'a1', episodeId: 'E000031', frames: [0, 1], action: 'turn' },
      { labelId: 'a2', episodeId: 'E000032', failureReason: 'slipped' },
    ];
    await writeFile(file, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n\n`);
    for (let times = 0; times < 2; times += 1)
      assert.match((await run('import', file, '--reason', 'a desk')).out, /2 labels hold/);
    assert.equal((await list()).length, 2);
    for (const [wrong, said] of [
      ['{', /label 2: expected a JSON object a line like .*, got "\{"/],
      ['null', /label 2: expected a JSON object/],
      ['[1]', /label 2: expected a JSON object/],
      ['{"labelId":"x"}', /label 2: episodeId: expected string, got nothing; frames: expected the first and the last/],
      [JSON.stringify({ ...lines[0], labelId: 'a3', more: 1 }), /label 2: it: expected no field "more"/],
      [JSON.stringify({ ...lines[1], labelId: 'a3', failureReason: 1 }), /label 2: failureReason: expected string/],
      [JSON.stringify({ ...lines[0], frames: [0, 99], labelId: 'a3' }), /label 2: /],
      [`"${'x'.repeat(20_000)}"`, /label 2: expected at most 16384 characters in a line, got 20002/],
    ] as const) {
      await writeFile(file, `${JSON.stringify(lines[0])}\n${wrong}\n`);
      const { exitCode, message } = await run('import', file, '--reason', 'a desk');
      assert.equal(exitCode, 2);
      assert.match(message, said);
    }
    await writeFile(file, '\n\n');
    assert.match((await run('import', file, '--reason', 'a desk')).message, /expected labels, .* got none/);
    assert.match((await run('import', directory, '--reason', 'a desk')).message, /got no regular file/);
    assert.equal((await list()).length, 2);
  });
});
