import { h, type ComponentChild } from 'preact';

import type { TrialCourseAnswer } from '../../console/answers/trials.ts';
import { numberText, pointsText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { taskWords, type TaskJudging } from '../../domain/words/task-words.ts';
import { numberField } from '../fields.ts';
import { exactMoment, stateBox, table } from '../states.ts';

/** What the net of each task says, by the last verdict: it may end the trial, and is slower to say so than plain success. */
export const trialTasks = (
  { tasks, plan }: Pick<TrialCourseAnswer, 'tasks' | 'plan'>,
  policy: string,
): ComponentChild =>
  h('details', { id: 'by-task' }, [
    h('summary', null, 'How the last verdict judged each task'),
    h(
      'p',
      { class: 'hint' },
      'The verdict looks for harm that is large enough to end the trial, and takes off what is known of each robot. An effect beyond ±100 points, which such an estimate can come to with few episodes, stands as ±100.',
    ),
    tasks === null
      ? stateBox('noData', 'No verdict judged single tasks yet. Nothing follows from this.')
      : tasks.items.length === 0
        ? stateBox('empty', 'No episode of a task counted yet.')
        : [
            h('p', null, [
              'Candidate minus champion, in percentage points, by the last verdict, of ',
              exactMoment(tasks.atMs),
              '. “At least” and “at most” are the ends of its 95 % interval.',
            ]),
            table(
              tasks.items.length < tasks.total
                ? `${tasks.items.length} of ${tasks.total} tasks, those that decided first, then the worst`
                : 'Tasks: those that decided first, then the worst, at last those that nobody could judge',
              [
                { head: 'Task', cell: ({ task }) => h('a', { href: hrefOf('tasks', { policy, search: task }) }, task) },
                { head: 'Judgement', cell: (task) => taskWords(task, judgingOf(plan)) },
                { head: 'Effect', isNumber: true, cell: ({ delta }) => points(delta) },
                { head: 'At least', isNumber: true, cell: ({ low }) => points(low) },
                { head: 'At most', isNumber: true, cell: ({ high }) => points(high) },
                {
                  head: 'Episodes with candidate',
                  isNumber: true,
                  cell: (one) => numberText(one.candidateEpisodes, 0),
                },
                { head: 'Episodes with champion', isNumber: true, cell: (one) => numberText(one.controlEpisodes, 0) },
              ],
              tasks.items,
              ({ task }) => task,
            ),
          ],
  ]);

const points = (value: number | null): string =>
  value === null ? 'not known' : pointsText(Math.max(-1, Math.min(1, value)));

/** By what the plan has each task judged. */
const judgingOf = (plan: unknown): TaskJudging => ({
  marginFraction: numberField(plan, 'taskLimits', 'marginFraction') ?? null,
  minimumEpisodes: numberField(plan, 'taskLimits', 'minimumEpisodes') ?? null,
});
