import { randomUUID } from 'node:crypto';

import { carryOut, type Act } from '../acts/carry-out.ts';
import type { CommandContext } from './context.ts';
import { printable } from './printable.ts';

/** An act of who types a command: the shell's rights, and its word for who that is. */
type CommandAct = Omit<Act, 'actId' | 'role' | 'via'>;

const onUnrecorded = (why: string): void => void process.stderr.write(`flywheel: ${printable(why)}\n`);

/**
 * Does what a command asks for and keeps it in the audit log. Gives what `work` gave; a refusal is thrown as it came, after it was written down. `answerOf`: what
 * the log says of a good end.
 */
export async function actByCommand<T>(
  { store, clock }: Pick<CommandContext, 'store' | 'clock'>,
  act: CommandAct,
  work: (actId: string, askedAtMs: number) => Promise<T>,
  answerOf: (result: T) => string,
): Promise<T> {
  const actId = randomUUID();
  const ended: { result?: { readonly value: T }; refusal?: { readonly error: unknown } } = {};
  await carryOut({ store, clock, onUnrecorded }, { ...act, actId, role: null, via: 'command' }, async (askedAtMs) => {
    try {
      const value = await work(actId, askedAtMs);
      ended.result = { value };
      return answerOf(value);
    } catch (error) {
      ended.refusal = { error };
      throw error;
    }
  });
  if (ended.refusal !== undefined) throw ended.refusal.error;
  if (ended.result === undefined) throw new Error('expected an act of a new id to be done, it was not');
  return ended.result.value;
}
