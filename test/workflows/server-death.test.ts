import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';

import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { freePort, waitUntil } from '../../demo/processes.ts';
import { startTemporalServer, type TemporalServer } from '../../demo/temporal-server.ts';
import type { RolloutResult } from '../../workflows/trial/messages.ts';
import { sharedBundle } from '../support/shared-bundle.ts';
import { stubs, type ActivityName, type Stubs } from './stubs.ts';
import { verdicts } from './trial-stubs.ts';

/** Time enough to see that both wait, on a busy machine too. */
const tickMs = 6_000;
const shortLeaseMs = 7_000;
const longLeaseMs = 300_000;
/** Longer than the short lease, so the first tick is overdue and one of the two leases is over. */
const downMs = shortLeaseMs + 500;

interface Rollout {
  readonly calls: Stubs['calls'];
  readonly start: () => Promise<void>;
  /** Whether its history says that it waits for its first tick. */
  readonly waits: () => Promise<boolean>;
  readonly result: () => Promise<RolloutResult>;
  readonly close: () => Promise<void>;
}

/** A rollout and its worker, which is ready before the rollout starts. */
async function prepareRollout({ address }: TemporalServer, policy: string, leaseMs: number): Promise<Rollout> {
  const { activities, calls } = stubs(verdicts('advance', 'rollback'));
  const connection = await NativeConnection.connect({ address });
  const workflowBundle = await sharedBundle();
  const worker = await Worker.create({ connection, taskQueue: policy, workflowBundle, activities });
  const running = worker.run();
  const { workflow } = new Client({ connection });
  const workflowId = workflowIds.rolloutPolicy(workflowIds.trialPolicy(policy));
  return {
    calls,
    start: async () => {
      const args = [{ policy, times: { tickMs, leaseMs } }];
      await workflow.start('rolloutPolicy', { taskQueue: policy, workflowId, args });
    },
    waits: async () => {
      const { events } = await workflow.getHandle(workflowId).fetchHistory();
      return exposed({ calls }).length === 1 && events?.at(-1)?.timerStartedEventAttributes != null;
    },
    result: () => workflow.getHandle(workflowId).result() as Promise<RolloutResult>,
    close: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}

const inputsOf = (calls: Stubs['calls'], name: ActivityName): Record<string, unknown>[] =>
  calls.filter((call) => call.name === name).map((call) => call.input as Record<string, unknown>);
const exposed = ({ calls }: Pick<Rollout, 'calls'>): unknown[] =>
  inputsOf(calls, 'writeExposure').map(({ robots }) => robots);
const ticks = ({ calls }: Rollout): unknown[] => inputsOf(calls, 'judgeTick').map(({ tick }) => tick);

describe('rollouts whose server is killed in the wait for a tick', function () {
  this.timeout(300_000);

  it('go on with the tick that was due, once; a stage whose lease ended meanwhile is exposed again', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-server-death-'));
    const [port, uiPort] = [await freePort(), await freePort()];
    const files = { databaseFile: path.join(directory, 'temporal.db'), logFile: path.join(directory, 'temporal.log') };
    let server = await startTemporalServer({ ...files, port, uiPort });
    const rollouts: Rollout[] = [];
    try {
      const alive = await prepareRollout(server, 'wall', longLeaseMs);
      rollouts.push(alive);
      const lapsed = await prepareRollout(server, 'floor', shortLeaseMs);
      rollouts.push(lapsed);
      await Promise.all(rollouts.map((rollout) => rollout.start()));
      for (const { waits } of rollouts) await waitUntil(waits, 'the wait for the first tick', 30_000, 50);
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
      await sleep(downMs);
      assert.deepEqual([ticks(alive), ticks(lapsed)], [[], []]);
      server = await startTemporalServer({ ...files, port, uiPort });
      const results = await Promise.all(rollouts.map((rollout) => rollout.result()));
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ['rolledBack', 'rolledBack'],
      );
      assert.deepEqual(exposed(alive), [5, 25]);
      assert.deepEqual(ticks(alive), [0, 1]);
      assert.deepEqual(exposed(lapsed), [5, 5], 'the stage is not proven by a time nobody watched');
    } finally {
      for (const { close } of rollouts) await close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    }
  });
});
