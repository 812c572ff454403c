import { z } from 'zod';

import { dictionary } from './dictionary.ts';

/**
 * Reads an object of JSON as a {@link dictionary}: every name is kept, `__proto__` too, and none is inherited. Issues name the
 * entry they belong to.
 */
export const dictionarySchema = <Value>(value: z.ZodType<Value>): z.ZodType<Record<string, Value>> =>
  z.unknown().transform((given, context) => {
    const made = dictionary<Value>();
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      context.addIssue({ code: 'custom', message: 'expected an object' });
      return made;
    }
    for (const [name, raw] of Object.entries(given)) {
      const parsed = value.safeParse(raw);
      if (parsed.success) made[name] = parsed.data;
      else
        for (const { path, message } of parsed.error.issues)
          context.addIssue({ code: 'custom', path: [name, ...path], message });
    }
    return made;
  });
