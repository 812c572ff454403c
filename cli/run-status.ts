import { WorkflowNotFoundError } from '@temporalio/client';

import { ask, pendingTrouble, type Asked } from '../acts/ask-workflow.ts';
import { ActError } from '../acts/act-error.ts';
import { messageNames } from '../domain/contract/message-names.ts';

/** How a run stands beside what it says of itself. */
export interface RunFacts {
  readonly workflowId: string;
  /** As the Temporal server has it: RUNNING, COMPLETED, FAILED, TERMINATED, … */
  readonly run: string;
  /** When it ended; null while it runs. */
  readonly endedAt: string | null;
  /** What is tried again and again, and why it fails; null: nothing. */
  readonly retries: string | null;
}

/**
 * The status of a workflow with how its run stands. Of a run that was cut off (terminated, timed out, failed) the status is
 * what it said last, as `lastStatus`: nothing goes on there, whatever it says.
 */
export async function statusOf<Status extends object>(
  to: Asked,
): Promise<(RunFacts & Status) | (RunFacts & { readonly lastStatus: Status })> {
  const handle = to.client.workflow.getHandle(to.workflowId);
  const described = await ask(to, () => handle.describe()).catch((error: unknown) => {
    if (error instanceof ActError && error.cause instanceof WorkflowNotFoundError)
      throw new ActError('wrong', `there is no workflow ${to.workflowId}, and there was none recently`, {
        cause: error,
      });
    throw error;
  });
  const { status, closeTime } = described;
  const said = await ask(to, () => handle.query<Status>(messageNames.status));
  const facts: RunFacts = {
    workflowId: to.workflowId,
    run: status.name,
    endedAt: closeTime?.toISOString() ?? null,
    retries: status.name === 'RUNNING' ? ((await pendingTrouble(to.client, to.workflowId, 2)) ?? null) : null,
  };
  const isWhole = status.name === 'RUNNING' || status.name === 'COMPLETED' || status.name === 'CONTINUED_AS_NEW';
  return isWhole ? { ...facts, ...said } : { ...facts, lastStatus: said };
}
