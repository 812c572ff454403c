import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';

import { parseInput } from '../activities/parse-workflow-input.ts';
import { messageNames } from '../domain/contract/message-names.ts';
import type { CycleResult, CycleStatus } from '../workflows/cycle/messages.ts';
import { ask, failedAs, type Asked } from '../acts/ask-workflow.ts';
import { steering } from '../acts/steering.ts';
import { actByCommand } from './act.ts';
import { withClient } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { parseJsonObject } from './parse-json-object.ts';
import { printJson, say } from './print.ts';

export interface StartOptions {
  readonly policy: string;
  readonly input: string;
  readonly who: string;
  readonly follow: boolean;
  readonly json: boolean;
}

/** `flywheel cycle start`. Loads what input of workflows is checked with, so only who starts one imports it. */
export async function startCycle({ policy, input: text, who, follow, json }: StartOptions): Promise<void> {
  const input = { policy, cause: `flywheel cycle start by ${who}`.slice(0, 200), ...parseJsonObject('--input', text) };
  const parsed = await parseInput({ workflow: 'weeklyCycle', input });
  const { settings, store, clock } = await openPolicy(parsed.policy);
  await withClient(settings, async (client) => {
    const steer = steering({ client: async () => client, settings });
    const name = new Date(clock()).toISOString();
    const act = { act: 'cycle.start', policy: parsed.policy, subject: name, reason: parsed.cause ?? 'asked for', who };
    const start = (): Promise<string> => steer.startCycle(parsed.policy, name, input);
    const workflowId = await actByCommand({ store, clock }, act, start, String);
    const handle = client.workflow.getHandle(workflowId);
    if (!json) say(workflowId);
    const begun = await begins({ client, settings, workflowId }, handle);
    if (follow) printEnd(await endOf(handle), json);
    else if (json) printJson({ workflowId, stage: begun.stage });
  });
}

/** A cycle that nobody takes up is said to be so; it begins once a worker is there. */
const begins = (to: Asked, handle: WorkflowHandle): Promise<CycleStatus> =>
  ask(to, () => handle.query<CycleStatus>(messageNames.status), 'it is started, and begins as soon as one runs');

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
