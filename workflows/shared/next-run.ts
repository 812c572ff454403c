import { makeContinueAsNewFunc, workflowInfo, type Workflow } from '@temporalio/workflow';

/** Whether a run should end and go on as a new one: its history is long, or newer code is there for it. */
export function isNextRunDue(): boolean {
  const { continueAsNewSuggested, targetWorkerDeploymentVersionChanged } = workflowInfo();
  return continueAsNewSuggested || targetWorkerDeploymentVersionChanged;
}

/**
 * Goes on as a new run on the build that is current, where a run otherwise stays on the build it began on. For what runs for
 * years and is between two pieces of work.
 */
export const continueOnCurrentBuild = <W extends Workflow>(...args: Parameters<W>): Promise<never> =>
  makeContinueAsNewFunc<W>({ initialVersioningBehavior: 'AUTO_UPGRADE' })(...args);
