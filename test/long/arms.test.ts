import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { toolForTest } from '../support/tool.ts';

const clients = fileURLToPath(new URL('../../clients', import.meta.url));

describe('the arms in MuJoCo', () => {
  it('keep the promises of their world, by themselves', async function () {
    const python = await toolForTest(this, 'python-mujoco');
    const child = spawn(python, ['-m', 'unittest', 'discover', '-s', 'tests'], {
      cwd: path.join(clients, 'mujoco'),
      env: {
        ...process.env,
        MUJOCO_GL: process.env['MUJOCO_GL'] ?? 'egl',
        PYTHONPATH: ['python', 'mujoco'].map((name) => path.join(clients, name, 'src')).join(path.delimiter),
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, said);
    assert.ok(Number(/Ran (\d+) tests/.exec(said)?.[1]) >= 9, said);
    assert.doesNotMatch(said, /skipped/);
  });
});
