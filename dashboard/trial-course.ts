import type { EndedTrialsAnswer, TrialAnswer, TrialCourseAnswer } from '../console/answers/trials.ts';
import type { CoursePoint } from './course-chart.ts';
import { numberField, textField } from './fields.ts';

interface Asked {
  readonly id?: string | undefined;
  readonly candidate?: string | undefined;
}

/**
 * The trial whose course to show: the one that was asked for, by its id or its candidate, or the one that runs. undefined: there is none, and of a candidate that
 * had no trial no other is shown.
 */
export function trialIdOf(now: TrialAnswer | null, ended: EndedTrialsAnswer | null, asked: Asked): string | undefined {
  if (asked.id !== undefined) return asked.id;
  const { abTest, rollout, trial } = now ?? {};
  const newer = [rollout, abTest]
    .filter((run) => run !== null && run !== undefined)
    .toSorted((a, b) => b.startedMs - a.startedMs)[0];
  // One that begins has no id yet.
  const running = textField(newer?.status, 'trialId') || undefined;
  const { candidate } = asked;
  // Where nothing runs, the last one that ended is what a viewer looks for.
  if (candidate === undefined)
    return running ?? (now?.trial?.run === 'RUNNING' ? undefined : ended?.items.at(-1)?.trialId);
  const past = ended?.items.findLast(({ candidateVersion }) => candidateVersion === candidate)?.trialId;
  return past ?? (textField(trial?.status, 'candidateVersion') === candidate ? running : undefined);
}

const dayMs = 86_400_000;
const mostDays = 92;
const utcDay = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** UTC days of a trial by its verdicts, with the day before the first: what it judged ran before. At most as many as may be asked for; undefined: no verdict says a time. */
export function daysOf({ points }: TrialCourseAnswer): { readonly from: string; readonly to: string } | undefined {
  const times = points.flatMap((point) => numberField(point, 'atMs') ?? []).filter((atMs) => Math.abs(atMs) < 8e15);
  if (times.length === 0) return undefined;
  const endMs = times.reduce((last, atMs) => Math.max(last, atMs)) + dayMs;
  const startMs = times.reduce((first, atMs) => Math.min(first, atMs)) - dayMs;
  return { from: utcDay(Math.max(startMs, endMs - mostDays * dayMs + dayMs)), to: utcDay(endMs) };
}

/** An estimate may lie beyond what a difference of success can be. */
const inRange = (value: number): number => Math.max(-1, Math.min(1, value));
const endOf = (value: number | undefined): number | null => (value === undefined ? null : inRange(value));

/** Verdicts that say an effect; ticks have a lower bound, looks an interval. Of one stage alone, where one is asked for and verdicts tell theirs. */
export function pointsOf({ points }: TrialCourseAnswer, stage?: number): readonly CoursePoint[] {
  const isOfStage = (point: unknown): boolean => numberField(point, 'stage') === stage;
  const isTold = stage !== undefined && points.some(isOfStage);
  return points.flatMap((point) => {
    if (isTold && !isOfStage(point)) return [];
    const [effect, atMs] = [numberField(point, 'delta'), numberField(point, 'atMs')];
    if (effect === undefined || atMs === undefined) return [];
    const margin = numberField(point, 'marginFraction');
    return [
      {
        atMs,
        name: `${textField(point, 'kind') ?? 'verdict'} ${numberField(point, 'index') ?? ''}`.trim(),
        effect: inRange(effect),
        low: endOf(numberField(point, 'low') ?? numberField(point, 'lowerBound')),
        high: endOf(numberField(point, 'high')),
        limit: margin === undefined ? null : -margin,
      },
    ];
  });
}

/** Who the last verdict was about; undefined: it does not say. A tick of an earlier version says it of the side alone that its guard judged. */
export interface Arms {
  readonly candidateRobots: number | undefined;
  readonly candidateEpisodes: number | undefined;
  readonly controlRobots: number | undefined;
  readonly controlEpisodes: number | undefined;
}

export function armsOf({ points }: TrialCourseAnswer): Arms | null {
  const last = points.at(-1);
  return last === undefined
    ? null
    : {
        candidateRobots: numberField(last, 'candidateRobots'),
        candidateEpisodes: numberField(last, 'candidateEpisodes'),
        controlRobots: numberField(last, 'controlRobots'),
        controlEpisodes: numberField(last, 'controlEpisodes'),
      };
}
