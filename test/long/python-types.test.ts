import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { toolForTest } from '../support/tool.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the types of the Python client', () => {
  it('pass mypy’s strict rules, examples included', async function () {
    await toolForTest(this, 'python-package');
    const { status, stdout } = spawnSync(process.execPath, [path.join(root, 'tools/python-types.ts')], {
      encoding: 'utf8',
    });
    assert.match(stdout, /no issues found in \d+ source files/);
    assert.equal(status, 0);
  });
});
