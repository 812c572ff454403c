import type { Command } from 'commander';

import { openContext } from './context.ts';
import { printJson, printTable, say } from './print.ts';

interface CompactOptions {
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** `flywheel data compact`: fewer, larger files in the lake, and no file that nothing needs. */
export function registerCompactCommand(data: Command): void {
  data
    .command('compact')
    .description(
      'merge small files of the lake and delete files of old versions that nothing pins; --dry-run only shows what',
    )
    .option('--dry-run', 'change nothing', false)
    .option('--json', 'as JSON', false)
    .action(compact);
}

async function compact({ dryRun, json }: CompactOptions): Promise<void> {
  const context = await openContext();
  const { compactLake } = await import('../activities/lake/compact-lake.ts');
  const { fleetProfiles } = await import('../domain/trial/index.ts');
  const { dayMs } = fleetProfiles[context.settings.trialProfile];
  const result = await compactLake(context)({ dayMs, dryRun });
  if (json) return printJson({ dryRun, dayMs, ...result });
  printTable(
    ['table', dryRun ? 'small files that would be merged' : 'small files merged', 'resulting files'],
    result.tables.map(({ table, merged, written }) => [table, merged, written]),
  );
  const { files, bytes, pinnedFiles } = result.vacuumed;
  const mebibytes = (bytes / 2 ** 20).toFixed(1);
  if (result.held !== null) say(`no file of an old version is deleted: ${result.held}`);
  else say(`${files} files of old versions ${dryRun ? 'would be deleted' : 'deleted'} (${mebibytes} MiB)`);
  if (pinnedFiles > 0) say(`${pinnedFiles} stay: registered versions in use pin a dataset version that needs them`);
}
