import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { readConsoleSettings } from '../../console/settings.ts';
import { addOperator, newOperatorToken } from '../../fleet/desk/operators.ts';
import { tokenHash } from '../../fleet/desk/robot-tokens.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';

const main = fileURLToPath(new URL('../../console/main.ts', import.meta.url));

describe('the console’s process', function () {
  this.timeout(60_000);

  it('listens on this machine, answers who has a token, without a Temporal server too, and ends when it is told to', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-console-'));
    const store = fileObjectStore({ root: path.join(directory, 'store') });
    const token = newOperatorToken('ada', randomBytes);
    await addOperator(
      { store, clock: Date.now },
      { name: 'ada', role: 'viewer', tokenHash: tokenHash(token), who: 't', why: 't' },
    );
    const child = spawn(process.execPath, [main], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...process.env,
        FLYWHEEL_STORE: path.join(directory, 'store'),
        FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
        FLYWHEEL_TEMPORAL_ADDRESS: '127.0.0.1:1',
        FLYWHEEL_CONSOLE_PORT: '0',
        FLYWHEEL_LOG_LEVEL: 'silent',
      },
    });
    try {
      const ended = once(child, 'exit');
      const [message] = (await once(child, 'message')) as [{ url: string }];
      assert.match(message.url, /^http:\/\/127\.0\.0\.1:\d+$/);
      const ask = (path: string, as?: string) =>
        fetch(`${message.url}${path}`, as === undefined ? {} : { headers: { authorization: `Bearer ${as}` } });
      assert.equal((await ask('/healthz')).status, 200);
      assert.equal((await ask('/api/v1/me')).status, 401);
      const me = (await (await ask('/api/v1/me', token)).json()) as Record<string, unknown>;
      assert.deepEqual([me['name'], me['role']], ['ada', 'viewer']);
      const cycle = await ask('/api/v1/cycle?id=cycle/wall-1', token);
      const { error } = (await cycle.json()) as { error: { type: string; message: string } };
      assert.deepEqual([cycle.status, error.type], [503, 'temporalUnavailable']);
      assert.match(error.message, /has not answered this console since \d{4}-\d\d-\d\dT[\d:]{8}Z/);
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    } finally {
      child.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('refuses a setting that it does not know, or that is none', () => {
    assert.deepEqual(readConsoleSettings({}), { host: '127.0.0.1', port: 8_790 });
    for (const environment of [{ FLYWHEEL_CONSOLE_PORT: 'http' }, { FLYWHEEL_CONSOLE_HOSTS: 'all' }])
      assert.throws(() => readConsoleSettings(environment), /settings: /);
  });
});
