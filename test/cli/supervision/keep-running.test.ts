import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { firstMessage, startProcess, waitUntil, type Started } from '../../../demo/processes.ts';
import { isAlive } from '../../support/is-alive.ts';
import { keepRunning, type Kept, type Mortal } from '../../../demo/supervision/keep-running.ts';

const ready = "process.send('ready'); setInterval(() => undefined, 1000);";
const backOff = { firstMs: 20, longestMs: 80, steadyMs: 60_000 };

describe('a process that is kept running', () => {
  let directory: string;
  let said: string[];
  let starts: number;
  let kept: Kept<Started & Mortal> | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-keep-'));
    [said, starts, kept] = [[], 0, undefined];
  });
  afterEach(async () => {
    await kept?.stop();
    await rm(directory, { recursive: true });
  });

  async function keep(script: (start: number) => string, pauses = backOff): Promise<Kept<Started & Mortal>> {
    kept = await keepRunning({
      name: 'gateway',
      backOff: pauses,
      say: (line) => said.push(line),
      start() {
        starts += 1;
        const started = startProcess({
          name: 'gateway',
          command: process.execPath,
          args: ['-e', script(starts)],
          logFile: path.join(directory, 'gateway.log'),
          channel: true,
        });
        return { ...started, ready: firstMessage(started) };
      },
    });
    return kept;
  }
  const runsAgain = (times: number): Promise<void> =>
    waitUntil(
      async () => said.filter((line) => line === 'gateway runs again.').length === times,
      () => `gateway to run again ${times} times in:\n${said.join('\n')}`,
      30_000,
      10,
    );

  it('is started again when it is killed, which is told with the last lines of its log', async () => {
    const gateway = await keep((start) => `console.log('life ${start}\\u001b[2J begins'); ${ready}`);
    const first = gateway.now();
    first?.child.kill('SIGKILL');
    await runsAgain(1);
    assert.equal(
      said[0],
      `gateway ended with SIGKILL; its log is ${path.join(directory, 'gateway.log')}; it starts again in 0.0 s.\n  | life 1 [2J begins`,
    );
    assert.notEqual(gateway.now()?.pid, first?.pid);
    gateway.now()?.child.kill('SIGTERM');
    await runsAgain(2);
    assert.match(said[2] ?? '', /SIGTERM.*\n {2}\| life 2 \[2J begins$/, 'only what this life wrote');
  });

  it('pauses longer each time it cannot live, up to a longest pause, and never gives up', async () => {
    const gateway = await keep((start) => (start === 1 || start === 6 ? ready : 'process.exit(7)'), {
      ...backOff,
      firstMs: 100,
      longestMs: 300,
    });
    gateway.now()?.child.kill('SIGKILL');
    await runsAgain(1);
    assert.deepEqual(
      said.flatMap((line) => /starts again in ([\d.]+) s/.exec(line)?.[1] ?? []),
      ['0.1', '0.2', '0.3', '0.3', '0.3'],
    );
    assert.match(said[1] ?? '', /exit code 7/);
  });

  it('rests when told to, and nothing starts it until it is resumed', async () => {
    const gateway = await keep(() => ready);
    await gateway.rest(async ({ child, ended }) => {
      child.kill('SIGKILL');
      await ended;
    });
    assert.deepEqual([gateway.now(), starts, said], [undefined, 1, []]);
    await gateway.resume();
    assert.equal(starts, 2);
    gateway.now()?.child.kill('SIGKILL');
    await runsAgain(1);
  });

  it('stops at once, in a pause and while it starts', async () => {
    const paused = await keep((start) => (start === 1 ? ready : ''), {
      ...backOff,
      firstMs: 600_000,
      longestMs: 600_000,
    });
    paused.now()?.child.kill('SIGKILL');
    await waitUntil(async () => said.length === 1, 'the end to be told', 30_000, 10);
    await paused.stop();
    assert.equal(starts, 1);

    const neverReady = await keep((start) => (start === 2 ? ready : 'setInterval(() => undefined, 1000)'));
    neverReady.now()?.child.kill('SIGKILL');
    await waitUntil(async () => starts === 3, 'a third start', 30_000, 10);
    await neverReady.stop();
    assert.equal(starts, 3);
  });

  it('that cannot even start once says why', async () => {
    await assert.rejects(
      keep(() => 'process.exit(9)'),
      /gateway ended with exit code 9/,
    );
    assert.equal(starts, 1);
  });

  it('leaves nobody behind whom it started itself', async () => {
    const pidFile = path.join(directory, 'pid');
    await writeFile(pidFile, '');
    const gateway = await keep(
      () =>
        `require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' }).pid)); ${ready}`,
    );
    const pid = Number(await readFile(pidFile, 'utf8'));
    assert.ok(pid > 0);
    await gateway.rest(async ({ child, ended }) => {
      child.kill('SIGKILL');
      await ended;
    });
    await waitUntil(async () => !isAlive(pid), `the end of process ${pid}`, 30_000, 10);
  });
});
