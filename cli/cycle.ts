import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import type { CycleStatus } from '../workflows/cycle/messages.ts';
import { steering } from '../acts/steering.ts';
import { actByCommand } from './act.ts';
import { openContext, openSettings, withClient } from './context.ts';
import { registerCycleList } from './cycle-list.ts';
import { whoOption } from './person.ts';
import { printJson, say } from './print.ts';
import { statusOf } from './run-status.ts';
import type { StartOptions } from './start-cycle.ts';

/** `flywheel cycle …`: start, list, watch and end cycles. */
export function registerCycleCommands(program: Command): void {
  const cycle = program.command('cycle').description('start, list, watch and abort cycles');

  whoOption(
    cycle
      .command('start')
      .description('start a cycle now')
      .option('--policy <name>', 'policy to retrain', defaultPolicy)
      .option('--input <json>', 'full input of the workflow; see docs/operations.md', '{}')
      .option('--follow', 'wait until it ends; exit code 0 only for promoted, offered and notOffered', false)
      .option('--json', 'the result as JSON', false),
  ).action(async (options: StartOptions) => (await import('./start-cycle.ts')).startCycle(options));

  registerCycleList(cycle);

  cycle
    .command('status')
    .description('show what a cycle is doing, or how it ended, as JSON')
    .argument('<workflow-id>')
    .action(async (workflowId: string) => {
      const settings = openSettings();
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
    const { settings, ...ports } = await openContext();
    await withClient(settings, async (client) => {
      const steer = steering({ client: async () => client, settings });
      const act = { act: 'cycle.abort', policy: null, subject: workflowId, reason, who, isProtective: true };
      say(await actByCommand(ports, act, (actId) => steer.abortCycle(workflowId, { reason, who, actId }), String));
    });
  });
}
