import { userInfo } from 'node:os';

import type { Command } from 'commander';

/** Every act is kept with a person: who is named, else the user of the operating system. */
export const whoOption = (command: Command): Command =>
  command.option('--who <name>', 'who does this; recorded; default: your user name', userInfo().username);

/** What an operator says with an act. */
export interface PersonalWord {
  readonly policy: string;
  readonly reason: string;
  readonly who: string;
}

/** Arguments of a command, with `--reason` in place of `--why`, as some commands of earlier versions called it; what follows `--` stays. */
export function withReason(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, index) => (end >= 0 && index > end ? arg : arg.replace(/^--why(?==|$)/, '--reason')));
}
