import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Worker } from '@temporalio/worker';
import { Command } from 'commander';

import { registerTrialCommands } from '../../cli/trials.ts';
import type { RollbackResult, TrialStatus } from '../../workflows/trial-messages.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { stubs } from '../workflows/stubs.ts';
import { holdAt, testTimes } from '../workflows/trial-stubs.ts';

describe('flywheel trial', function () {
  this.timeout(120_000);
  const policy = `wall-${randomUUID().slice(0, 8)}`;
  const environment = { ...process.env };
  let directory: string;
  let stop: () => Promise<void>;

  before(async () => {
    const { address, connection, bundle } = await sharedTemporal();
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-trials-'));
    const prefix = `cli-${randomUUID().slice(0, 8)}-`;
    Object.assign(process.env, {
      FLYWHEEL_STORE: path.join(directory, 'store'),
      FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_QUEUE_PREFIX: prefix,
    });
    const { activities } = stubs(holdAt(0));
    const workers = await Promise.all([
      Worker.create({ connection, taskQueue: `${prefix}orchestration`, workflowBundle: bundle, activities }),
      Worker.create({ connection, taskQueue: `${prefix}fleet`, activities }),
    ]);
    const running = workers.map((worker) => worker.run());
    stop = async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
    };
  });
  after(async () => {
    await stop();
    for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
    Object.assign(process.env, environment);
    await rm(directory, { recursive: true, force: true });
  });

  const status = async () => JSON.parse(await run('trial', 'status', '--policy', policy)) as TrialStatus;
  async function step(kind: string): Promise<void> {
    for (let attempt = 0; attempt < 400 && (await status()).step?.kind !== kind; attempt += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await status()).step?.kind, kind);
  }

  it('offers a version, steers its trial, and hears refusals in words', async () => {
    const input = JSON.stringify({ abTest: false, times: testTimes });
    await assert.rejects(
      run('trial', 'offer', '1.1.0', '--policy', policy, '--input', 'no'),
      /--input: expected a JSON/,
    );
    await assert.rejects(
      run('trial', 'offer', 'newest', '--policy', policy),
      /candidateVersion: expected a policy version/,
    );
    assert.equal(await run('trial', 'offer', '1.1.0', '--policy', policy, '--input', input), '1.1.0 begins\n');
    await step('held');
    await assert.rejects(run('trial', 'resume', '--policy', policy, '--reason', 'r'), /it is not paused/);
    assert.match(await run('trial', 'pause', '--policy', policy, '--reason', 'lunch'), /the guard goes on/);
    await step('paused');
    await run('trial', 'abort', '--policy', policy, '--reason', 'enough');
    for (let attempt = 0; attempt < 200 && (await status()).stage !== 'ended'; attempt += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const { result } = await status();
    assert.deepEqual([result?.outcome, result?.reason], ['aborted', 'enough']);
  });

  it('takes a fleet back, and tells who followed', async () => {
    const text = await run('rollback', '--policy', policy, '--reason', 'it smells', '--json');
    const result = JSON.parse(text) as RollbackResult;
    assert.deepEqual([result.outcome, result.offline], ['rolledBack', ['robot-7']]);
    assert.match(await run('rollback', '--policy', policy, '--reason', 'again'), /1 confirmed, 1 offline, 0 failed/);
  });
});

/** What a command prints. */
async function run(...args: readonly string[]): Promise<string> {
  const program = new Command().exitOverride();
  registerTrialCommands(program);
  const write = process.stdout.write.bind(process.stdout);
  let printed = '';
  process.stdout.write = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  try {
    await program.parseAsync(args, { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return printed;
}
