import { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';
import { readOidcSettings, type OidcSettings } from './oidc/settings.ts';

/** Settings of the console's own, from `FLYWHEEL_CONSOLE_…`; the others are those of every process. */
const settingsSchema = z.strictObject({
  /** Where it listens. It speaks plain HTTP: behind a TLS proxy, anywhere but on this machine. */
  FLYWHEEL_CONSOLE_HOST: z.string().min(1).default('127.0.0.1'),
  /** 0: a free one. */
  FLYWHEEL_CONSOLE_PORT: z.coerce.number('expected a port').int().min(0).max(65_535).default(8_790),
  /** JSON file that says by which identity provider people sign in; by token alone by default. */
  FLYWHEEL_CONSOLE_OIDC: z.string().min(1).optional(),
});

const isOwn = (name: string): boolean => name.startsWith('FLYWHEEL_CONSOLE_');

type Environment = Readonly<Record<string, string | undefined>>;

interface ConsoleSettings {
  readonly host: string;
  readonly port: number;
  readonly oidc?: OidcSettings;
}

export function readConsoleSettings(environment: Environment): ConsoleSettings {
  const own = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => isOwn(name) && value !== undefined),
  );
  const parsed = settingsSchema.safeParse(own);
  if (!parsed.success) throw new Error(`settings: ${describeIssues(parsed.error)}`);
  const { FLYWHEEL_CONSOLE_HOST: host, FLYWHEEL_CONSOLE_PORT: port, FLYWHEEL_CONSOLE_OIDC: file } = parsed.data;
  return { host, port, ...(file === undefined ? {} : { oidc: readOidcSettings(file) }) };
}

/** What is left for the settings of every process. */
export const withoutConsoleSettings = (environment: Environment): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !isOwn(name)));
