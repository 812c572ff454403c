import { userInfo } from 'node:os';

import { WorkflowFailedError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import type { Command } from 'commander';

import { temporalTrialSlot } from '../activities/adapters/temporal-trial-slot.ts';
import { defaultPolicy } from '../activities/workflow-inputs.ts';
import type { RollbackResult, TrialStatus } from '../workflows/trial-messages.ts';
import { openContext, withClient } from './context.ts';
import { parseJsonObject } from './parse-json-object.ts';
import { printJson, say } from './print.ts';

interface Word {
  readonly policy: string;
  readonly reason: string;
}

/** `flywheel trial …` and `flywheel rollback`: what an operator does with trials on the fleet. */
export function registerTrialCommands(program: Command): void {
  const trial = program.command('trial').description('trials on the fleet: offer, watch and steer them');

  trial
    .command('offer')
    .description('offer a registered version to the trial slot of its policy')
    .argument('<version>', 'policy version like 1.2.3')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--input <json>', 'input of trialPolicy; see docs/operations.md', '{}')
    .option('--reason <text>', 'why; kept with the trial', 'flywheel trial offer')
    .action(async (candidateVersion: string, options: Word & { input: string }) => {
      const { settings, clock } = await openContext();
      const request = parseJsonObject('--input', options.input);
      const { policy, reason: why } = options;
      await withClient(settings, async (client) => {
        const slot = temporalTrialSlot({ client, taskQueue: `${settings.temporal.queuePrefix}orchestration` });
        const operationId = `offer-${candidateVersion}-${clock()}`;
        const who = userInfo().username;
        const { kind, answer } = await slot.offer({ policy, candidateVersion, who, why, request, operationId });
        if (kind === 'refused') throw new Error(answer);
        say(answer);
      });
    });

  trial
    .command('status')
    .description('what the trial of a policy is doing')
    .option('--policy <name>', 'policy', defaultPolicy)
    .action(async ({ policy }: { policy: string }) => {
      const { settings } = await openContext();
      await withClient(settings, async (client) =>
        printJson(await client.workflow.getHandle(`trial/${policy}`).query<TrialStatus>('status')),
      );
    });

  for (const [name, description] of [
    ['pause', 'stop advancing; the guard goes on'],
    ['resume', 'go on after a pause'],
    ['approve', 'let the stage begin that waits for a person'],
    ['reject', 'end instead; the robots go back to the champion'],
    ['abort', 'end the trial; the robots go back to the champion'],
  ] as const)
    trial
      .command(name)
      .description(description)
      .option('--policy <name>', 'policy', defaultPolicy)
      .requiredOption('--reason <text>', 'why; kept with the trial')
      .action(async ({ policy, reason }: Word) => {
        const { settings } = await openContext();
        await withClient(settings, async (client) => say(await tell(client, policy, name, reason)));
      });

  program
    .command('rollback')
    .description('take all robots back at once: ends a trial that runs, else to the champion before')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--target <version>', 'an earlier champion or "baseline"; waits for an approval')
    .requiredOption('--reason <text>', 'why; kept in the assignment log')
    .option('--json', 'the result as JSON', false)
    .action(async (options: Word & { target?: string; json: boolean }) => {
      const { settings } = await openContext();
      const { policy, reason, target } = options;
      await withClient(settings, async (client) => {
        const handle = await client.workflow.start('rollbackPolicy', {
          workflowId: `rollback/${policy}`,
          workflowIdConflictPolicy: 'USE_EXISTING',
          taskQueue: `${settings.temporal.queuePrefix}orchestration`,
          args: [{ policy, reason, who: userInfo().username, ...(target === undefined ? {} : { target }) }],
        });
        if (target !== undefined) say(`${handle.workflowId} runs; it may wait for an approval`);
        const result = (await inWords(handle.result())) as RollbackResult;
        if (options.json) return printJson(result);
        say(`${result.outcome}: ${result.reason}`);
        say(`${result.confirmed.length} confirmed, ${result.offline.length} offline, ${result.failed.length} failed`);
        for (const failed of result.failed) say(`  failed: ${failed}`);
      });
    });
}

const tell = (client: Client, policy: string, name: string, reason: string): Promise<string> =>
  inWords(
    client.workflow.getHandle(`trial/${policy}`).executeUpdate<string, [{ reason: string; who: string }]>(name, {
      args: [{ reason, who: userInfo().username }],
    }),
  );

/** A refusal as the workflow said it. */
async function inWords<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const isRefusal = error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError;
    if (isRefusal && error.cause instanceof Error) throw new Error(error.cause.message, { cause: error });
    throw error;
  }
}
