import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { toolForTest } from '../support/tool.ts';

const folder = fileURLToPath(new URL('../../trainers/launcher', import.meta.url));

describe('the launcher for clusters', () => {
  it('plans, and names what is wrong with the description of a cluster', async function () {
    const python = await toolForTest(this, 'python');
    const { stderr } = await promisify(execFile)(python, ['-m', 'unittest', 'tests.test_launcher.Files'], {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: `src${path.delimiter}tests`, PYTHONDONTWRITEBYTECODE: '1' },
    });
    assert.match(stderr, /Ran 3 tests/);
    assert.match(stderr, /\nOK\n/);
  });
});
