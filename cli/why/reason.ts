import type { OnDamage } from '../../store/damaged-objects.ts';
import type { CommandContext } from '../context.ts';

/** One link of the chain: what is so, by which number against which limit and on how much, and what shows more. */
export interface Reason {
  readonly sentence: string;
  readonly value?: number;
  readonly limit?: number;
  readonly unit?: string;
  /** On how much it rests: `12 robots, 3400 episodes`. */
  readonly sample?: string;
  /** A command. */
  readonly see?: string;
}

export interface Explanation {
  readonly kind: 'trial' | 'model' | 'cycle' | 'robot';
  readonly subject: string;
  /** The answer itself; the reasons say why it is so. */
  readonly answer: string;
  readonly reasons: readonly Reason[];
}

export interface Question {
  readonly context: CommandContext;
  readonly policy: string;
  /** What was asked about. */
  readonly what: string;
  readonly onDamage: OnDamage;
}

export const instant = (ms: number): string => new Date(ms).toISOString();

/** The figures of a gate, those that it has. */
export const measured = (
  value: number | null | undefined,
  limit: number | null | undefined,
  unit?: string | null,
): Pick<Reason, 'value' | 'limit' | 'unit'> => ({
  ...(value === null || value === undefined ? {} : { value }),
  ...(limit === null || limit === undefined ? {} : { limit }),
  ...(unit === null || unit === undefined || unit === '' ? {} : { unit }),
});
