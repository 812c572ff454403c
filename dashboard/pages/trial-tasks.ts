import { h, type ComponentChild } from 'preact';

import type { TrialCourseAnswer } from '../../console/answers/trials.ts';
import { numberText, pointsText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { moment, stateBox, table } from '../states.ts';

type Task = NonNullable<TrialCourseAnswer['tasks']>['items'][number];

/** A sign and words: no standing is told by colour alone. */
const standings: Readonly<Record<Task['standing'], string>> = {
  worse: '▼ proven worse: it stops the candidate',
  unproven: '◌ too few episodes to say',
  judged: '✓ not proven worse',
};

/** What the net of each task says, by the last verdict: it may end the trial, and is slower to say so than plain success. */
export const trialTasks = ({ tasks }: Pick<TrialCourseAnswer, 'tasks'>, policy: string): ComponentChild =>
  h('details', { id: 'by-task' }, [
    h('summary', null, 'How the last verdict judged each task'),
    h(
      'p',
      { class: 'hint' },
      'The verdict looks for harm that is large enough to end the trial. It compares at the same time and on robots of the same kind, and needs more episodes than plain success.',
    ),
    tasks === null
      ? stateBox('noData', 'No verdict judged single tasks yet. Nothing follows from this.')
      : tasks.items.length === 0
        ? stateBox('empty', 'No episode of a task counted yet.')
        : [
            h('p', null, [
              'Candidate minus champion, in percentage points, by the last verdict, of ',
              moment(tasks.atMs),
              '. “At least” and “at most” are the ends of its 95 % interval.',
            ]),
            table(
              tasks.items.length < tasks.total
                ? `The worst ${tasks.items.length} of ${tasks.total} tasks`
                : 'Tasks, the worst first',
              [
                { head: 'Task', cell: ({ task }) => h('a', { href: hrefOf('tasks', { policy, search: task }) }, task) },
                { head: 'Better by', isNumber: true, cell: ({ delta }) => points(delta) },
                { head: 'At least', isNumber: true, cell: ({ low }) => points(low) },
                { head: 'At most', isNumber: true, cell: ({ high }) => points(high) },
                { head: 'In words', cell: inWords },
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

const points = (value: number | null): string => (value === null ? 'not known' : pointsText(value));

function inWords({ low, high, standing }: Task): string {
  if (standing === 'judged' && low !== null && low > 0) return '▲ better';
  if (standing === 'judged' && high !== null && high < 0) return '▼ worse, within what is allowed';
  return standings[standing];
}
