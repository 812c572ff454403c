import assert from 'node:assert/strict';
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { frameAt, temporaryDirectory, until } from '../fleet/agent/robot.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the agent as a process', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let key: string;
  const children: ChildProcess[] = [];
  before(async () => {
    folder = await temporaryDirectory();
    key = path.join(folder.directory, 'key.pem');
    const { publicKey } = generateKeyPairSync('ed25519');
    await writeFile(key, publicKey.export({ type: 'spki', format: 'pem' }));
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await folder.remove();
  });

  /** An agent without a gateway. */
  function start(name: string, stdio: StdioOptions) {
    const dir = path.join(folder.directory, name);
    const where = ['--robot', 'r1', '--gateway', 'http://127.0.0.1:1', '--dir', dir, '--public-key', key];
    const child = spawn(process.execPath, ['cli/main.ts', 'agent', ...where], {
      cwd: root,
      env: { ...process.env, FLYWHEEL_ROBOT_TOKEN: 'token' },
      stdio,
    });
    children.push(child);
    let said = '';
    child.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
    const closed = once(child, 'exit').then(([code]) => code as number | null);
    const ready = until('ready', () => said.includes('"ready"'));
    const records = (): string =>
      readdirSync(path.join(dir, 'spool'))
        .map((file) => readFileSync(path.join(dir, 'spool', file), 'latin1'))
        .join('');
    const installed = (): { life: unknown } =>
      JSON.parse(readFileSync(path.join(dir, 'installed.json'), 'utf8')) as { life: unknown };
    return { child, ready, closed, said: () => said, records, installed };
  }

  it('ends with the program that started it, also if that never said a word', async () => {
    const { child, ready, closed, installed } = start('silent', ['pipe', 'pipe', 'ignore']);
    await ready;
    child.stdin?.end();
    assert.equal(await closed, 0);
    assert.equal(installed().life, null, 'an orderly end is no crash');
  });

  it('runs on without a program, until it is asked to end', async () => {
    const { child, ready, closed } = start('service', ['ignore', 'pipe', 'ignore']);
    await ready;
    const early = await Promise.race([closed, new Promise((resolve) => setTimeout(() => resolve('runs'), 500))]);
    assert.equal(early, 'runs');
    child.kill('SIGTERM');
    assert.equal(await closed, 0);
  });

  it('ends in order, its episode with it, when nobody reads what it says', async () => {
    const { child, ready, closed, said, records, installed } = start('unread', ['pipe', 'pipe', 'pipe']);
    await ready;
    child.stdin?.on('error', () => undefined);
    child.stdin?.write(`${JSON.stringify({ do: 'record', id: 1, ...frameAt(0) })}\n`);
    await until('recorded', () => said().includes('"id":1'));
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.stdin?.write('{"do":"status","id":2}\n');
    assert.equal(await closed, 0);
    assert.match(records() || 'settled', /agentStopped|settled/);
    assert.equal(installed().life, null);
  });
});
