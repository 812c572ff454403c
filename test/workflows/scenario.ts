import type { WorkflowHandle } from '@temporalio/client';

import type { stubs, Stubs } from './stubs.ts';

/** One run worth remembering: its history is recorded once and replayed by every later build. */
export interface Scenario {
  readonly name: string;
  readonly workflow: string;
  readonly workflowId?: string;
  readonly input?: unknown;
  readonly changes?: Parameters<typeof stubs>[0];
  /** Ended by its cancellation after what the operator did. */
  readonly isEndless?: boolean;
  /** What an operator does meanwhile. */
  readonly drive?: (handle: WorkflowHandle, calls: Stubs['calls']) => Promise<void>;
}

export async function until(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 3_000; attempt += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('expected the condition to become true within a minute');
}
