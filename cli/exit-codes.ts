import { CommanderError } from 'commander';

import { ActError } from '../acts/act-error.ts';
import { printable } from './printable.ts';

/** What the shell hears of a command; docs/operations.md has the table. */
export const exitCodes = {
  /** Done; what was waited for ended well. */
  done: 0,
  /** The answer is no: refused, held back, nothing to do, or ended otherwise than well. */
  no: 1,
  /** Not carried out: the command line, the input, the policy or the id is wrong. */
  wrong: 2,
  /** Not carried out: server, worker, store or a key is missing; worth trying again once it is there. */
  missing: 3,
} as const;

/** What a shell calls the end by SIGPIPE: 128 + 13. */
export const brokenPipe = 141;

/** An end of a command that has its own exit code. */
export class CommandError extends ActError {}

/** The code an error ends a command with; whatever nobody foresaw is `wrong`: nothing was carried out. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ActError) return exitCodes[error.kind];
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.wrong;
  // By its name: no command loads the client for the sake of an error that it cannot have.
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return exitCodes.wrong;
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  return type === 'StoreUnavailable' || type === 'KeysUnavailable' ? exitCodes.missing : exitCodes.wrong;
}

/** Says what went wrong on stderr and sets the exit code. Commander has said its own errors already. */
export function reportFailure(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  if (error instanceof CommanderError) return;
  process.stderr.write(`flywheel: ${printable(error instanceof Error ? error.message : String(error))}\n`);
}
