import { CommandError } from './exit-codes.ts';

/** The JSON object of an option; throws naming the option when it is something else. */
export function parseJsonObject(option: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below: what is wrong is the same either way.
  }
  throw new CommandError('wrong', `${option}: expected a JSON object, got ${text}`);
}
