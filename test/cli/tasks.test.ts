import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Command } from 'commander';

import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { readTaskFile } from '../../cli/task-file.ts';
import { registerTaskCommands } from '../../cli/tasks.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import type { TaskCatalogue } from '../../datasets/task-catalogue.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';

const policy = 'wall';
const first = scitosG5Type.tasks[0] ?? '';

describe('flywheel tasks', () => {
  let directory: string;
  const set: Record<string, string | undefined> = {};
  const store = () => fileObjectStore({ root: path.join(directory, 'store') });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-tasks-'));
    await publishRobotType(store(), scitosG5Type);
    await createPolicyDocument(store(), { policy, robotType: { id: 'scitos-g5', version: 1 } });
    for (const [name, folder] of [
      ['FLYWHEEL_STORE', 'store'],
      ['FLYWHEEL_SCRATCH', 'scratch'],
    ] as const) {
      set[name] = process.env[name];
      process.env[name] = path.join(directory, folder);
    }
  });
  afterEach(async () => {
    for (const [name, value] of Object.entries(set))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await rm(directory, { recursive: true, force: true });
  });

  const catalogue = (): Promise<TaskCatalogue> => readTaskCatalogue(store(), policy, scitosG5Type);
  const states = async () => (await catalogue()).tasks.map(({ index, id, status }) => `${index} ${id} ${status}`);
  const reason = ['--reason', 'a test', '--who', 'ada'];
  async function fileOf(text: string | Uint8Array): Promise<string> {
    const file = path.join(directory, 'tasks.txt');
    await writeFile(file, text);
    return file;
  }

  it('begin with those of the robot type, before anybody said anything', async () => {
    const said = await run('list', '--json');
    assert.equal((JSON.parse(said) as TaskCatalogue).seq, -1);
    assert.match(await run('list'), new RegExp(`0 +${first} +active +${first} +with the robot type`));
  });

  it('add, retire and add again keep a task its index, and say who and why', async () => {
    assert.match(await run('add', 'dock', '--instruction', 'go to the dock', ...reason), /dock is active with index 1/);
    await run('add', 'park', '--instruction', 'park at the wall', ...reason);
    assert.match(await run('retire', 'dock', ...reason), /retired; it keeps index 1/);
    assert.deepEqual(await states(), [`0 ${first} active`, '1 dock retired', '2 park active']);
    assert.match(await run('list'), /1 +dock +retired +go to the dock +\d{4}-.* ada +a test/);
    await run('add', 'dock', '--instruction', 'dock again', ...reason);
    assert.deepEqual((await states())[1], '1 dock active');
    assert.match(
      await run('add', 'dock', '--instruction', 'dock again', ...reason),
      /1 of 1 changes were already in effect/,
    );
    assert.equal((await catalogue()).seq, 3);
  });

  it('refuse ids that are none, unknown tasks, and the last active one', async () => {
    for (const id of ['__proto__', 'Dock', 'a b', '../x'])
      await assert.rejects(
        run('add', id, '--instruction', 'go', ...reason),
        /lower-case letters, digits and dashes/,
        id,
      );
    await assert.rejects(run('retire', 'constructor', ...reason), /task constructor: there is no such task/);
    await assert.rejects(run('retire', first, ...reason), /at least one active task/);
    await assert.rejects(run('add', 'dock', '--instruction', 'a\u001B[2Jb', ...reason), /control characters/);
    assert.deepEqual(await states(), [`0 ${first} active`]);
    await run('add', 'constructor', '--instruction', 'a name like any other', ...reason);
    assert.deepEqual((await states())[1], '1 constructor active');
  });

  it('import takes CSV and JSON lines', async () => {
    const csv = 'instruction,id\r\n"go to the dock, ""slowly""",dock\r\n\r\npark at the wall,park\r\n';
    await run('import', await fileOf(`\uFEFF${csv}`), ...reason);
    assert.deepEqual(
      (await catalogue()).tasks.slice(1).map(({ id, instruction }) => [id, instruction]),
      [
        ['dock', 'go to the dock, "slowly"'],
        ['park', 'park at the wall'],
      ],
    );
    await run(
      'import',
      await fileOf('{"id":"wait","instruction":"wait here"}\n\n{"id":"turn","instruction":"turn"}'),
      ...reason,
    );
    assert.equal((await catalogue()).seq, 1);
    assert.deepEqual((await states()).slice(3), ['3 wait active', '4 turn active']);
  });

  it('import takes all or nothing, and tells every line that is wrong', async () => {
    const csv = 'id,instruction\ndock,go to the dock\nPark,park\nwait\nturn,\n';
    await assert.rejects(run('import', await fileOf(csv), ...reason), (error: Error) => {
      assert.match(error.message, /line 3: id: expected lower-case/);
      assert.match(error.message, /line 4: expected 2 fields, got 1/);
      assert.match(error.message, /line 5: instruction: /);
      return true;
    });
    await assert.rejects(
      run('import', await fileOf('id,instruction\ndock,go\npark,park\ndock,go\n'), ...reason),
      /line 4: task dock: it is named twice/,
    );
    assert.deepEqual(await states(), [`0 ${first} active`]);
  });

  it('import refuses what no file of tasks is, whoever made it', async () => {
    const refused = async (text: string | Uint8Array, why: RegExp) =>
      assert.rejects(readTaskFile(await fileOf(text)), why, String(text).slice(0, 40));
    await refused('', /expected 1 to 1024 tasks, got 0/);
    await refused('task;text\na;b\n', /expected the columns id,instruction/);
    await refused('id,instruction\ndock,"never closed', /quote that is not closed/);
    await refused('id,instruction\ndock,"a"b\n', /quote that is not closed/);
    await refused('{"id":"dock"', /line 1: expected a JSON object/);
    await refused('{"id":"dock","instruction":"go","index":0}', /line 1: /);
    await refused('{"__proto__":{"id":"dock"},"instruction":"go"}', /line 1: /);
    await refused(`{"id":"dock","instruction":${'['.repeat(100_000)}`, /line 1: /);
    await refused(`id,instruction\n${'"'.repeat(1_000_001)}`, /line 2|not closed/);
    await refused('x'.repeat(3 * 1024 * 1024), /at most 2097152 bytes/);
    await refused(new Uint8Array([0xff, 0xfe, 0, 1]), /expected text in UTF-8, got other bytes/);
    const many = Array.from({ length: 1025 }, (_, place) => `t${place},go`).join('\n');
    await refused(`id,instruction\n${many}`, /expected 1 to 1024 tasks, got 1025/);
    await assert.rejects(readTaskFile(directory), /expected a file, got something else/);
  });

  async function run(...args: readonly string[]): Promise<string> {
    const program = new Command().exitOverride();
    registerTaskCommands(program);
    let said = '';
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = (text: string | Uint8Array) => {
      said += String(text);
      return true;
    };
    try {
      await program.parseAsync(['tasks', ...args, '--policy', policy], { from: 'user' });
    } finally {
      process.stdout.write = write;
    }
    return said;
  }
});
