import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { InvalidArgumentError, type Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import { undoneOrder, undoTarget } from '../domain/trial/undo-rollback.ts';
import { isFailure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { RollbackAnswer, RollbackResult, RollbackStatus } from '../workflows/trial/messages.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { ActError } from '../acts/act-error.ts';
import { failedAs } from '../acts/ask-workflow.ts';
import type { Act } from '../acts/carry-out.ts';
import { rollbackText, steering } from '../acts/steering.ts';
import { actByCommand } from './act.ts';
import { openContext, openSettings, withClient, type CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { whoOption, type PersonalWord } from './person.ts';
import { printJson, say } from './print.ts';
import { statusOf } from './run-status.ts';

interface StartOptions extends PersonalWord {
  readonly target?: string;
  readonly wait: boolean;
  readonly json: boolean;
}

interface UndoOptions extends Omit<StartOptions, 'target'> {
  readonly order?: number;
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
    ).action((word: PersonalWord) => answer(name, word));

  whoOption(
    rollback
      .command('undo')
      .description('undo your own last rollback: back to the version that was champion before it, for half an hour')
      .option('--policy <name>', 'policy', defaultPolicy)
      .option('--order <number>', 'the order of the rollback, as it was printed; default: the last order', wholeNumber)
      .requiredOption('--reason <text>', 'why; kept in the assignment log')
      .option('--no-wait', 'do not wait for the robots')
      .option('--json', 'the result as JSON', false),
  ).action(({ order, ...options }: UndoOptions) => undo(order, options));

  rollback
    .command('status')
    .description('show every request with person and result, and the pending approval, as JSON')
    .option('--policy <name>', 'policy', defaultPolicy)
    .action(({ policy }: { policy: string }) =>
      withClient(openSettings(), async (client) => {
        const to = { client, settings: openSettings(), workflowId: workflowIds.rollbackPolicy(policy) };
        printJson(await statusOf<RollbackStatus>(to));
      }),
    );
}

async function answer(name: 'approve' | 'reject', { policy, reason, who }: PersonalWord): Promise<void> {
  const { settings, ...ports } = await openContext();
  await withClient(settings, async (client) => {
    const steer = steering({ client: async () => client, settings });
    const act = { act: `rollback.${name}`, policy, subject: '', reason, who, isProtective: name === 'reject' };
    say(await actByCommand(ports, act, (actId) => steer.answerRollback(policy, name, { reason, who, actId }), String));
  });
}

async function start(options: StartOptions): Promise<void> {
  const context = await openContext();
  const { policy, target } = options;
  if (undoneOrder(target) !== undefined)
    throw new ActError('wrong', '--target: expected a version or an alias; `flywheel rollback undo` undoes a rollback');
  await refuseUnknown(context.store, policy);
  await order(context, { act: 'rollback', subject: target ?? '', isProtective: true }, options);
}

/** The order that is undone is fixed before it is asked for, so that nothing else is undone when somebody orders meanwhile. */
async function undo(given: number | undefined, options: Omit<StartOptions, 'target'>): Promise<void> {
  const context = await openContext();
  const { policy } = options;
  await refuseUnknown(context.store, policy);
  const seq = given ?? (await lastOrder(context, policy));
  if (seq < 0) throw new ActError('no', `nothing was ever ordered of ${policy}`);
  await order(context, { act: 'rollback.undo', subject: String(seq) }, { ...options, target: undoTarget(seq) });
}

/** Loaded where it is wanted: an order to go back must not wait for it. */
async function lastOrder(context: CommandContext, policy: string): Promise<number> {
  const { openFleetReader } = await import('../fleet/desk/fleet-reader.ts');
  return (await openFleetReader(context).readAssignments(policy)).seq;
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected the number of an order, like 17');
}

async function order(
  { settings, ...ports }: CommandContext,
  asked: Pick<Act, 'act' | 'subject' | 'isProtective'>,
  options: StartOptions,
): Promise<void> {
  const { policy, json, reason, who, target } = options;
  await withClient(settings, async (client) => {
    const steer = steering({ client: async () => client, settings });
    const act = { ...asked, policy, reason, who };
    const wish = { reason, who, ...(target === undefined ? {} : { target }) };
    const ordering = async (actId: string): Promise<RollbackAnswer> => {
      const answer = await steer.orderRollback(policy, { ...wish, actId });
      if (json && (answer.kind !== 'ordered' || !options.wait)) printJson(answer);
      return answer;
    };
    const answer = await actByCommand(ports, act, ordering, rollbackText);
    if (answer.kind === 'awaitingApproval') {
      if (json) return;
      say(`${answer.reason}; nothing is ordered yet`);
      say(`\`flywheel rollback approve --policy ${policy} --reason WHY\` approves it, \`rollback reject\` ends it`);
      return;
    }
    if (!json) say(`ordered ${answer.version}, assignment ${answer.seq}: ${answer.reason}`);
    const handle = client.workflow.getHandle(workflowIds.rollbackPolicy(policy));
    if (options.wait) printResult(await resultOf(handle), json);
  });
}

/** Nobody starts a workflow for a policy that is not there; a store that does not answer holds no rollback up. */
async function refuseUnknown(store: ObjectStore, policy: string): Promise<void> {
  const asked = readPolicyDocument(store, policy).catch((error: unknown) => {
    if (isFailure(error, 'NotFound')) throw error;
  });
  await Promise.race([asked, sleep(1_000, undefined, { ref: false })]);
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
