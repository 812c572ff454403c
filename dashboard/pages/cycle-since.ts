import { h, type ComponentChild } from 'preact';

import type { CycleReportAnswer } from '../../console/answers/cycles.ts';
import { numberText, percentText, pointsText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { moment, stateBox, table } from '../states.ts';
import { cycleOutcome } from './cycle-outcome.ts';
import { outcomeText } from './gates.ts';

type Since = NonNullable<CycleReportAnswer['since']>;
type Figure = Pick<Since['figures'][number], 'unit' | 'before' | 'now'>;

/** What is otherwise than in the cycle before: figures, gates with another outcome, and the tasks that changed most. */
export const sinceSection = ({ policy, since }: Pick<CycleReportAnswer, 'policy' | 'since'>): ComponentChild =>
  h('section', { key: 'since' }, [
    h('h3', null, 'Since the cycle before'),
    since === null
      ? stateBox('empty', 'There was no cycle before this one, or its report is of a version that did not compare.')
      : [
          h('p', null, [
            h('a', { href: hrefOf('cycle', { policy, id: since.cycleId }) }, since.cycleId),
            ' ended ',
            moment(since.writtenAtMs),
            `: ${cycleOutcome(since.outcome)}, with ${since.candidateVersion === null ? 'no candidate' : `candidate ${since.candidateVersion}`}.`,
          ]),
          gatesChanged(since.gates),
          figures('What changed', 'Figure', since.figures, ({ name }) => name),
          since.tasks.length === 0
            ? h('p', null, 'No task that both cycles judged has another agreement.')
            : figures(
                'Agreement by task, the largest changes first',
                'Task',
                since.tasks.map((task) => ({ ...task, unit: 'fraction' as const })),
                ({ task }) => task,
              ),
        ],
  ]);

const gatesChanged = (gates: Since['gates']): ComponentChild =>
  gates === null
    ? h('p', null, 'Which gates changed is not known: one of the two cycles judged nothing.')
    : gates.length === 0
      ? h('p', null, 'Every gate has the outcome it had.')
      : table(
          'Gates with another outcome',
          [
            { head: 'Gate', cell: ({ id }) => id },
            { head: 'Before', cell: ({ before }) => outcomeText(before) },
            { head: 'Now', cell: ({ now }) => outcomeText(now) },
          ],
          gates,
          ({ id }) => id,
        );

const figures = <T extends Figure>(
  caption: string,
  head: string,
  items: readonly T[],
  nameOf: (item: T) => string,
): ComponentChild =>
  table(
    caption,
    [
      { head, cell: nameOf },
      { head: 'Before', isNumber: true, cell: ({ before, unit }) => valueOf(before, unit) },
      { head: 'Now', isNumber: true, cell: ({ now, unit }) => valueOf(now, unit) },
      { head: 'Change', isNumber: true, cell: changeOf },
    ],
    items,
    nameOf,
  );

const valueOf = (value: number | null, unit: Figure['unit']): string =>
  value === null ? 'not known' : unit === 'count' ? numberText(value, 0) : percentText(value);

/** With its sign: more and less are told in words of numbers, not by colour. */
export function changeOf({ before, now, unit }: Figure): string {
  if (before === null || now === null) return 'not known';
  const change = now - before;
  if (unit === 'fraction') return pointsText(change);
  return `${change > 0 ? '+' : ''}${numberText(change, 0)}`;
}
