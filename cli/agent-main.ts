import { Command, CommanderError } from 'commander';

import { registerAgentCommand } from './agent.ts';
import { printable } from './printable.ts';

/**
 * The program `flywheel-agent` of the robot's package: `flywheel agent` alone, without anything of the server. `flywheel-agent --robot …` and
 * `flywheel-agent agent --robot …` are one.
 */
const program = new Command('flywheel-agent')
  .description('The agent of a robot: records, uploads, and keeps the robot on the policy version that it should run.')
  .exitOverride();
registerAgentCommand(program, { isDefault: true });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`flywheel-agent: ${printable(error instanceof Error ? error.message : String(error))}\n`);
    process.exitCode = 1;
  }
}
