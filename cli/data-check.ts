import type { Command } from 'commander';

import type { CheckOptions } from './check-segment.ts';

/** `flywheel data check FILE`: every rule on a file, without storing anything. */
export function registerCheckCommand(data: Command): void {
  data
    .command('check')
    .description(
      'check a segment file against every rule, without storing anything; exit code 0: accepted, 1: a rule refuses something, 2 or 3: the check was not possible',
    )
    .argument('<file>', 'a segment, as a robot would upload it')
    .option('--robot-type <name or file>', 'id@version, or a document; default: the one its footer names')
    .option('--robot <id>', 'robot that would upload it; default: the one its footer names')
    .option('--json', 'as JSON', false)
    .action(async (file: string, options: CheckOptions) =>
      (await import('./check-segment.ts')).checkSegment(file, options),
    );
}
