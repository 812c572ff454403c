import { z } from 'zod';

import type { GroupFacts } from '../../domain/metrics/index.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';

interface Of {
  readonly policy: string;
  readonly startMs: number;
  readonly endMs: number;
}

const endSchema = z.object({ policy: z.string(), outcome: z.string(), atMs: z.number() });
/** Of trials that came to robots; what was refused before is none of them. */
const endedOutcomes = new Set(['promoted', 'rolledBack', 'endedWithoutPromotion', 'aborted', 'failed']);
const failedOutcomes = new Set(['rolledBack', 'failed']);

/** Trials of a policy that ended in `[startMs, endMs)`, by their ends. Cost grows with everything that trials wrote. */
export async function readRollouts(
  store: ObjectStore,
  { policy, startMs, endMs }: Of,
  onDamage: OnDamage,
): Promise<NonNullable<GroupFacts['rollouts']>> {
  const counts = { ended: 0, failed: 0 };
  for await (const { key } of store.list('trials/')) {
    if (!/^trials\/[^/]+\/end\.json$/.test(key)) continue;
    const end = await readSoundJson(store, key, endSchema, onDamage);
    if (end?.policy !== policy || end.atMs < startMs || end.atMs >= endMs) continue;
    if (endedOutcomes.has(end.outcome)) counts.ended += 1;
    if (failedOutcomes.has(end.outcome)) counts.failed += 1;
  }
  return counts;
}

const reportSchema = z.object({
  policy: z.string(),
  outcome: z.string(),
  writtenAtMs: z.number(),
  training: z.unknown().nullable(),
});

/** Cycles of a policy that ended in `[startMs, endMs)` and had trained, by their reports. */
export async function readTrainings(
  store: ObjectStore,
  { policy, startMs, endMs }: Of,
  onDamage: OnDamage,
): Promise<NonNullable<GroupFacts['trainings']>> {
  const counts = { trained: 0, offered: 0 };
  for await (const { key, modifiedMs } of store.list('reports/')) {
    // A report is never written before it says it was.
    if (!key.endsWith('.json') || modifiedMs < startMs - 300_000) continue;
    const report = await readSoundJson(store, key, reportSchema, onDamage);
    if (report?.policy !== policy || report.writtenAtMs < startMs || report.writtenAtMs >= endMs) continue;
    if (report.training === null) continue;
    counts.trained += 1;
    if (report.outcome === 'promoted' || report.outcome === 'offered') counts.offered += 1;
  }
  return counts;
}
