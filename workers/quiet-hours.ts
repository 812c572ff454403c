import { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';
import { isZone } from '../domain/maintenance/index.ts';
import type { QuietHours } from '../domain/monitoring/plan-mail.ts';
import { severities } from '../domain/monitoring/severity.ts';

const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day like 22:00')
  .transform((text) => 60 * Number(text.slice(0, 2)) + Number(text.slice(3)));

/** Hours in which only what is severe enough is sent, as people write them. */
export const quietHoursSchema = z
  .strictObject({
    zone: z.string().refine(isZone, 'expected an IANA time zone that this machine knows'),
    from: timeOfDay,
    to: timeOfDay,
    except: z.enum(severities).default('urgent'),
  })
  .refine(({ from, to }) => from !== to, 'expected hours that begin and end at different times');

/** Reads the quiet hours of a setting; its errors name it. */
export function readQuietHours(setting: string, text: string): QuietHours {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = quietHoursSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const expected = 'expected JSON like {"zone": "Europe/Berlin", "from": "22:00", "to": "06:00"}';
  throw new Error(`settings: ${setting}: ${value === undefined ? expected : describeIssues(parsed.error)}`);
}
