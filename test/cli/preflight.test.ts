import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { unknownSettings } from '../../workers/known-settings.ts';
import { preflight, type Machine } from '../../demo/preflight.ts';
import { scenarioNames } from '../../demo/scenarios/names.ts';
import { scenarioOf } from '../../demo/scenarios/index.ts';

const run = promisify(execFile);
const firstLook = fileURLToPath(new URL('../../demo/first-look/main.ts', import.meta.url));
const gib = 2 ** 30;
const machine: Machine = { memoryBytes: 8 * gib, freeBytes: () => 100 * gib, askStore: async () => undefined };

describe('before temporal-dev.sh begins', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'flywheel-preflight-'))));
  afterEach(() => rm(directory, { recursive: true }));
  const looked = (
    environment: Readonly<Record<string, string>>,
    more: Partial<Machine> = {},
    stateDirectory = directory,
  ) => preflight({ stateDirectory }, environment, { ...machine, ...more });

  it('everything is right where nothing is set, and only the state folder is made', async () => {
    const state = path.join(directory, 'a', 'state');
    assert.deepEqual(await looked({ PATH: '/usr/bin' }, {}, state), { wrong: [], notes: [] });
    assert.deepEqual(await readdir(state), []);
  });

  it('a misspelt variable is told, with what it may have meant', () => {
    assert.deepEqual(
      unknownSettings({ FLYWHEEL_STOER: 'x', FLYWHEEL_STORE: 'y', FLYWHEEL_ROBOT_TOKEN: 'z', PATH: '' }),
      ['FLYWHEEL_STOER: unknown setting; did you mean FLYWHEEL_STORE?'],
    );
    assert.deepEqual(unknownSettings({ FLYWHEEL_GATEWAY_PROT: '1' }), [
      'FLYWHEEL_GATEWAY_PROT: unknown setting; did you mean FLYWHEEL_GATEWAY_PORT?',
    ]);
    assert.deepEqual(unknownSettings({ FLYWHEEL_QUITE_ANOTHER_THING: '1' }), [
      'FLYWHEEL_QUITE_ANOTHER_THING: unknown setting',
    ]);
  });

  it('a misspelt variable, option or scenario is told without any package, within the first second or so', async () => {
    const environment = { PATH: process.env['PATH'] ?? '', FLYWHEEL_SQL_MEMORY_MB: '1' };
    const look = (...args: readonly string[]) =>
      run(process.execPath, [firstLook, ...args], { env: environment }).then(
        () => assert.fail('expected a refusal'),
        (error: { code: number; stderr: string }) => error,
      );
    const { code, stderr } = await look('--robtos', '5');
    assert.equal(code, 1);
    assert.match(stderr, /FLYWHEEL_SQL_MEMORY_MB: .*did you mean FLYWHEEL_SQL_MEMORY_MIB\?\n.*--robtos/);
    assert.match((await look('--scenario', 'nope')).stderr, /--scenario: expected one of flywheel, /);
  });

  it('every wrong setting is told at once', async () => {
    const { wrong } = await looked({
      FLYWHEEL_THREADS: 'two',
      FLYWHEEL_GATEWAY_LOOK_MS: '-1',
      FLYWHEEL_STROE: 'x',
      FLYWHEEL_METRICS_ADDRESS: '127.0.0.1:9464',
    });
    assert.deepEqual(
      wrong.map((sentence) => /FLYWHEEL_\w+/.exec(sentence)?.[0]),
      ['FLYWHEEL_STROE', 'FLYWHEEL_GATEWAY_LOOK_MS', 'FLYWHEEL_THREADS', 'FLYWHEEL_METRICS_ADDRESS'],
    );
  });

  it('a full disk, a state that is a file, and one that cannot be made are told', async () => {
    const full = await looked({}, { freeBytes: () => gib / 2 });
    assert.match(full.wrong.join(), /expected at least 1 GiB free at .*, got 0\.5 GiB/);
    const tight = await looked({}, { freeBytes: () => 2 * gib, memoryBytes: 2 * gib });
    assert.deepEqual([tight.wrong, tight.notes.length], [[], 2]);
    const file = path.join(directory, 'file');
    await writeFile(file, '');
    assert.match((await looked({}, {}, file)).wrong.join(), /expected a folder, got the file/);
    assert.match((await looked({}, {}, path.join(file, 'below'))).wrong.join(), /expected a folder, got the file/);
    assert.match((await looked({}, {}, '/proc/nope/x')).wrong.join(), /expected a folder that can be created/);
  });

  it('a store that does not answer is told, and another server in the shell is noted', async () => {
    const { wrong } = await looked(
      { FLYWHEEL_STORE: 's3://fleet-lake' },
      {
        askStore: async () => {
          throw new Error('no such bucket');
        },
      },
    );
    assert.deepEqual(wrong, ['FLYWHEEL_STORE s3://fleet-lake: no such bucket']);
    const { notes } = await looked({ FLYWHEEL_TEMPORAL_ADDRESS: '127.0.0.1:7233' });
    assert.match(notes.join(), /commands in this shell will use the one that is set/);
  });

  it('every scenario that can be named is one that can be played', () => {
    for (const name of scenarioNames) assert.ok(scenarioOf(name).summary.length > 0, name);
  });
});
