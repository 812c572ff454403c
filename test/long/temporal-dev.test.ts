import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { isListening, waitUntil } from '../../demo/processes.ts';

const script = fileURLToPath(new URL('../../temporal-dev.sh', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

function start(...args: readonly string[]): Run {
  const child = spawn(script, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  return { child, output: () => output, exit };
}

interface Lock {
  readonly supervisor: { readonly pid: number };
  readonly children: readonly { readonly pid: number; readonly name: string }[];
}

const lockOf = (state: string): Lock => JSON.parse(readFileSync(path.join(state, 'dev.lock.json'), 'utf8')) as Lock;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function says(run: Run, text: string): Promise<void> {
  const isSaid = async (): Promise<boolean> => run.output().includes(text);
  const isOver = (): boolean => run.child.exitCode !== null;
  await waitUntil(
    async () => isOver() || isSaid(),
    () => `"${text}" in:\n${run.output()}`,
    300_000,
  );
  assert.ok(await isSaid(), `expected "${text}" in:\n${run.output()}`);
}

const running = 'Running; the weekly schedule continues by itself. Press Ctrl-C to stop.';

describe('temporal-dev.sh', () => {
  let state: string;
  const options = (): string[] => ['--state', state, '--port', '17233', '--ui-port', '18233'];

  beforeEach(async () => {
    state = await mkdtemp(path.join(tmpdir(), 'flywheel-dev-'));
  });
  afterEach(() => rm(state, { recursive: true, force: true }));

  it('learns from its robots, tries what it learned on them, exits with 0 and leaves no process behind', async () => {
    const run = start(...options(), '--cycles', '1', '--exit');
    await says(run, 'training …');
    const { children } = lockOf(state);
    assert.equal(await run.exit, 0, run.output());
    assert.ok(['gateway', 'simulated robots'].every((name) => children.some((child) => child.name === name)));
    assert.match(run.output(), /offered: 1\.1\.0 is planned now/);
    assert.match(run.output(), /the trial of 1\.1\.0 ended: promoted/);
    const [driving] = [...run.output().matchAll(/closed-loop success in .*: \S+ ([\d.]+) %, \S+ ([\d.]+) %/g)];
    assert.ok(Number(driving?.[2]) > Number(driving?.[1]) + 20, driving?.[0]);
    assert.ok(children.length > 0 && !children.some(({ pid }) => isAlive(pid)));
    assert.equal(existsSync(path.join(state, 'dev.lock.json')), false);
    const reports = await readdir(path.join(state, 'store', 'reports'));
    assert.equal(reports.filter((file) => file.endsWith('.html')).length, 1);
  });

  it('refuses a second start, stays up until it is told to stop, and goes on at the next start', async () => {
    const first = start(...options(), '--cycles', '0');
    await says(first, running);
    assert.ok(await isListening(17_233));
    const second = start(...options(), '--cycles', '0');
    assert.equal(await second.exit, 1);
    assert.match(second.output(), /already runs/);
    first.child.kill('SIGINT');
    assert.equal(await first.exit, 0);
    assert.equal(await isListening(17_233), false);

    const third = start(...options(), '--cycles', '0');
    await says(third, running);
    assert.doesNotMatch(third.output(), /First champion/);
    third.child.kill('SIGTERM');
    assert.equal(await third.exit, 0);
  });

  it('killed in the middle of a cycle, ends what was left behind and finishes the cycle', async () => {
    const first = start(...options());
    await says(first, 'training …');
    const { children } = lockOf(state);
    first.child.kill('SIGKILL');
    await first.exit;

    const second = start(...options(), '--exit');
    assert.equal(await second.exit, 0, second.output());
    assert.match(second.output(), /A cycle goes on where it stopped/);
    assert.match(second.output(), /the trial of 1\.1\.0 ended: promoted/);
    assert.ok(!children.some(({ pid }) => isAlive(pid)));
  });

  it('says what is wrong with an option', async () => {
    const run = start('--cycles', 'many');
    assert.equal(await run.exit, 1);
    assert.match(run.output(), /--cycles: expected a whole number/);
    const few = start('--robots', '2');
    assert.equal(await few.exit, 1);
    assert.match(few.output(), /--robots: expected a whole number from 5 to 200/);
  });
});
