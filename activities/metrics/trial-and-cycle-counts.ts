import { z } from 'zod';

import type { AbTestEnd } from '../../domain/ab-test/progress.ts';
import type { GroupFacts } from '../../domain/metrics/index.ts';
import type { RolloutEnd } from '../../domain/rollout/index.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readTrialEnds } from '../trials/trial-ends.ts';

interface Of {
  readonly policy: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Nothing is written before it says it was, by clocks that agree within this. */
const clocksAgreeWithinMs = 300_000;

const endSchema = z.object({ policy: z.string(), outcome: z.string(), atMs: z.number() });

/** `ended`: a trial came to robots and is over. `goesOn`: the next step tells the end. `none`: it never came to a robot. */
type Counts = 'ended' | 'failed' | 'goesOn' | 'none';

/** Everything that an A/B test, a rollout or an offer may say of its end. A trial is counted once, by the step that it ended with. */
const countsOf: ReadonlyMap<string, Counts> = new Map(
  Object.entries({
    accept: 'goesOn',
    acceptEquivalent: 'goesOn',
    infeasible: 'goesOn',
    reject: 'ended',
    block: 'ended',
    harmful: 'failed',
    promoted: 'ended',
    rolledBack: 'failed',
    endedWithoutPromotion: 'ended',
    aborted: 'ended',
    notStarted: 'none',
    superseded: 'none',
  } satisfies Readonly<Record<AbTestEnd | RolloutEnd | 'superseded', Counts>>),
);

/** Trials of a policy that ended in `[startMs, endMs)`, by their ends. Reads those that were written since then. */
export async function readRollouts(
  store: ObjectStore,
  { policy, startMs, endMs }: Of,
  onDamage: OnDamage,
): Promise<NonNullable<GroupFacts['rollouts']>> {
  const counts = { ended: 0, failed: 0 };
  for await (const ends of readTrialEnds(store, endSchema, onDamage, startMs - clocksAgreeWithinMs))
    for (const end of ends) {
      if (end.policy !== policy || end.atMs < startMs || end.atMs >= endMs) continue;
      const how = countsOf.get(end.outcome);
      if (how === 'ended' || how === 'failed') counts.ended += 1;
      if (how === 'failed') counts.failed += 1;
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
    if (!key.endsWith('.json') || modifiedMs < startMs - clocksAgreeWithinMs) continue;
    const report = await readSoundJson(store, key, reportSchema, onDamage);
    if (report?.policy !== policy || report.writtenAtMs < startMs || report.writtenAtMs >= endMs) continue;
    if (report.training === null) continue;
    counts.trained += 1;
    if (report.outcome === 'promoted' || report.outcome === 'offered') counts.offered += 1;
  }
  return counts;
}
