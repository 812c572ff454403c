import { Argument, Command } from 'commander';

import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { placesOf } from './completion/tree.ts';
import { zshCompletion } from './completion/zsh.ts';
import { say } from './print.ts';

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;
type Shell = keyof typeof shells;

/** `flywheel completion`: a script for the shell in use. It holds the command line as it is; no tab starts a program. */
export function registerCompletionCommand(program: Command, registerAll: (program: Command) => Promise<void>): void {
  program
    .command('completion')
    .description('print a script that completes commands, options and choices: `source <(flywheel completion bash)`')
    .addArgument(new Argument('<shell>', 'shell that reads the script').choices(Object.keys(shells)))
    .action(async (shell: Shell) => {
      const whole = new Command('flywheel');
      await registerAll(whole);
      say(shells[shell](placesOf(whole)).trimEnd());
    });
}
