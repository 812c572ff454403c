import { continueAsNew, upsertSearchAttributes } from '@temporalio/workflow';

import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { idGuard } from './shared/fixed-id.ts';
import { parsedInput } from './shared/parse-input.ts';
import { policyAttribute } from './shared/search-attributes.ts';
import type { RollbackResult } from './trial/messages.ts';
import { RollbackRun, type Ordered } from './trial/rollback-run.ts';

/**
 * Takes a policy's robots back at once: a trial that runs is ended, everyone on the champion; otherwise to the champion
 * before. Any other target waits for a person; whatever waits, a request that needs nobody's approval acts at once. Ends with
 * the robots that confirmed, that are still offline, that failed.
 */
export async function rollbackPolicy(input?: unknown, given?: Ordered): Promise<RollbackResult> {
  const requireId = idGuard();
  const run = new RollbackRun(given, (order) => continueAsNew<typeof rollbackPolicy>(input, order));
  const request = await parsedInput('rollbackPolicy', input);
  const { policy } = request;
  if (given === undefined) requireId(workflowIds.rollbackPolicy(policy));
  upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
  return run.follow(request);
}
