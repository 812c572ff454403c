import type { Command } from 'commander';

import { defaultPolicy } from '../activities/workflow-inputs.ts';
import type { CycleResult, CycleStatus } from '../workflows/messages.ts';
import { openContext, withClient } from './context.ts';
import { parseJsonObject } from './parse-json-object.ts';
import { printJson, say } from './print.ts';
import { ensureWeeklySchedule, weeklyScheduleId } from './schedule.ts';

/** `flywheel cycle …` and `flywheel schedule`: start, watch and end cycles. */
export function registerCycleCommands(program: Command): void {
  const cycle = program.command('cycle').description('start, watch and abort cycles');

  cycle
    .command('start')
    .description('start a cycle now')
    .option('--policy <name>', 'policy to retrain', defaultPolicy)
    .option('--input <json>', 'full input of the workflow; see docs/operations.md', '{}')
    .option('--follow', 'wait for its end; exit code 1 unless it ended well', false)
    .option('--json', 'the result as JSON', false)
    .action(async (options: { policy: string; input: string; follow: boolean; json: boolean }) => {
      const { settings } = await openContext();
      const input = parseJsonObject('--input', options.input);
      await withClient(settings, async (client) => {
        const handle = await client.workflow.start('weeklyCycle', {
          workflowId: `cycle/${options.policy}-${new Date().toISOString()}`,
          taskQueue: `${settings.temporal.queuePrefix}orchestration`,
          args: [{ policy: options.policy, cause: 'flywheel cycle start', ...input }],
        });
        if (!options.follow)
          return options.json ? printJson({ workflowId: handle.workflowId }) : say(handle.workflowId);
        const result = (await handle.result()) as CycleResult;
        if (options.json) printJson(result);
        else say(`${result.outcome}: ${result.reason}\nreport ${result.reportKey}`);
      });
    });

  cycle
    .command('status')
    .description('what a cycle is doing')
    .argument('<workflow-id>')
    .action(async (workflowId: string) => {
      const { settings } = await openContext();
      await withClient(settings, async (client) =>
        printJson(await client.workflow.getHandle(workflowId).query<CycleStatus>('status')),
      );
    });

  cycle
    .command('abort')
    .description('end a cycle early; the champion stays')
    .argument('<workflow-id>')
    .requiredOption('--reason <text>', 'why; kept in the report')
    .action(async (workflowId: string, options: { reason: string }) => {
      const { settings } = await openContext();
      await withClient(settings, async (client) => {
        const handle = client.workflow.getHandle(workflowId);
        say(await handle.executeUpdate<string, [{ reason: string }]>('abort', { args: [{ reason: options.reason }] }));
      });
    });

  program
    .command('schedule')
    .description('make or update the weekly schedule: Sundays 02:00 UTC')
    .option('--policy <name>', 'policy to retrain', defaultPolicy)
    .action(async (options: { policy: string }) => {
      const { settings } = await openContext();
      await withClient(settings, async (client) => {
        const queue = `${settings.temporal.queuePrefix}orchestration`;
        say(
          `${weeklyScheduleId(options.policy)} ${await ensureWeeklySchedule(client, { policy: options.policy, taskQueue: queue })}`,
        );
      });
    });
}
