import { z } from 'zod';

import {
  defaultRetentionLimits,
  leastRetentionDays,
  mostRetentionDays,
  retentionClasses,
  type RetentionClass,
  type RetentionLimits,
} from '../../domain/retention.ts';
import { appendOnce, readLog } from '../append-log.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';
import type { ObjectStore } from '../object-store.ts';
import { personalText } from './legal-holds.ts';

const daysOf = (kind: RetentionClass) =>
  z
    .int()
    .min(
      leastRetentionDays[kind],
      `expected at least ${leastRetentionDays[kind]} days: cycles and monitors still read younger data`,
    )
    .max(mostRetentionDays)
    .nullable();

/** The whole document; a class that a later version adds has its default in documents of this one. */
const limitsSchema = z.strictObject({
  frames: daysOf('frames').default(defaultRetentionLimits.frames),
  media: daysOf('media').default(defaultRetentionLimits.media),
  telemetry: daysOf('telemetry').default(defaultRetentionLimits.telemetry),
  trainingSets: daysOf('trainingSets').default(defaultRetentionLimits.trainingSets),
  quarantine: daysOf('quarantine').default(defaultRetentionLimits.quarantine),
  verdicts: daysOf('verdicts').default(defaultRetentionLimits.verdicts),
  reports: daysOf('reports').default(defaultRetentionLimits.reports),
  imports: daysOf('imports').default(defaultRetentionLimits.imports),
  agents: daysOf('agents').default(defaultRetentionLimits.agents),
});
const recordSchema = z.strictObject({ limits: limitsSchema, who: personalText, why: personalText, atMs: z.int() });
export type RetentionRecord = z.infer<typeof recordSchema>;

/** `config/retention/<seq>.json`: the last one holds, the earlier ones say what held before. */
const prefix = 'config/retention';

/** Every document, oldest first. One that cannot be read is an error: nothing may go by limits that nobody knows. */
export const readRetentionHistory = async (store: ObjectStore): Promise<readonly RetentionRecord[]> =>
  (await readLog(store, prefix, recordSchema)).map(({ record }) => record);

export const readRetentionLimits = async (store: ObjectStore): Promise<RetentionLimits> =>
  (await readRetentionHistory(store)).at(-1)?.limits ?? defaultRetentionLimits;

/** Changes the limits that are named; those that hold already change nothing. `InvalidInput` for one that is too short. */
export const setRetentionLimits = (
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  changes: Partial<RetentionLimits>,
  word: { readonly who: string; readonly why: string },
): Promise<RetentionRecord> =>
  appendOnce(store, prefix, recordSchema, (earlier) => {
    const last = earlier.at(-1)?.record;
    const before = last?.limits ?? defaultRetentionLimits;
    const parsed = recordSchema.safeParse({ limits: { ...before, ...changes }, ...word, atMs: clock() });
    if (!parsed.success) throw failure('InvalidInput', describeIssues(parsed.error));
    const isSame = retentionClasses.every((kind) => parsed.data.limits[kind] === before[kind]);
    return isSame && last !== undefined ? { found: last } : { append: parsed.data };
  });
