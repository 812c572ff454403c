import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { toolForTest } from '../support/tool.ts';

const folder = fileURLToPath(new URL('../../trainers/lerobot', import.meta.url));

describe('the LeRobot trainer', () => {
  it('trains with LeRobot itself, and gives its policy back as ONNX', async function () {
    const python = await toolForTest(this, 'python-lerobot');
    const child = spawn(python, ['-m', 'unittest', 'test_training'], {
      cwd: folder,
      env: {
        ...process.env,
        PYTHONPATH: ['src', 'tests'].map((name) => path.join(folder, name)).join(path.delimiter),
        PYTHONDONTWRITEBYTECODE: '1',
        OMP_NUM_THREADS: '1',
        HF_HUB_OFFLINE: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, said);
    assert.match(said, /Ran 5 tests/);
  });
});
