import { WithStartWorkflowOperation, WorkflowUpdateFailedError, type Client, type Workflow } from '@temporalio/client';

import type { TrialSlot } from '../ports/trial-slot.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { messageNames } from '../../domain/contract/message-names.ts';

/**
 * Hands offers to the workflow `trialPolicy` by update-with-start: one call that starts it unless it runs.
 * https://docs.temporal.io/sending-messages#update-with-start
 */
export function temporalTrialSlot(options: { readonly client: Client; readonly taskQueue: string }): TrialSlot {
  const { client, taskQueue } = options;
  return {
    async offer({ policy, candidateVersion, who, why, request, operationId }) {
      const startWorkflowOperation = new WithStartWorkflowOperation('trialPolicy', {
        workflowId: workflowIds.trialPolicy(policy),
        workflowIdConflictPolicy: 'USE_EXISTING',
        taskQueue,
        args: [{ policy, offersOnly: true }],
        staticSummary: `trials of ${policy}`,
      });
      const offered = { ...request, candidateVersion, who, cause: why };
      try {
        const answer = await client.workflow.executeUpdateWithStart<Workflow, string, [unknown]>(messageNames.offer, {
          args: [offered],
          updateId: operationId,
          startWorkflowOperation,
        });
        return { kind: 'offered', answer };
      } catch (error) {
        if (!(error instanceof WorkflowUpdateFailedError)) throw error;
        return { kind: 'refused', answer: error.cause instanceof Error ? error.cause.message : error.message };
      }
    },
  };
}
