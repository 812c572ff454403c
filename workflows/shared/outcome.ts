import { patched, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';

import { outcomeAttribute, policyAttribute } from './search-attributes.ts';

/**
 * Gives what shows policy and outcome in the list of the Temporal UI, where every end is a green "Completed". A run that continues
 * another one begins with that one's outcome, and takes it away. To be called before the workflow waits for anything; runs that
 * began before this was there show what they always did.
 */
export function outcomeTeller(): { began: (policy: string) => void; ended: (outcome: string) => void } {
  const tells = patched('outcome-told');
  return {
    began(policy) {
      if (!tells) return;
      const isOld = workflowInfo().typedSearchAttributes.get(outcomeAttribute) !== undefined;
      const cleared = isOld ? [{ key: outcomeAttribute, value: null }] : [];
      upsertSearchAttributes([{ key: policyAttribute, value: policy }, ...cleared]);
    },
    ended(outcome) {
      if (tells) upsertSearchAttributes([{ key: outcomeAttribute, value: outcome }]);
    },
  };
}

/** The same for a workflow that has always shown both: only what continues another run's end is new. */
export function outcomeClearer(): () => void {
  const clears = patched('outcome-cleared');
  return () => {
    if (clears && workflowInfo().typedSearchAttributes.get(outcomeAttribute) !== undefined)
      upsertSearchAttributes([{ key: outcomeAttribute, value: null }]);
  };
}
