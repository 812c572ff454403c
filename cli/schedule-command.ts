import { createInterface } from 'node:readline/promises';

import type { Command } from 'commander';

import { parseInput } from '../activities/parse-workflow-input.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import { orchestrationQueue } from '../acts/ask-workflow.ts';
import { openContext, withClient } from './context.ts';
import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import { CommandError } from './exit-codes.ts';
import { parseJsonObject } from './parse-json-object.ts';
import { say } from './print.ts';
import { weeklyScheduleId } from '../activities/schedule-id.ts';
import { ensureWeeklySchedule, readWeeklySchedule, scheduleDifference } from './schedule.ts';

interface Options {
  readonly policy: string;
  readonly input?: string;
  readonly yes: boolean;
}

/** `flywheel schedule`: makes the weekly schedule; one that is there is changed only after its difference was agreed to. */
export function registerScheduleCommand(program: Command): void {
  program
    .command('schedule')
    .description('create the weekly schedule, Sundays 02:00 UTC; if it exists, shows what would change and asks')
    .option('--policy <name>', 'policy to retrain', defaultPolicy)
    .option('--input <json>', 'input of its cycles except the policy; default: unchanged')
    .option('--yes', 'change without asking', false)
    .action(schedule);
}

async function schedule({ policy, input: text, yes }: Options): Promise<void> {
  const context = await openContext();
  const { settings } = context;
  const given = text === undefined ? undefined : parseJsonObject('--input', text);
  await parseInput({ workflow: 'weeklyCycle', input: { ...given, policy } });
  await readPolicyDocument(context.store, policy);
  const id = weeklyScheduleId(policy);
  await withClient(settings, async (client) => {
    const present = await readWeeklySchedule(client, policy);
    const input = given ?? present?.input ?? {};
    const wanted = { policy, taskQueue: orchestrationQueue(settings), input };
    if (present !== undefined) {
      const difference = scheduleDifference(present, wanted);
      if (difference.length === 0) return say(`${id} is unchanged${present.isPaused ? ', and paused' : ''}`);
      say(`${id} would change:`);
      for (const line of difference) say(`  ${line}`);
      if (!yes && !(await agreed()))
        throw new CommandError('no', 'nothing was changed; use --yes to change it without a prompt');
    }
    say(`${id} ${await ensureWeeklySchedule(client, wanted)}`);
  });
}

/** Nobody who could be asked has not agreed. */
async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question('Change it? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}
