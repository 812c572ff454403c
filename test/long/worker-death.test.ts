import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { registerTinyBaseline } from '../../demo/baseline.ts';
import { startProcess, waitUntil, firstMessage, type Started } from '../../demo/processes.ts';
import { initKeys } from '../../activities/adapters/key-changes.ts';
import { openContext } from '../../cli/context.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { writeGeneratedWeek } from '../support/generated-week/generator.ts';
import { readSettings, type Queue } from '../../workers/config.ts';
import type { CycleResult } from '../../workflows/cycle/messages.ts';
import { sharedTemporal } from '../support/temporal.ts';

const main = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));
const policy = 'wall-follower';

interface Outcome {
  readonly outcome: CycleResult['outcome'];
  readonly reason: string;
  readonly modelSha256: string | undefined;
  readonly episodes: number;
  readonly noticedMs: number;
}

/** One cycle with workers in processes of their own; `victim`'s worker is killed as soon as its activity reports progress. */
async function cycleWithDeath(victim: Queue | undefined): Promise<Outcome> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-death-'));
  const { client, address } = await sharedTemporal();
  const prefix = `death-${path.basename(directory)}-`;
  const environment = {
    FLYWHEEL_STORE: path.join(directory, 'store'),
    FLYWHEEL_KEYS: path.join(directory, 'keys'),
    FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
    FLYWHEEL_QUEUE_PREFIX: prefix,
    FLYWHEEL_TEMPORAL_ADDRESS: address,
    FLYWHEEL_LOG_LEVEL: 'warn',
    TZ: 'UTC',
  };
  const running: Started[] = [];
  const startWorker = async (queues: string): Promise<Started> => {
    const worker = startProcess({
      name: `${queues} worker`,
      command: process.execPath,
      args: [main, '--queues', queues],
      logFile: path.join(directory, `${queues}.log`),
      environment,
      channel: true,
    });
    running.push(worker);
    await firstMessage(worker);
    return worker;
  };
  try {
    initKeys(environment.FLYWHEEL_KEYS, { nowMs: Date.now() });
    const context = await openContext(readSettings(environment));
    await registerTinyBaseline(context, policy, scitosG5Type);
    const { store, scratchDirectory } = context;
    await writeGeneratedWeek({ store, scratchDirectory }, { seed: 5, week: 1 });
    const workers = {
      orchestration: await startWorker('orchestration,fleet'),
      data: await startWorker('data'),
      training: await startWorker('training'),
    };
    const handle = await client.workflow.start('weeklyCycle', {
      taskQueue: `${prefix}orchestration`,
      workflowId: `cycle/${prefix}1`,
      args: [{ policy, bootstrap: true }],
    });
    let noticedMs = 0;
    if (victim === 'data' || victim === 'training') {
      const step = victim === 'data' ? 'ingestBatch' : 'trainModel';
      const child = await stepOf(victim === 'data' ? 'collect/scitos-g5' : `train/`, prefix, step);
      workers[victim].child.kill('SIGKILL');
      const killedMs = Date.now();
      await workers[victim].ended;
      await startWorker(victim);
      await waitUntil(async () => (await attemptOf(child, step)) > 1, `a second attempt of ${step}`, 60_000, 100);
      noticedMs = Date.now() - killedMs;
    }
    const result = (await handle.result()) as CycleResult;
    // What the gates say of a model of these few episodes is not the question; that they say the same of the same one is.
    assert.ok(result.outcome === 'promoted' || result.outcome === 'gatesHold', result.reason);
    assert.notEqual(result.modelSha256, undefined, result.reason);
    const { episodes } = await context.lake.currentVersion();
    const session = await context.engine.open();
    const [row] = await session.rows(
      `SELECT count(*) AS n, count(DISTINCT episode_id) AS ids FROM ${await context.lake.scan('episodes', episodes)}`,
    );
    await session.close();
    assert.equal(row?.['n'], row?.['ids']);
    const { outcome, reason, modelSha256 } = result;
    return { outcome, reason, modelSha256, episodes: Number(row?.['n']), noticedMs };
  } finally {
    await Promise.all(running.map((worker) => worker.stop()));
    await rm(directory, { recursive: true, force: true });
  }
}

/** Id of the running workflow whose activity `step` has reported progress. */
async function stepOf(idPrefix: string, prefix: string, step: string): Promise<string> {
  const { client } = await sharedTemporal();
  let found: string | undefined;
  await waitUntil(
    async () => {
      for await (const { workflowId, taskQueue } of client.workflow.list({ query: 'ExecutionStatus = "Running"' }))
        if (workflowId.startsWith(idPrefix) && taskQueue === `${prefix}orchestration`) {
          const { raw } = await client.workflow.getHandle(workflowId).describe();
          const pending = raw.pendingActivities?.find((activity) => activity.activityType?.name === step);
          if (pending?.heartbeatDetails) found = workflowId;
        }
      return found !== undefined;
    },
    `progress of ${step}`,
    120_000,
    50,
  );
  return found ?? '';
}

async function attemptOf(workflowId: string, step: string): Promise<number> {
  const { client } = await sharedTemporal();
  const { raw, status } = await client.workflow.getHandle(workflowId).describe();
  if (status.name !== 'RUNNING') return Number.POSITIVE_INFINITY;
  return raw.pendingActivities?.find((activity) => activity.activityType?.name === step)?.attempt ?? 0;
}

describe('a worker that dies', () => {
  let undisturbed: Outcome;
  before(async () => {
    undisturbed = await cycleWithDeath(undefined);
  });

  for (const victim of ['data', 'training'] as const)
    it(`in ${victim} is noticed within 30 s; the cycle ends with the same model and the same episodes`, async () => {
      const { noticedMs, ...outcome } = await cycleWithDeath(victim);
      assert.deepEqual({ ...outcome, noticedMs: 0 }, undisturbed);
      assert.ok(noticedMs < 30_000, `noticed after ${noticedMs} ms`);
      process.stdout.write(`      noticed after ${(noticedMs / 1_000).toFixed(1)} s\n`);
    });
});
