import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';

import { freePort, waitUntil } from '../../demo/processes.ts';
import { startTemporalServer } from '../../demo/temporal-server.ts';
import { bundleWorkflows } from '../../workers/bundle.ts';
import type { RolloutResult } from '../../workflows/trial/messages.ts';
import { stubs, type ActivityName, type Stubs } from '../workflows/stubs.ts';
import { verdicts } from '../workflows/trial-stubs.ts';

const tickMs = 12_000;
const downMs = 16_000;

interface Life {
  readonly result: RolloutResult;
  readonly calls: Stubs['calls'];
  /** From the server's second start to the tick that was due while it was dead. */
  readonly tickAfterMs: number;
}

/** A rollout whose server is killed in the wait for its first tick, and comes back after the tick was due. */
async function rolloutWithDeath(leaseMs: number): Promise<Life> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-server-death-'));
  const [port, uiPort] = [await freePort(), await freePort()];
  const files = { databaseFile: path.join(directory, 'temporal.db'), logFile: path.join(directory, 'temporal.log') };
  const { activities, calls } = stubs(verdicts('advance', 'rollback'));
  const count = (name: ActivityName): number => calls.filter((call) => call.name === name).length;
  let server = await startTemporalServer({ ...files, port, uiPort });
  try {
    const connection = await NativeConnection.connect({ address: server.address });
    const workflowBundle = await bundleWorkflows(() => undefined);
    const worker = await Worker.create({ connection, taskQueue: 'death', workflowBundle, activities });
    const running = worker.run();
    const client = new Client({ connection });
    const handle = await client.workflow.start('rolloutPolicy', {
      taskQueue: 'death',
      workflowId: 'trial/wall/rollout',
      args: [{ policy: 'wall', times: { tickMs, leaseMs } }],
    });
    await waitUntil(async () => count('writeExposure') === 1, 'the first exposure', 30_000, 50);
    await sleep(2_000);
    process.kill(server.pid, 'SIGKILL');
    await server.ended;
    await sleep(downMs);
    assert.equal(count('judgeTick'), 0);
    server = await startTemporalServer({ ...files, port, uiPort });
    const startedMs = Date.now();
    await waitUntil(async () => count('judgeTick') === 1, 'the tick that was due', 60_000, 50);
    const tickAfterMs = Date.now() - startedMs;
    const result = (await handle.result()) as RolloutResult;
    worker.shutdown();
    await running;
    await connection.close();
    return { result, calls, tickAfterMs };
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

const exposures = (calls: Stubs['calls']): unknown[] =>
  calls.filter(({ name }) => name === 'writeExposure').map(({ input }) => (input as { robots: number }).robots);

describe('a rollout whose server is killed in the wait for a tick', function () {
  this.timeout(300_000);

  it('goes on at once and only once, with its lease still alive', async () => {
    const { result, calls, tickAfterMs } = await rolloutWithDeath(60_000);
    assert.ok(tickAfterMs < 10_000, `${tickAfterMs} ms`);
    assert.deepEqual(exposures(calls), [5, 25]);
    assert.equal(result.outcome, 'rolledBack');
    const ticks = calls.filter(({ name }) => name === 'judgeTick').map(({ input }) => (input as { tick: number }).tick);
    assert.deepEqual(ticks, [0, 1]);
  });

  it('exposes its stage again when the lease ended meanwhile, because the robots went back by themselves', async () => {
    const { result, calls } = await rolloutWithDeath(13_000);
    assert.deepEqual(exposures(calls), [5, 5], 'the stage is not proven by a time nobody watched');
    assert.equal(result.outcome, 'rolledBack');
  });
});
