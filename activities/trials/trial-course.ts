import { z } from 'zod';

import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readTrialEnds } from './trial-ends.ts';

const endSchema = z.object({
  trialId: z.string(),
  policy: z.string(),
  candidateVersion: z.string().nullable(),
  outcome: z.string(),
  reason: z.string(),
  atMs: z.number(),
});
export type EndedTrial = Omit<z.infer<typeof endSchema>, 'policy'>;

const readsAtOnce = 16;

/**
 * Trials of a policy that ended, newest last, the last `limit` of them; an end that cannot be read is passed over with a word to `onDamage`. Reads the ends
 * that are newer than the oldest one given, of all policies.
 */
export async function listEndedTrials(
  store: ObjectStore,
  policy: string,
  limit: number,
  onDamage: OnDamage,
): Promise<readonly EndedTrial[]> {
  const ends: EndedTrial[] = [];
  for await (const some of readTrialEnds(store, endSchema, onDamage)) {
    ends.push(...some.flatMap(({ policy: of, ...shown }) => (of === policy ? [shown] : [])));
    if (ends.length >= limit) break;
  }
  return ends.toSorted((a, b) => a.atMs - b.atMs).slice(-limit);
}

const number = z.number().nullable().default(null);
/** What a verdict of a guard's tick or of a look of an A/B test says, as far as a curve needs it. */
const verdictSchema = z.object({
  asked: z.object({ nowMs: z.number().optional(), stage: z.number().optional() }).optional(),
  result: z.object({
    verdict: z.string().optional(),
    decision: z.string().optional(),
    reason: z.string(),
    delta: number,
    lowerBound: number,
    low: number,
    high: number,
    marginFraction: number,
    logEvidence: number,
    threshold: number,
    bound: number,
    z: number,
    robots: number,
    episodes: number,
    candidateRobots: number,
    controlRobots: number,
    candidateEpisodes: number,
    controlEpisodes: number,
  }),
});

export type CoursePoint = z.infer<typeof verdictSchema>['result'] & {
  readonly kind: 'tick' | 'look';
  readonly index: number;
  /** Of a rollout; null: it does not say. */
  readonly stage: number | null;
  /** When it was asked for, Unix ms; where a verdict does not say so, when it was written by the store's clock. */
  readonly atMs: number;
};

const verdictPattern = /\/verdicts\/(tick|look)-(\d+)\.json$/;
export const mostPoints = 500;

/**
 * The verdicts of a trial by the time for which they were asked, at most 500 of them, evenly thinned in the order in which they were written, always with the
 * first and the last one. `verdicts`: how many there are.
 */
export async function readTrialCourse(
  store: ObjectStore,
  trialId: string,
  onDamage: OnDamage,
): Promise<{ readonly points: readonly CoursePoint[]; readonly verdicts: number }> {
  const found: { key: string; kind: 'tick' | 'look'; index: number; atMs: number }[] = [];
  for await (const { key, modifiedMs } of store.list(`trials/${trialId}/verdicts/`)) {
    const [, kind, index] = verdictPattern.exec(key) ?? [];
    if (kind === 'tick' || kind === 'look') found.push({ key, kind, index: Number(index), atMs: modifiedMs });
  }
  const sorted = found.toSorted((a, b) => a.atMs - b.atMs || (a.key < b.key ? -1 : 1));
  const step = Math.max(1, (sorted.length - 1) / (mostPoints - 1));
  const chosen = new Set(
    Array.from({ length: Math.min(sorted.length, mostPoints) }, (_, at) => sorted[Math.round(at * step)]),
  );
  const points = await inParallel([...chosen], readsAtOnce, async (one): Promise<CoursePoint | undefined> => {
    if (one === undefined) return undefined;
    const verdict = await readSoundJson(store, one.key, verdictSchema, onDamage);
    const { result, asked } = verdict ?? {};
    if (result === undefined) return undefined;
    return { ...result, kind: one.kind, index: one.index, stage: asked?.stage ?? null, atMs: asked?.nowMs ?? one.atMs };
  });
  const read = points.filter((point) => point !== undefined);
  return { points: read.toSorted((a, b) => a.atMs - b.atMs), verdicts: sorted.length };
}
