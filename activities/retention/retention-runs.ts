import { z } from 'zod';

import { appendOnce } from '../../store/append-log.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { personalText } from '../../store/records/legal-holds.ts';
import type { ClassReport } from './class-tally.ts';

/** A sweep that a person asked for, `retention-runs/<seq>.json`; those of `keepStore` are in its history. */
const runSchema = z.strictObject({
  policy: z.string(),
  who: personalText,
  why: personalText,
  atMs: z.int(),
  classes: z.array(z.looseObject({ class: z.string(), objects: z.int(), bytes: z.number() })),
});

export async function recordRetentionRun(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  run: {
    readonly policy: string;
    readonly who: string;
    readonly why: string;
    readonly classes: readonly ClassReport[];
  },
): Promise<void> {
  const record = runSchema.parse({ ...run, atMs: clock() });
  await appendOnce(store, 'retention-runs', runSchema, () => ({ append: record }));
}
