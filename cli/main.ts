import { Command } from 'commander';

import { commandGroups, groupOf, registerAll } from './command-groups.ts';
import { brokenPipe, reportFailure } from './exit-codes.ts';
import { withReason } from './person.ts';

const program = new Command('flywheel')
  .description(
    'Continuous learning for robot fleets. `flywheel context` shows the installation in use; settings: docs/operations.md.',
  )
  .showHelpAfterError()
  .exitOverride();

// Whoever reads has read enough, as `| head` does: the command ends as other programs do by SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  // A command that lives on without a reader, as an agent does, hears of it itself.
  if (process.stdout.listenerCount('error') === 1) process.exit(brokenPipe);
});

try {
  // A command loads what it uses, help loads all; to say that a word is no command their names will do.
  const args = withReason(process.argv.slice(2));
  const asked = groupOf(args);
  if (asked === undefined && isWord(args[0])) for (const name of Object.keys(commandGroups)) program.command(name);
  else if (asked === undefined) await registerAll(program);
  else (await commandGroups[asked]())(program);
  await program.parseAsync(args, { from: 'user' });
} catch (error) {
  reportFailure(error);
}

function isWord(text: string | undefined): boolean {
  return text !== undefined && text !== 'help' && !text.startsWith('-');
}
