import { z } from 'zod';

import { driftRows, type DriftRow } from '../../domain/monitoring/drift-rows.ts';
import { defaultDriftLimits } from '../../domain/monitoring/feature-drift.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';

const sizes = z.object({ reference: z.number(), current: z.number() });

const verdictSchema = z.object({
  alarm: z.boolean(),
  features: z.array(
    z.object({
      feature: z.string(),
      verdict: z.enum(['none', 'warn', 'alarm']),
      stabilityIndex: z.number(),
      stabilityThreshold: z.number(),
      distance: z.number(),
    }),
  ),
  discrepancy: z.object({ p: z.number() }),
  robots: sizes,
  samples: sizes,
});

/** What a look for drift left, as far as it is shown; others write more. */
const documentSchema = verdictSchema.extend({
  cameras: z.array(z.object({ camera: z.string(), verdict: verdictSchema })).default([]),
  /** Not there in documents of earlier builds, which had the defaults. */
  limits: z
    .object({ psiWarn: z.number(), psiAlarm: z.number(), ksDistance: z.number(), discrepancyP: z.number() })
    .default(defaultDriftLimits),
});

interface DriftLook {
  readonly lookMs: number;
  readonly alarm: boolean;
  readonly rows: readonly DriftRow[];
}

/** Older looks than so many are not opened for one that found something. */
const mostLooks = 20;

/** The newest look for drift, at `untilMs` or before, that raised an alarm; else the newest; undefined: none is kept. */
export async function readDriftLook(
  store: ObjectStore,
  policy: string,
  untilMs: number,
  onDamage: OnDamage,
): Promise<DriftLook | undefined> {
  const prefix = `monitor/${policy}/drift/`;
  const looks: { readonly key: string; readonly lookMs: number }[] = [];
  for await (const { key } of store.list(prefix)) {
    const lookMs = Number(key.slice(prefix.length, -'.json'.length));
    if (Number.isSafeInteger(lookMs) && lookMs <= untilMs) looks.push({ key, lookMs });
  }
  const newestFirst = looks.toSorted((a, b) => b.lookMs - a.lookMs).slice(0, mostLooks);
  let newest: DriftLook | undefined;
  for (const { key, lookMs } of newestFirst) {
    const found = await readSoundJson(store, key, documentSchema, onDamage);
    if (found === undefined) continue;
    const { alarm, limits, cameras, ...numbers } = found;
    const look = { lookMs, alarm, rows: driftRows([{ camera: null, verdict: numbers }, ...cameras], limits) };
    if (alarm) return look;
    newest ??= look;
  }
  return newest;
}
