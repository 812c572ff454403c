import { z } from 'zod';

import { appendOnce } from '../../store/append-log.ts';
import { orSetAside, type OnDamage } from '../../store/damaged-objects.ts';
import { failure } from '../../store/failures.ts';
import { readJson } from '../../store/json-objects.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import {
  dayMs,
  horizonDays,
  isZone,
  weekdays,
  windowsNow,
  type UpdateWindows,
} from '../../domain/maintenance/index.ts';
import { instantMsSchema } from '../protocol/index.ts';
import { fleetKeys, logKey } from './keys.ts';
import { parse } from './parse.ts';
import { siteSchema } from './robots.ts';

const windowsSchema: z.ZodType<UpdateWindows> = z.strictObject({
  zone: z.string().refine(isZone, 'expected an IANA time zone that this machine knows'),
  days: z.array(z.enum(weekdays)).min(1).max(7).readonly(),
  from: z.int().min(0).max(1439),
  to: z.int().min(1).max(1440),
  blackout: z.array(z.iso.date()).max(366).readonly(),
});

/** One entry of `windows/<seq>.json`; of each site the last one holds. A site without any is always open. */
const windowsRecordSchema = z.strictObject({
  site: siteSchema,
  /** Null: taken away, always open again. */
  windows: windowsSchema.nullable(),
  atMs: instantMsSchema,
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(500),
});
export type WindowsRecord = z.infer<typeof windowsRecordSchema>;

/** What is said of sites, by site; sites without windows are not in it. */
export type WindowsOfSites = ReadonlyMap<string, WindowsRecord & { readonly windows: UpdateWindows }>;

/**
 * Says when robots of a site may take another version that can wait; null takes that back. The same again appends nothing.
 * `NotFound` when there is nothing to take back.
 */
export async function setWindows(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  change: Omit<WindowsRecord, 'atMs'>,
): Promise<WindowsRecord> {
  const record = parse(windowsRecordSchema, { ...change, atMs: clock() });
  return appendOnce(store, fleetKeys.windows, windowsRecordSchema, (earlier) => {
    const now = earlier.findLast((entry) => entry.record.site === record.site)?.record;
    if (record.windows === null && (now === undefined || now.windows === null))
      throw failure('NotFound', 'expected a site with windows to remove', { coordinates: { site: record.site } });
    if (now !== undefined && canonicalJson(now.windows) === canonicalJson(record.windows)) return { found: now };
    return { append: record };
  });
}

/**
 * Follows the log; one read a call when nothing is new. A damaged record is passed over with a word to `onDamage`, once: what was said
 * of its site before holds.
 */
export function followWindows(store: ObjectStore): (onDamage: OnDamage) => Promise<WindowsOfSites> {
  const holding = new Map<string, WindowsRecord & { readonly windows: UpdateWindows }>();
  let next = 0;
  return async (onDamage) => {
    for (;;) {
      const key = logKey(fleetKeys.windows, next);
      let isThere = true;
      const record = await orSetAside(
        key,
        async () => {
          const found = await readJson(store, key, windowsRecordSchema);
          isThere = found !== undefined;
          return found;
        },
        onDamage,
      );
      if (!isThere) return holding;
      next += 1;
      if (record === undefined) continue;
      const { site, windows } = record;
      if (windows === null) holding.delete(site);
      else holding.set(site, { ...record, windows });
    }
  };
}

/** The windows of all sites now. */
export const readWindowsOfSites = (store: ObjectStore, onDamage: OnDamage): Promise<WindowsOfSites> =>
  followWindows(store)(onDamage);

/** Until when each site is closed at an instant; undefined for one that is open. */
export function closedSites(sites: WindowsOfSites, nowMs: number): (site: string) => number | undefined {
  const closed = new Map(
    [...sites].flatMap(([site, { windows }]) => {
      const { isOpen, opensMs } = windowsNow(windows, nowMs);
      return isOpen ? [] : [[site, opensMs ?? nowMs + horizonDays * dayMs] as const];
    }),
  );
  return (site) => closed.get(site);
}
