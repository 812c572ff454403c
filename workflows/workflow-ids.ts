import { workflowInfo } from '@temporalio/workflow';

/** Ids by which a person finds a workflow, and a second start of the same thing is refused. */
export const workflowIds = {
  /** At most one collection a robot type: two would read the same segments. */
  collectExperience: (robotTypeId: string): string => `collect/${robotTypeId}`,
  /** At most one cycle a policy. */
  cycleTurn: (policy: string): string => `cycle-turn/${policy}`,
  trainPolicy: (cycleId: string): string => `train/${cycleId}`,
  /** One trial a policy: the slot everything that wants into the fleet goes through. */
  trialPolicy: (policy: string): string => `trial/${policy}`,
  /** One a policy: a second request is heard by the one that runs. */
  rollbackPolicy: (policy: string): string => `rollback/${policy}`,
  /** One a policy. */
  fleetMonitor: (policy: string): string => `monitor/${policy}`,
  /** One a policy. */
  keepStore: (policy: string): string => `retention/${policy}`,
  /** Below the slot they belong to. */
  abTest: (slot: string): string => `${slot}/ab`,
  rolloutPolicy: (slot: string): string => `${slot}/rollout`,
} as const;

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
