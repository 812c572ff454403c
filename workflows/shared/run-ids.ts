import { workflowInfo } from '@temporalio/workflow';

/** The id of a trial: the operation's, made longer than the policy's own name needs and short enough for robots. */
export const trialIdOf = (policy: string, kind: 'ab' | 'rollout'): string =>
  `${policy}-${kind}-${workflowInfo().firstExecutionRunId.slice(-12)}`;

/**
 * The name under which this run keeps everything it writes: the workflow id's tail made safe for keys, and the first
 * run's id, because the same workflow id is started again and again. Of the run id the last part: it begins with the time.
 */
export function operationId(): string {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const tail = workflowId.split('/').slice(1).join('-') || workflowId;
  return `${tail.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 100)}-${firstExecutionRunId.slice(-12)}`;
}
