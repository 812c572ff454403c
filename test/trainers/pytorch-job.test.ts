import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { toolForTest } from '../support/tool.ts';

const folder = fileURLToPath(new URL('../../trainers/pytorch', import.meta.url));

describe('jobs of the PyTorch trainer', () => {
  it('are read and checked without PyTorch', async function () {
    const python = await toolForTest(this, 'python');
    const { stderr } = await promisify(execFile)(python, ['-m', 'unittest', 'tests.test_job'], {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: `src${path.delimiter}tests`, PYTHONDONTWRITEBYTECODE: '1' },
    });
    assert.match(stderr, /Ran 7 tests/);
    assert.match(stderr, /\nOK\n/);
  });
});
