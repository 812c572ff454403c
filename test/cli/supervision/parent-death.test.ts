import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { waitUntil } from '../../../demo/processes.ts';
import { isAlive } from '../../support/is-alive.ts';

const children = fileURLToPath(new URL('../../support/children/', import.meta.url));
const limitMs = 30_000;

describe('when the supervisor dies', () => {
  let directory: string;
  let logFile: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-death-'));
    logFile = path.join(directory, 'log');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const start = (name: string): ChildProcess =>
    spawn(process.execPath, [path.join(children, name), logFile], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  async function firstLine(child: ChildProcess): Promise<unknown> {
    let text = '';
    child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
    await waitUntil(async () => text.includes('\n'), 'a line', limitMs, 20);
    return JSON.parse(text.slice(0, text.indexOf('\n')));
  }
  async function supervised() {
    const supervisor = start('supervise.ts');
    const pids = (await firstLine(supervisor)) as { readonly children: readonly number[]; readonly guard: number };
    assert.deepEqual(pids.children.map(isAlive), [true, true]);
    return { supervisor, pids };
  }
  const areGone = ({ children: pids, guard }: { readonly children: readonly number[]; readonly guard: number }) =>
    waitUntil(async () => ![...pids, guard].some(isAlive), `the end of ${pids.join(', ')}`, limitMs, 50);

  for (const signal of ['SIGKILL', 'SIGHUP', 'SIGTERM', 'SIGQUIT'] as const)
    it(`by ${signal}, its children end, those that do not obey too, and the guard`, async () => {
      const { supervisor, pids } = await supervised();
      supervisor.kill(signal);
      await once(supervisor, 'exit');
      await areGone(pids);
    });

  it('after its guard was killed, the next guard ends them', async () => {
    const { supervisor, pids } = await supervised();
    process.kill(pids.guard, 'SIGKILL');
    await waitUntil(async () => !isAlive(pids.guard), 'the end of the guard', limitMs, 20);
    const next = (): Promise<string> => childrenOf(supervisor.pid ?? 0);
    await waitUntil(async () => (await next()).includes('end-orphans'), 'another guard', limitMs, 50);
    supervisor.kill('SIGKILL');
    await once(supervisor, 'exit');
    await areGone(pids);
  });

  it('because nobody listens to it any more, it says so in its log, and its children end', async () => {
    const { supervisor, pids } = await supervised();
    supervisor.stdout?.destroy();
    assert.deepEqual(await once(supervisor, 'exit'), [3, null]);
    assert.match(await readFile(logFile, 'utf8'), /nobody listens: its output was closed \(EPIPE\)/);
    await areGone(pids);
  });

  it('a worker that does not stop when asked ends all the same', async () => {
    const parent = start('with-parent.ts');
    const { pid, message } = (await firstLine(parent)) as { readonly pid: number; readonly message: string };
    assert.deepEqual([message, isAlive(pid)], ['ready', true]);
    parent.kill('SIGKILL');
    await waitUntil(async () => !isAlive(pid), `the end of ${pid}`, limitMs, 50);
    assert.equal(await readFile(logFile, 'utf8'), 'asked to stop\n');
  });
});

async function childrenOf(pid: number): Promise<string> {
  const ps = spawn('ps', ['-o', 'args=', '--ppid', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  ps.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await once(ps, 'close');
  return text;
}
