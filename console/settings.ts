import { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';

/** Settings of the console's own, from `FLYWHEEL_CONSOLE_…`; the others are those of every process. */
const settingsSchema = z.strictObject({
  /** Where it listens. It speaks plain HTTP: behind a TLS proxy, anywhere but on this machine. */
  FLYWHEEL_CONSOLE_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0: a free one. */
  FLYWHEEL_CONSOLE_PORT: z.coerce.number('expected a port').int().min(0).max(65_535).default(8_790),
});

const isOwn = (name: string): boolean => name.startsWith('FLYWHEEL_CONSOLE_');

type Environment = Readonly<Record<string, string | undefined>>;

export function readConsoleSettings(environment: Environment): { readonly host: string; readonly port: number } {
  const own = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => isOwn(name) && value !== undefined),
  );
  const parsed = settingsSchema.safeParse(own);
  if (!parsed.success) throw new Error(`settings: ${describeIssues(parsed.error)}`);
  return { host: parsed.data.FLYWHEEL_CONSOLE_HOST, port: parsed.data.FLYWHEEL_CONSOLE_PORT };
}

/** What is left for the settings of every process. */
export const withoutConsoleSettings = (environment: Environment): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !isOwn(name)));
