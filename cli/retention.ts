import type { Client } from '@temporalio/client';
import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { ageMs, defaultRetentionRules } from '../domain/retention.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

/** Starts the keeper of a policy's store; one that runs goes on as it is. */
export async function ensureRetention(
  client: Client,
  taskQueue: string,
  options: { readonly policy: string; readonly profile?: 'real' | 'compressed' },
): Promise<void> {
  await client.workflow.start('keepStore', {
    workflowId: workflowIds.keepStore(options.policy),
    taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `retention of ${options.policy}`,
    args: [options],
  });
}

/** Starts the keeper of a policy's facts; one that runs goes on as it is. */
export async function ensureFacts(
  client: Client,
  taskQueue: string,
  options: { readonly policy: string; readonly profile?: 'real' | 'compressed' },
): Promise<void> {
  await client.workflow.start('keepFacts', {
    workflowId: workflowIds.keepFacts(options.policy),
    taskQueue,
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `facts of ${options.policy}`,
    args: [options],
  });
}

interface Options {
  readonly policy: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** `flywheel data retention`: what the keeper of the store takes away, or would. */
export function registerRetentionCommand(data: Command): void {
  data
    .command('retention')
    .description('delete what is no longer needed, as the workflow keepStore does every hour; --dry-run only lists it')
    .option('--policy <name>', 'policy whose telemetry is merged', defaultPolicy)
    .option('--dry-run', 'change nothing', false)
    .option('--json', 'as JSON', false)
    .action(retention);
}

async function retention({ policy, dryRun, json }: Options): Promise<void> {
  const context = await openPolicy(policy);
  const { sweepStore } = await import('../activities/retention/sweep-store.ts');
  const { fleetProfiles } = await import('../domain/trial/index.ts');
  const { store, clock, settings, progress } = context;
  const { scratchDirectory } = settings;
  const { dayMs } = fleetProfiles[settings.trialProfile];
  const sweep = sweepStore({ store, clock, progress, scratchDirectory });
  const { swept, examples, isBehind } = await sweep({ policy, dayMs, dryRun });
  if (json) return printJson({ dryRun, dayMs, swept, examples, isBehind });
  printTable(
    [dryRun ? 'would go' : 'went', 'objects', 'MiB'],
    swept.map(({ kind, objects, bytes }) => [kind, objects, (bytes / 2 ** 20).toFixed(1)]),
  );
  for (const name of examples) say(`  ${name}`);
  if (isBehind) say('and more: there is more than one sweep does');
  const hours = ageMs(defaultRetentionRules.setDays, dayMs) / 3_600_000;
  say(`sets and checkpoints are kept ${hours.toFixed(1)} h; what registered models need, longer (docs/operations.md)`);
}
