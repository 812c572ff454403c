import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { toolForTest } from '../support/tool.ts';

const folder = fileURLToPath(new URL('../../trainers/lerobot', import.meta.url));

describe('jobs of the LeRobot trainer', () => {
  it('are checked, and become LeRobot data sets, without LeRobot', async function () {
    const python = await toolForTest(this, 'python');
    const { stderr } = await promisify(execFile)(python, ['-m', 'unittest', 'tests.test_job'], {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: path.join(folder, 'src'), PYTHONDONTWRITEBYTECODE: '1' },
    });
    assert.match(stderr, /Ran 6 tests/);
    assert.match(stderr, /\nOK\n/);
  });

  it('are read by the code that the PyTorch trainer reads its own with', () => {
    const [ours, theirs] = ['lerobot/src/flywheel_lerobot', 'pytorch/src/flywheel_pytorch'].map((name) =>
      readFileSync(path.join(folder, '..', name, 'values.py'), 'utf8'),
    );
    assert.equal(ours, theirs, 'a package of both would need an index of its own: mend both');
  });
});
