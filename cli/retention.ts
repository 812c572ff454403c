import type { Client } from '@temporalio/client';
import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { retentionClasses, type RetentionLimits } from '../domain/retention.ts';
import { recordRetentionRun } from '../activities/retention/retention-runs.ts';
import type { SweepStoreResult } from '../activities/retention/sweep-store.ts';
import { readRetentionHistory, readRetentionLimits, setRetentionLimits } from '../store/records/retention-limits.ts';
import type { Settings } from '../workers/config.ts';
import { openContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { whoOption } from './person.ts';
import { printJson, printTable, say } from './print.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

/** Starts what keeps a policy's store, facts and, where one is configured, mirror; what runs goes on as it is. */
export async function ensureKeepers(
  client: Client,
  taskQueue: string,
  options: { readonly policy: string; readonly profile?: 'real' | 'compressed' },
  { mlflow }: Pick<Settings, 'mlflow'>,
): Promise<void> {
  const keepers = { keepStore: 'retention', keepFacts: 'facts', ...(mlflow && { keepMirror: 'mirror' }) } as const;
  for (const [workflow, what] of Object.entries(keepers))
    await client.workflow.start(workflow, {
      workflowId: workflowIds[workflow as 'keepStore' | 'keepFacts' | 'keepMirror'](options.policy),
      taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `${what} of ${options.policy}`,
      args: [options],
    });
}

interface RunOptions {
  readonly policy: string;
  readonly dryRun: boolean;
  readonly who: string;
  readonly reason?: string;
  readonly json: boolean;
}

/** `flywheel data retention show|set|run`: how long each class of data is kept, and what the keeper of the store takes away, or would. */
export function registerRetentionCommand(data: Command): void {
  const retention = data
    .command('retention')
    .description('how long each class of data is kept; default command: `run`');
  retention
    .command('show')
    .description('show the current limits, who set them and why')
    .option('--json', 'as JSON', false)
    .action(show);
  whoOption(
    retention
      .command('set')
      .description('set limits, in fleet days or `forever`: frames=730 telemetry=forever …')
      .argument('<class=days...>', retentionClasses.join(', '))
      .requiredOption('--reason <text>', 'why; kept in the log')
      .option('--json', 'as JSON', false),
  ).action(set);
  whoOption(
    retention
      .command('run', { isDefault: true })
      .description(
        'delete data that is no longer needed, as the workflow keepStore does every hour; --dry-run only shows what',
      )
      .option('--policy <name>', 'policy whose telemetry to check', defaultPolicy)
      .option('--dry-run', 'change nothing', false)
      .option('--reason <text>', 'why; kept in the log; required except with --dry-run')
      .option('--json', 'as JSON', false),
  ).action(run);
}

async function show({ json }: { readonly json: boolean }): Promise<void> {
  const { store } = await openContext();
  const [limits, history] = [await readRetentionLimits(store), await readRetentionHistory(store)];
  if (json) return printJson({ limits, history });
  printTable(
    ['class', 'kept'],
    retentionClasses.map((kind) => [kind, keptText(kind, limits)]),
  );
  const last = history.at(-1);
  if (last === undefined) say('no limit is set: these are the defaults');
  else say(`set by ${last.who}, ${new Date(last.atMs).toISOString()}: ${last.why}`);
}

/** Clips without a limit of their own go with the frames. */
const keptText = (kind: (typeof retentionClasses)[number], limits: RetentionLimits): string =>
  kind === 'media' && limits.media === null ? 'as long as frames' : daysText(limits[kind]);

const daysText = (days: number | null): string => (days === null ? 'forever' : `${days} fleet days`);

async function set(
  words: readonly string[],
  { who, reason: why, json }: { readonly who: string; readonly reason: string; readonly json: boolean },
): Promise<void> {
  const changes = Object.assign({}, ...words.map(limitOf)) as Partial<RetentionLimits>;
  const { store, clock } = await openContext();
  const record = await setRetentionLimits({ store, clock }, changes, { who, why });
  if (json) return printJson(record);
  for (const kind of retentionClasses) say(`${kind}: ${keptText(kind, record.limits)}`);
}

function limitOf(text: string): Partial<RetentionLimits> {
  const [name = '', days = ''] = text.split(/=(.*)/s);
  const kind = retentionClasses.find((one) => one === name);
  if (kind === undefined || !/^(\d{1,9}|forever)$/.test(days))
    throw new CommandError(
      'wrong',
      `expected a class and its days like frames=730 or frames=forever (classes: ${retentionClasses.join(', ')}), got ${text.slice(0, 60)}`,
    );
  return { [kind]: days === 'forever' ? null : Number(days) };
}

async function run({ policy, dryRun, who, reason: why, json }: RunOptions): Promise<void> {
  if (!dryRun && why === undefined)
    throw new CommandError('wrong', 'expected --reason and why, or --dry-run, got neither');
  const context = await openPolicy(policy);
  const { sweepStore } = await import('../activities/retention/sweep-store.ts');
  const { fleetProfiles } = await import('../domain/trial/index.ts');
  const { store, clock, settings, progress, lake, engine } = context;
  const { scratchDirectory } = settings;
  const { dayMs } = fleetProfiles[settings.trialProfile];
  const sweep = sweepStore({ store, clock, progress, scratchDirectory, lake, engine });
  const result = await sweep({ policy, dayMs, dryRun });
  if (!dryRun)
    await recordRetentionRun({ store, clock }, { policy, who, why: why ?? '', classes: result.classes ?? [] });
  if (json) return printJson({ dryRun, dayMs, ...result });
  printSweep(result, dryRun);
}

function printSweep({ swept, examples, isBehind, classes = [] }: SweepStoreResult, dryRun: boolean): void {
  printTable(
    [dryRun ? 'would be deleted' : 'deleted', 'objects', 'MiB'],
    swept.map(({ kind, objects, bytes }) => [kind, objects, mebibytes(bytes)]),
  );
  for (const name of examples) say(`  ${name}`);
  if (isBehind) say('and more, left for the next sweep');
  printTable(
    ['class', 'kept', dryRun ? 'would be deleted' : 'deleted', 'MiB', 'oldest'],
    classes.map(({ class: kind, limitDays, objects, bytes, oldestMs }) => [
      kind,
      daysText(limitDays),
      objects,
      mebibytes(bytes),
      oldestMs === null ? '–' : new Date(oldestMs).toISOString(),
    ]),
  );
  for (const { class: kind, kept } of classes)
    for (const { why, objects } of kept)
      say(`${kind}: ${objects} objects stay although they are past the limit: ${why}`);
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
