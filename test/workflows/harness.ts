import { randomUUID } from 'node:crypto';

import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { Worker } from '@temporalio/worker';

import { defaultPolicy } from '../../activities/default-policy.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { onEndOfRun, sharedTemporal } from '../support/temporal.ts';
import { stubs, type ActivityName, type AllActivities } from './stubs.ts';

export interface Harness {
  /** Starts a workflow; ids get a suffix of their own unless one is given, or the workflow takes no other than its own. */
  readonly start: (
    workflow: string,
    input: unknown,
    workflowId?: string,
  ) => Promise<WorkflowHandleWithFirstExecutionRunId>;
  /** Different in every test. */
  readonly suffix: string;
}

const queue = `test-${randomUUID()}`;
let current: AllActivities = stubs().activities;
let worker: Promise<void> | undefined;

/**
 * Runs `work` while the one worker of all stubbed tests answers with these activities. One worker, because each new
 * one loads the bundle into fresh threads, which costs more than a whole test.
 */
export async function withWorker<T>(activities: AllActivities, work: (harness: Harness) => Promise<T>): Promise<T> {
  const { client } = await sharedTemporal();
  worker ??= startWorker();
  await worker;
  current = activities;
  const suffix = randomUUID().slice(0, 8);
  return work({
    suffix,
    start: (workflow, input, workflowId = fixedId(workflow, input) ?? `${workflow}/${suffix}`) =>
      client.workflow.start(workflow, {
        taskQueue: queue,
        workflowId,
        // What a test that failed left behind keeps no other from its id.
        workflowIdConflictPolicy: 'TERMINATE_EXISTING',
        args: input === undefined ? [] : [input],
        workflowExecutionTimeout: '2 minutes',
      }),
  });
}

function fixedId(workflow: string, input: unknown): string | undefined {
  const { policy = defaultPolicy, erasureId = '' } = (input ?? {}) as { policy?: string; erasureId?: string };
  const slot = workflowIds.trialPolicy(policy);
  const ids: Readonly<Record<string, string>> = {
    trialPolicy: slot,
    abTest: workflowIds.abTest(slot),
    rolloutPolicy: workflowIds.rolloutPolicy(slot),
    rollbackPolicy: workflowIds.rollbackPolicy(policy),
    keepStore: workflowIds.keepStore(policy),
    keepFacts: workflowIds.keepFacts(policy),
    keepMirror: workflowIds.keepMirror(policy),
    eraseData: workflowIds.eraseData(erasureId),
  };
  return ids[workflow];
}

async function startWorker(): Promise<void> {
  const { connection, bundle } = await sharedTemporal();
  const names = Object.keys(current) as ActivityName[];
  const delegates = names.map((name) => [name, (input: never) => (current[name] as (input: never) => unknown)(input)]);
  const started = await Worker.create({
    connection,
    taskQueue: queue,
    workflowBundle: bundle,
    activities: Object.fromEntries(delegates) as object,
    maxHeartbeatThrottleInterval: '100 milliseconds',
    defaultHeartbeatThrottleInterval: '100 milliseconds',
    maxCachedWorkflows: 20,
  });
  const running = started.run();
  onEndOfRun(async () => {
    started.shutdown();
    await running;
  });
}

/** The failure a workflow ended with: its type and message, whatever wraps them. */
export async function failureOf(result: Promise<unknown>): Promise<{ type: string | undefined; message: string }> {
  let error: unknown;
  try {
    await result;
  } catch (caught) {
    error = caught;
  }
  if (error === undefined) throw new Error('expected the workflow to fail, it succeeded');
  while ((error as { cause?: unknown }).cause instanceof Error) error = (error as { cause: unknown }).cause;
  return { type: (error as { type?: string }).type, message: (error as Error).message };
}
