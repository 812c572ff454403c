import type { Client } from '@temporalio/client';
import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import type { MonitorStatus } from '../workflows/monitor/messages.ts';
import { ask, orchestrationQueue } from '../acts/ask-workflow.ts';
import { withClient } from './context.ts';
import { openPolicy } from './open-policy.ts';
import { say } from './print.ts';
import { ensureKeepers } from './retention.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { messageNames } from '../domain/contract/message-names.ts';

/** Input of the workflow `fleetMonitor`; what is missing takes its defaults there. */
export interface MonitorOptions {
  readonly policy: string;
  /** Default: the installation's. */
  readonly profile?: 'real' | 'compressed';
  readonly tickMs?: number;
  /** Real length of a fleet day; default: the profile's. */
  readonly dayMs?: number;
  readonly triggers?: boolean;
  readonly limits?: Readonly<Record<string, number>>;
}

/** In development a fleet day is a minute, and the script runs the cycles. */
export const devMonitor = {
  profile: 'compressed',
  tickMs: 5_000,
  triggers: false,
  limits: { driftEveryHours: 48 },
} as const satisfies Omit<MonitorOptions, 'policy'>;

/** Starts the monitor of a policy; one that runs goes on as it is. Gives its workflow id. */
export async function ensureMonitor(client: Client, taskQueue: string, options: MonitorOptions): Promise<string> {
  const { workflowId } = await client.workflow.start('fleetMonitor', {
    workflowId: workflowIds.fleetMonitor(options.policy),
    taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `monitor of ${options.policy}`,
    args: [options],
  });
  return workflowId;
}

/** `flywheel monitor`: see to it that a fleet is watched. */
export function registerMonitorCommand(program: Command): void {
  program
    .command('monitor')
    .description('start the monitor of a fleet, unless it is running')
    .option('--policy <name>', 'policy whose robots to watch', defaultPolicy)
    .option('--compressed', 'one fleet day per minute, for demos', false)
    .action(async ({ policy, compressed }: { policy: string; compressed: boolean }) => {
      const { settings } = await openPolicy(policy);
      await withClient(settings, async (client) => {
        const profile = compressed ? { profile: 'compressed' as const } : {};
        const workflowId = await ensureMonitor(client, orchestrationQueue(settings), { policy, ...profile });
        await ensureKeepers(client, orchestrationQueue(settings), { policy, ...profile }, settings);
        const handle = client.workflow.getHandle(workflowId);
        const status = (): Promise<MonitorStatus> => handle.query<MonitorStatus>(messageNames.status);
        const { looks } = await ask(
          { client, settings, workflowId },
          status,
          'it is started, and evaluates the fleet as soon as one runs',
        );
        say(`${workflowId} runs: ${looks === 0 ? 'no evaluation yet' : `${looks} evaluations so far`}`);
      });
    });
}
