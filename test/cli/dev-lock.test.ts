import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { takeLock } from '../../demo/lock.ts';

describe("the supervisor's lock of its state folder", () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'flywheel-lock-'))));
  afterEach(() => rm(directory, { recursive: true }));

  it('refuses a second supervisor, and on its release ends what was left of the first', async () => {
    const taken = takeLock(directory);
    assert.ok('lock' in taken);
    assert.deepEqual(takeLock(directory), { heldByPid: process.pid });

    const forgotten = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const ended = once(forgotten, 'exit');
    taken.lock.remember({ name: 'forgotten', pid: forgotten.pid ?? 0, ended });
    await taken.lock.release();
    assert.deepEqual(await ended, [null, 'SIGTERM']);
    assert.equal(existsSync(path.join(directory, 'dev.lock.json')), false);
  });
});
