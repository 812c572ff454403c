import { workflowInfo } from '@temporalio/workflow';

/** Ids by which a person finds a workflow, and a second start of the same thing is refused. */
export const workflowIds = {
  /** At most one collection a robot type: two would read the same segments. */
  collectExperience: (robotTypeId: string): string => `collect/${robotTypeId}`,
  trainPolicy: (cycleId: string): string => `train/${cycleId}`,
} as const;

/**
 * The name under which this run keeps everything it writes: the workflow id's tail made safe for keys, and the first
 * run's id, because the same workflow id is started again and again. Of the run id the last part: it begins with the time.
 */
export function operationId(): string {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const tail = workflowId.split('/').slice(1).join('-') || workflowId;
  return `${tail.replaceAll(/[^A-Za-z0-9.-]+/g, '-').slice(0, 100)}-${firstExecutionRunId.slice(-12)}`;
}
