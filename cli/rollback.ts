import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  WithStartWorkflowOperation,
  WorkflowFailedError,
  type Client,
  type Workflow,
  type WorkflowHandle,
} from '@temporalio/client';
import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import { isFailure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { RollbackAnswer, RollbackOrder, RollbackResult, RollbackStatus } from '../workflows/trial/messages.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { ask, failedAs, orchestrationQueue, type Asked } from './ask-workflow.ts';
import { openContext, openSettings, withClient } from './context.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { whoOption, type PersonalWord } from './person.ts';
import { printJson, say } from './print.ts';
import { statusOf } from './run-status.ts';
import { messageNames } from '../domain/contract/message-names.ts';

interface StartOptions extends PersonalWord {
  readonly target?: string;
  readonly wait: boolean;
  readonly json: boolean;
}

/** `flywheel rollback …`: takes a fleet back, and answers what waits for a person. */
export function registerRollbackCommands(program: Command): void {
  const rollback = program
    .command('rollback')
    .description('roll all robots back at once: ends a running trial, else returns to the previous champion');

  whoOption(
    rollback
      .command('start', { isDefault: true })
      .description('order it; prints within 5 s what was ordered, then waits for the robots')
      .option('--policy <name>', 'policy', defaultPolicy)
      .option('--target <version>', 'an earlier champion or "baseline"; waits for an approval')
      .requiredOption('--reason <text>', 'why; kept in the assignment log')
      .option('--no-wait', 'do not wait for the robots')
      .option('--json', 'the result as JSON', false),
  ).action((options: StartOptions) => start(options));

  for (const [name, description] of [
    ['approve', 'approve the pending rollback'],
    ['reject', 'reject the pending rollback; the fleet keeps its version'],
  ] as const)
    whoOption(
      rollback
        .command(name)
        .description(description)
        .option('--policy <name>', 'policy', defaultPolicy)
        .requiredOption('--reason <text>', 'why; kept in the assignment log'),
    ).action(({ policy, reason, who }: PersonalWord) =>
      atRollback(policy, async (to, handle) =>
        say(await ask(to, () => handle.executeUpdate<string, [unknown]>(name, { args: [{ reason, who }] }))),
      ),
    );

  rollback
    .command('status')
    .description('show every request with person and result, and the pending approval, as JSON')
    .option('--policy <name>', 'policy', defaultPolicy)
    .action(({ policy }: { policy: string }) =>
      atRollback(policy, async (to) => printJson(await statusOf<RollbackStatus>(to))),
    );
}

async function atRollback(policy: string, work: (to: Asked, handle: WorkflowHandle) => Promise<void>): Promise<void> {
  const settings = openSettings();
  const workflowId = workflowIds.rollbackPolicy(policy);
  await withClient(settings, (client) => work({ client, settings, workflowId }, client.workflow.getHandle(workflowId)));
}

async function start(options: StartOptions): Promise<void> {
  const { settings, store } = await openContext();
  const { policy, json } = options;
  await refuseUnknown(store, policy);
  await withClient(settings, async (client) => {
    const to = { client, settings, workflowId: workflowIds.rollbackPolicy(policy) };
    const answer = await order(to, options);
    if (answer.kind === 'awaitingApproval') {
      if (json) return printJson(answer);
      say(`${answer.reason}; nothing is ordered yet`);
      say(`\`flywheel rollback approve --policy ${policy} --reason WHY\` lets it happen, \`rollback reject\` ends it`);
      return;
    }
    if (answer.kind !== 'ordered') {
      if (json) printJson(answer);
      throw new CommandError('no', `nothing was ordered: ${answer.reason}`);
    }
    if (!json) say(`ordered ${answer.version}, assignment ${answer.seq}: ${answer.reason}`);
    if (options.wait) printResult(await resultOf(client.workflow.getHandle(to.workflowId)), json);
    else if (json) printJson(answer);
  });
}

/** Nobody starts a workflow for a policy that is not there; a store that does not answer holds no rollback up. */
async function refuseUnknown(store: ObjectStore, policy: string): Promise<void> {
  const asked = readPolicyDocument(store, policy).catch((error: unknown) => {
    if (isFailure(error, 'NotFound')) throw error;
  });
  await Promise.race([asked, sleep(1_000, undefined, { ref: false })]);
}

/** One call that starts the rollback unless one runs, and tells that one if it does. */
async function order(to: Asked, { policy, reason, target, who }: StartOptions): Promise<RollbackAnswer> {
  const { client, settings, workflowId } = to;
  const requestId = randomUUID();
  const request = { reason, who, requestId, ...(target === undefined ? {} : { target }) } satisfies RollbackOrder;
  const startWorkflowOperation = new WithStartWorkflowOperation('rollbackPolicy', {
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue: orchestrationQueue(settings),
    staticSummary: `rollback of ${policy}`,
    memo: { requestId },
    args: [{ policy, ...request }],
  });
  const asking = (): Promise<RollbackAnswer> =>
    client.workflow.executeUpdateWithStart<Workflow, RollbackAnswer, [RollbackOrder]>(messageNames.order, {
      args: [request],
      updateId: requestId,
      startWorkflowOperation,
    });
  try {
    return await ask(to, asking);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.missing) throw error;
    const isStarted = await startedBy(client, workflowId, requestId);
    const then = isStarted ? 'it is started, and acts as soon as one is there' : 'nothing is ordered: ask again';
    throw new CommandError('missing', `${error.message}; ${then}`, { cause: error });
  }
}

/** Was the run that waits now started by this request? Then nothing is lost when nobody answers. */
async function startedBy(client: Client, workflowId: string, requestId: string): Promise<boolean> {
  try {
    const { memo } = await client.withDeadline(Date.now() + 500, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
    return memo?.['requestId'] === requestId;
  } catch {
    return false;
  }
}

async function resultOf(handle: WorkflowHandle): Promise<RollbackResult> {
  try {
    return (await handle.result()) as RollbackResult;
  } catch (error) {
    throw error instanceof WorkflowFailedError ? failedAs(error) : error;
  }
}

function printResult(result: RollbackResult, json: boolean): void {
  const { outcome, reason, version, confirmed, offline, failed } = result;
  if (json) printJson(result);
  else {
    say(`${outcome}: ${version ?? 'nowhere'}: ${reason}`);
    say(`${confirmed.length} confirmed, ${offline.length} offline, ${failed.length} failed`);
    for (const robot of failed) say(`  failed: ${robot}`);
  }
  if (failed.length > 0) process.exitCode = exitCodes.no;
}
