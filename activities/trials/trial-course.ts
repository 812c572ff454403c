import { z } from 'zod';

import { taskInterval } from '../../domain/experiment/task-interval.ts';
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
const armSchema = z.object({ robots: z.number(), episodes: z.number() });
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
  /** Both arms of a tick; left out by looks, and by earlier versions. */
  arms: z.object({ candidate: armSchema, control: armSchema }).optional(),
});
type Verdict = z.infer<typeof verdictSchema>;

/** Where the guard of a rollout judges the few robots that keep the champion. */
const holdbackStage = 3;

/** Who was compared: a look says it, a tick in its arms; a tick of an earlier version only of the side that its guard judged. */
function countsOf({ result, arms, asked }: Verdict): Partial<Verdict['result']> {
  if (result.candidateEpisodes !== null) return {};
  if (arms !== undefined)
    return {
      candidateRobots: arms.candidate.robots,
      candidateEpisodes: arms.candidate.episodes,
      controlRobots: arms.control.robots,
      controlEpisodes: arms.control.episodes,
    };
  const { robots, episodes } = result;
  return (asked?.stage ?? 0) >= holdbackStage
    ? { controlRobots: robots, controlEpisodes: episodes }
    : { candidateRobots: robots, candidateEpisodes: episodes };
}

export type CoursePoint = z.infer<typeof verdictSchema>['result'] & {
  readonly kind: 'tick' | 'look';
  readonly index: number;
  /** Of a rollout; null: it does not say. */
  readonly stage: number | null;
  /** When it was asked for, Unix ms; where a verdict does not say so, when it was written by the store's clock. */
  readonly atMs: number;
};

const counts = z.object({ candidate: z.number(), control: z.number() });
/** What a verdict says of single tasks; where a number is no finite one, JSON has null. */
const taskVerdictSchema = z.object({
  asked: z.object({ nowMs: z.number().optional() }).optional(),
  tasks: z.object({
    block: z.array(z.string()).default([]),
    unproven: z.array(z.string()).default([]),
    perTask: z.array(z.object({ task: z.string(), delta: number, variance: number, episodes: counts, robots: counts })),
  }),
});

/** One task in the last verdict that says something of single tasks. */
export interface CourseTask {
  readonly task: string;
  /** Candidate minus champion, with its 95 % interval; null: not known. */
  readonly delta: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly candidateEpisodes: number;
  readonly controlEpisodes: number;
  readonly candidateRobots: number;
  readonly controlRobots: number;
  /** `worse`: proven worse, it stops the candidate; `unproven`: too few episodes to say; `judged`: not proven worse. */
  readonly standing: 'worse' | 'unproven' | 'judged';
}

export interface CourseTasks {
  /** When the verdict was asked for. */
  readonly atMs: number;
  /** Those that decided first, those that nobody could judge last, in each the worst first; at most 200 of `total`. */
  readonly tasks: readonly CourseTask[];
  readonly total: number;
}

const mostTasks = 200;
/** Verdicts that are looked at for one that judges tasks; where the newest ones cannot be read, an older one says it. */
const verdictsTried = 5;

/** What decided comes first, what nobody could judge last. */
const weight: Readonly<Record<CourseTask['standing'], number>> = { worse: 0, judged: 1, unproven: 2 };

function courseTasks({ tasks, asked }: z.infer<typeof taskVerdictSchema>, writtenMs: number): CourseTasks {
  const [worse, unproven] = [new Set(tasks.block), new Set(tasks.unproven)];
  const shown = tasks.perTask.map(({ task, delta, variance, episodes, robots }): CourseTask => {
    const interval = delta === null ? null : taskInterval({ delta, variance, episodes });
    return {
      task,
      delta: interval === null ? null : delta,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      candidateEpisodes: episodes.candidate,
      controlEpisodes: episodes.control,
      candidateRobots: robots.candidate,
      controlRobots: robots.control,
      standing: worse.has(task) ? 'worse' : unproven.has(task) ? 'unproven' : 'judged',
    };
  });
  const ordered = shown.toSorted(
    (a, b) => weight[a.standing] - weight[b.standing] || (a.delta ?? 2) - (b.delta ?? 2) || (a.task < b.task ? -1 : 1),
  );
  return { atMs: asked?.nowMs ?? writtenMs, tasks: ordered.slice(0, mostTasks), total: shown.length };
}

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
): Promise<{
  readonly points: readonly CoursePoint[];
  readonly verdicts: number;
  /** null: no verdict says anything of single tasks. */
  readonly tasks: CourseTasks | null;
}> {
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
    if (verdict === undefined) return undefined;
    const { result, asked } = verdict;
    return {
      ...result,
      ...countsOf(verdict),
      kind: one.kind,
      index: one.index,
      stage: asked?.stage ?? null,
      atMs: asked?.nowMs ?? one.atMs,
    };
  });
  const read = points.filter((point) => point !== undefined);
  const tasks = await lastTasks(store, sorted.slice(-verdictsTried).toReversed());
  return { points: read.toSorted((a, b) => a.atMs - b.atMs), verdicts: sorted.length, tasks };
}

async function lastTasks(
  store: ObjectStore,
  newestFirst: readonly { readonly key: string; readonly atMs: number }[],
): Promise<CourseTasks | null> {
  for (const { key, atMs } of newestFirst) {
    // What cannot be read was told with the curve, and verdicts of earlier versions do not judge tasks.
    const verdict = await readSoundJson(store, key, taskVerdictSchema, () => undefined);
    if (verdict !== undefined) return courseTasks(verdict, atMs);
  }
  return null;
}
