import { ApplicationFailure, patched, workflowInfo } from '@temporalio/workflow';

/**
 * Fails a run that was started under another id than the one by which a second start of the same thing is refused. Runs that
 * began before this was asked go on under the id they have.
 */
export function requireWorkflowId(expected: string): void {
  if (workflowInfo().workflowId !== expected && patched('fixed-id')) refuseOtherId(expected);
}

/** The same for workflows that have always asked. */
export function refuseOtherId(expected: string): void {
  const { workflowId } = workflowInfo();
  if (workflowId !== expected)
    throw ApplicationFailure.nonRetryable(
      `expected workflow id "${expected}", got "${workflowId}": start it again with that id`,
      'InvalidInput',
    );
}
