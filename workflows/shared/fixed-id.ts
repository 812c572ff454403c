import { ApplicationFailure, patched, workflowInfo } from '@temporalio/workflow';

/**
 * Gives what refuses every other id than the one by which a second start of the same thing is refused. Runs that began before
 * this was asked go on under the id they have. To be called before the workflow waits for anything: after a local activity a
 * run whose first task was cut in two by a query would not hear in its replay that the change was there.
 */
export function idGuard(): (expected: string) => void {
  const isAsked = patched('fixed-id');
  return (expected) => {
    if (isAsked) refuseOtherId(expected);
  };
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
