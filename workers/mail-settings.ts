import { z } from 'zod';

import type { MailReceiver } from '../activities/ports/mailer.ts';
import { severities } from '../domain/monitoring/severity.ts';
import { quietHoursSchema } from './quiet-hours.ts';
import { readSecretFile } from './secret-file.ts';

/** Where mail goes out, and who gets it. */
export interface MailSettings {
  readonly url: string;
  readonly from: string;
  readonly receivers: readonly MailReceiver[];
}

const minuteMs = 60_000;
const address = z.email().max(254);

const documentSchema = z.strictObject({
  /** May hold user and password. */
  url: z.url({ protocol: /^smtps?$/ }),
  from: address,
  receivers: z
    .array(
      z.strictObject({
        to: address,
        least: z.enum(severities).default('normal'),
        paceMinutes: z.number().min(0).max(1440).default(10),
        quiet: quietHoursSchema.optional(),
      }),
    )
    .min(1)
    .max(50)
    .refine((all) => new Set(all.map(({ to }) => to)).size === all.length, 'expected every address once'),
});

/** Reads the file that `FLYWHEEL_MAIL` names; errors tell fields, never what stands in them. */
export function readMailSettings(file: string): MailSettings {
  const { url, from, receivers } = readSecretFile('FLYWHEEL_MAIL', file, {
    schema: documentSchema,
    why: 'it may hold a password',
  });
  return {
    url,
    from,
    receivers: receivers.map(({ paceMinutes, quiet, ...receiver }) => ({
      ...receiver,
      paceMs: paceMinutes * minuteMs,
      ...(quiet === undefined ? {} : { quiet }),
    })),
  };
}
