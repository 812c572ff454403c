import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { Command } from 'commander';

import { parseInput } from '../activities/parse-workflow-input.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import type { CycleResult, CycleStatus } from '../workflows/cycle/messages.ts';
import { ask, failedAs, orchestrationQueue, type Asked } from './ask-workflow.ts';
import { openContext, withClient } from './context.ts';
import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import { CommandError } from './exit-codes.ts';
import { parseJsonObject } from './parse-json-object.ts';
import { whoOption } from './person.ts';
import { printJson, say } from './print.ts';
import { statusOf } from './run-status.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { messageNames } from '../domain/contract/message-names.ts';

interface StartOptions {
  readonly policy: string;
  readonly input: string;
  readonly who: string;
  readonly follow: boolean;
  readonly json: boolean;
}

/** `flywheel cycle …`: start, watch and end cycles. */
export function registerCycleCommands(program: Command): void {
  const cycle = program.command('cycle').description('start, watch and abort cycles');

  whoOption(
    cycle
      .command('start')
      .description('start a cycle now')
      .option('--policy <name>', 'policy to retrain', defaultPolicy)
      .option('--input <json>', 'full input of the workflow; see docs/operations.md', '{}')
      .option('--follow', 'wait for its end; exit code 0 only for promoted, offered and notOffered', false)
      .option('--json', 'the result as JSON', false),
  ).action(start);

  cycle
    .command('status')
    .description('what a cycle is doing, or how it ended; as JSON')
    .argument('<workflow-id>')
    .action(async (workflowId: string) => {
      const { settings } = await openContext();
      await withClient(settings, async (client) =>
        printJson(await statusOf<CycleStatus>({ client, settings, workflowId })),
      );
    });

  whoOption(
    cycle
      .command('abort')
      .description('end a cycle early; the champion stays')
      .argument('<workflow-id>')
      .requiredOption('--reason <text>', 'why; kept in the report'),
  ).action(async (workflowId: string, { reason, who }: { reason: string; who: string }) => {
    const { settings } = await openContext();
    await withClient(settings, async (client) => {
      const handle = client.workflow.getHandle(workflowId);
      const abort = (): Promise<string> =>
        handle.executeUpdate<string, [unknown]>(messageNames.abort, { args: [{ reason, who }] });
      say(await ask({ client, settings, workflowId }, abort));
    });
  });
}

async function start({ policy, input: text, who, follow, json }: StartOptions): Promise<void> {
  const context = await openContext();
  const { settings, clock } = context;
  const input = { policy, cause: `flywheel cycle start by ${who}`.slice(0, 200), ...parseJsonObject('--input', text) };
  const parsed = await parseInput({ workflow: 'weeklyCycle', input });
  await readPolicyDocument(context.store, parsed.policy);
  await withClient(settings, async (client) => {
    const workflowId = workflowIds.weeklyCycle(parsed.policy, new Date(clock()).toISOString());
    const handle = await client.workflow.start('weeklyCycle', {
      workflowId,
      taskQueue: orchestrationQueue(settings),
      args: [input],
      staticSummary: `cycle of ${parsed.policy}`,
    });
    if (!json) say(workflowId);
    const begun = await begins({ client, settings, workflowId }, handle);
    if (follow) printEnd(await endOf(handle), json);
    else if (json) printJson({ workflowId, stage: begun.stage });
  });
}

/** A cycle that nobody takes up is said to be so; it begins once a worker is there. */
const begins = (to: Asked, handle: WorkflowHandle): Promise<CycleStatus> =>
  ask(to, () => handle.query<CycleStatus>(messageNames.status), 'it is started, and begins as soon as one is there');

/** How it ended, whatever way: a cycle that failed has told why, and written its report, before it did. */
async function endOf(handle: WorkflowHandle): Promise<CycleResult> {
  try {
    return (await handle.result()) as CycleResult;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cycleId, outcome, reason, reportKey } = await handle.query<CycleStatus>(messageNames.status);
    if (reportKey === undefined) throw failedAs(error);
    return { cycleId, outcome: outcome ?? 'failed', reason: reason ?? failedAs(error).message, reportKey };
  }
}

/** Ends in which the cycle did what it is for; a trial that was not offered has its reason, and the candidate is registered. */
const goodEnds: readonly CycleResult['outcome'][] = ['promoted', 'offered', 'notOffered'];

function printEnd(result: CycleResult, json: boolean): void {
  const { outcome, reason, reportKey } = result;
  if (json) printJson(result);
  else say(`${outcome}: ${reason}\nreport ${reportKey}`);
  if (!goodEnds.includes(outcome))
    throw new CommandError('no', `the cycle ended as ${outcome}: ${reason} (report ${reportKey})`);
}
