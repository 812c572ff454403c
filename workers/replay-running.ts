import type { Client } from '@temporalio/client';
import { IllegalStateError } from '@temporalio/common';
import { Runtime, Worker } from '@temporalio/worker';

import type { WorkflowBundle } from './bundle.ts';

export interface Replayed {
  readonly workflowId: string;
  readonly type: string;
  /** Why the code cannot go on with it; null where it can. */
  readonly problem: string | null;
}

/** A workflow that goes on as a new run is on no list of the server for a moment: the second look finds it. */
const passes = 2;
const betweenPassesMs = 1_000;

/** Replays the history of each workflow that runs on the queue with the code of a bundle. Nothing on the server changes. */
export async function replayRunning({
  client,
  taskQueue,
  bundle,
  progress,
}: {
  readonly client: Client;
  readonly taskQueue: string;
  readonly bundle: WorkflowBundle;
  readonly progress: (done: number) => void;
}): Promise<readonly Replayed[]> {
  const replayed = new Map<string, Replayed>();
  const query = `ExecutionStatus = 'Running' AND TaskQueue = '${taskQueue.replaceAll("'", '')}'`;
  for (let pass = 0; pass < passes; pass += 1) {
    if (pass > 0) await new Promise((resolve) => setTimeout(resolve, betweenPassesMs));
    for await (const { workflowId, runId, type } of client.workflow.list({ query })) {
      if (replayed.has(workflowId)) continue;
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      // What has decided nothing yet goes on with any code; replaying a history of one event would never end.
      const hasDecided = (history.events ?? []).some((event) => event.workflowTaskCompletedEventAttributes);
      const replay = (): Promise<void> => Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId);
      replayed.set(workflowId, { workflowId, type, problem: hasDecided ? await problemOf(replay) : null });
      progress(replayed.size);
    }
  }
  return [...replayed.values()];
}

const silent = (): void => undefined;

/** For commands, which say themselves what does not replay. Does nothing where the process has a runtime already. */
export function withoutRuntimeLog(): void {
  const logger = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
  try {
    Runtime.install({ logger });
  } catch (error) {
    if (!(error instanceof IllegalStateError)) throw error;
  }
}

async function problemOf(replay: () => Promise<unknown>): Promise<string | null> {
  try {
    await replay();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
