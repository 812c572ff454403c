import { Command } from 'commander';

import { commandGroups, groupOf } from './command-groups.ts';
import { reportFailure } from './exit-codes.ts';

const program = new Command('flywheel')
  .description(
    'Continuous learning for robot fleets. Which installation is meant: `flywheel context`; settings: docs/operations.md.',
  )
  .showHelpAfterError()
  .exitOverride();

try {
  // A command loads what it uses; help and what nobody knows load all.
  const asked = groupOf(process.argv.slice(2));
  for (const load of asked === undefined ? Object.values(commandGroups) : [commandGroups[asked]])
    (await load())(program);
  await program.parseAsync();
} catch (error) {
  reportFailure(error);
}
