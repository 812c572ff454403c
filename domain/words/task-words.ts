import { readEffect, type Effect } from './effect-words.ts';
import { pointsFigure } from './figures.ts';

/** How the net of single tasks stands to one task: it stopped the candidate, could not judge, or found nothing to stop it for. */
export type TaskStanding = 'worse' | 'unproven' | 'judged';

/** One task as a verdict saw it. */
export interface JudgedTask extends Effect {
  readonly standing: TaskStanding;
  readonly candidateEpisodes: number;
  readonly controlEpisodes: number;
}

/** What a task is judged by; null: not told. */
export interface TaskJudging {
  readonly marginFraction: number | null;
  readonly minimumEpisodes: number | null;
}

/**
 * The one judgement of a task, with a sign before it: whether it decided, and where it did not, why not. What was merely seen is never called a verdict.
 *
 * → '◌ not judged by itself: 12 and 25 episodes, 30 of each are needed; seen lower, which decided nothing'
 */
export function taskWords(task: JudgedTask, { marginFraction, minimumEpisodes }: TaskJudging): string {
  const { standing, candidateEpisodes, controlEpisodes } = task;
  const reading = readEffect(task);
  const allowed = marginFraction === null ? 'is allowed' : `the ${pointsFigure(marginFraction)} that are allowed`;
  switch (standing) {
    case 'worse':
      return `▼ proven worse by more than ${allowed}: this stops the candidate`;
    case 'unproven': {
      const needed = minimumEpisodes === null ? 'more are needed' : `${minimumEpisodes} of each are needed`;
      const seen =
        reading === 'worse'
          ? '; seen lower, which decided nothing'
          : reading === 'better'
            ? '; seen higher, which decided nothing'
            : '';
      return `◌ not judged by itself: ${Math.round(candidateEpisodes)} and ${Math.round(controlEpisodes)} episodes, ${needed}${seen}`;
    }
    case 'judged':
      return reading === 'better'
        ? '▲ better'
        : reading === 'worse'
          ? `▽ lower, but not proven worse by more than ${allowed}: it stops nothing`
          : '= not proven worse';
    default:
      return standing satisfies never;
  }
}
