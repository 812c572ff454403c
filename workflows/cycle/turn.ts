import {
  ApplicationFailure,
  ParentClosePolicy,
  condition,
  isCancellation,
  sleep,
  startChild,
} from '@temporalio/workflow';

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';

import { monitorActivities } from '../shared/activity-proxies.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';

/** Held by the cycle of a policy that runs, and over with it: its fixed id is what makes cycles of a policy take turns. */
export async function cycleTurn(): Promise<string> {
  try {
    await condition(() => false);
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  return 'its cycle ended';
}

/** A cycle that has just ended gives its turn back within this many looks. */
const looks = 30;

/** Takes the turn of a policy until this run closes; fails with `Conflict`, naming the cycle that runs, when there is one. */
export async function takeTurn(policy: string): Promise<void> {
  for (let look = 0; look < looks; look += 1) {
    try {
      await startChild(cycleTurn, {
        workflowId: workflowIds.cycleTurn(policy),
        // The server ends it itself: a turn is given back although no worker answers any more.
        parentClosePolicy: ParentClosePolicy.TERMINATE,
        staticSummary: `a cycle of ${policy} runs`,
      });
      return;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const { holder } = await monitorActivities().readCycleTurn({ policy });
    if (holder !== null)
      throw ApplicationFailure.nonRetryable(
        `a cycle of ${policy} runs already: ${holder}; wait for its end, or abort it`,
        'Conflict',
      );
    await sleep('1 second');
  }
  throw ApplicationFailure.nonRetryable(`expected the turn of ${policy} to be given back, it was not`, 'Conflict');
}
