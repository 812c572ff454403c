import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Worker } from '@temporalio/worker';

import type { WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';

import { initKeys } from '../../activities/adapters/key-changes.ts';
import { openContext } from '../../cli/context.ts';
import { registerTinyBaseline } from '../../demo/baseline.ts';
import { waitUntil } from '../../demo/processes.ts';
import type { Lake } from '../../activities/lake/lake.ts';
import type { LakeTable } from '../../datasets/dataset-version.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { queues, readSettings, type Settings } from '../../workers/config.ts';
import { openPorts } from '../../workers/ports.ts';
import { workerOptions } from '../../workers/run-workers.ts';
import type { CycleResult, CycleStatus } from '../../workflows/cycle/messages.ts';
import { sharedTemporal } from '../support/temporal.ts';

export interface Loop {
  readonly settings: Settings;
  readonly store: ObjectStore;
  readonly directory: string;
  /** Runs one cycle to its end; ids are fresh. */
  readonly cycle: (input: Readonly<Record<string, unknown>>) => Promise<CycleResult>;
  readonly start: (input: Readonly<Record<string, unknown>>) => Promise<WorkflowHandleWithFirstExecutionRunId>;
  /** Resolves when the cycle says it is in this stage. */
  readonly reached: (handle: WorkflowHandle, stage: string) => Promise<void>;
  /** Ids of every cycle started so far. */
  readonly workflowIds: () => readonly string[];
  readonly lake: Lake;
  readonly rows: (table: LakeTable, version: number) => Promise<number>;
}

let loops = 0;

/** A whole installation in a temporary folder, workers of every queue in this process, a tiny baseline registered. */
export async function withLoop<T>(policy: string, robotType: RobotType, work: (loop: Loop) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-loop-'));
  loops += 1;
  const prefix = `loop-${process.pid}-${loops}-`;
  const settings = readSettings({
    FLYWHEEL_STORE: path.join(directory, 'store'),
    FLYWHEEL_KEYS: path.join(directory, 'keys'),
    FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
    FLYWHEEL_QUEUE_PREFIX: prefix,
  });
  try {
    initKeys(settings.keysDirectory, { nowMs: Date.now() });
    const context = await openContext(settings);
    await registerTinyBaseline(context, policy, robotType);
    const { client, connection, bundle } = await sharedTemporal();
    const ports = await openPorts(settings, 'test', client);
    const workers = await Promise.all(
      queues.map((queue) =>
        Worker.create({ ...workerOptions(queue, ports, bundle), connection, taskQueue: `${prefix}${queue}` }),
      ),
    );
    const started: string[] = [];
    const start: Loop['start'] = (input) => {
      const workflowId = `cycle/${prefix}${started.length + 1}`;
      started.push(workflowId);
      const taskQueue = `${prefix}orchestration`;
      return client.workflow.start('weeklyCycle', { taskQueue, workflowId, args: [{ policy, ...input }] });
    };
    const loop: Loop = {
      start,
      lake: context.lake,
      workflowIds: () => started,
      reached: (handle, stage) =>
        waitUntil(async () => (await handle.query<CycleStatus>('status')).stage === stage, stage, 60_000, 50),
      rows: async (table, version) => {
        const session = await context.engine.open();
        try {
          const [row] = await session.rows(`SELECT count(*) AS n FROM ${await context.lake.scan(table, version)}`);
          return Number(row?.['n']);
        } finally {
          await session.close();
        }
      },
      settings,
      directory,
      store: context.store,
      cycle: async (input) => (await (await start(input)).result()) as CycleResult,
    };
    const running = workers.map((worker) => worker.run());
    try {
      return await work(loop);
    } finally {
      // Nobody serves its queue any more, and the next loop of the policy takes its turn on the same server.
      const turn = client.workflow.getHandle(workflowIds.cycleTurn(policy));
      await turn.terminate('the loop is over').catch(() => undefined);
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
