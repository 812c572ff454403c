import { type ComponentChild } from 'preact';

import { listField, numberField, textField } from '../fields.ts';
import { numberText, pointsText } from '../format.ts';
import { stepWord } from '../plain-words.ts';
import { table } from '../states.ts';
import { counted } from '../../domain/words/figures.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';

/** What a workflow says of a number, or that it does not. */
const told = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? 'not told' : text(value);

export const armText = (robots: number | undefined, episodes: number | undefined): string =>
  `${told(robots, (n) => numberText(n, 0))} robots, ${told(episodes, (n) => numberText(n, 0))} episodes`;

/** What something is, and why. */
export function stepText(step: unknown): string {
  const kind = textField(step, 'kind') ?? textField(step, 'outcome');
  const reason = textField(step, 'reason');
  if (kind === undefined) return 'none yet';
  return reason === undefined ? stepWord(kind, '') : `${stepWord(kind, '')}: ${plainReason(reason)}`;
}

const hours = (value: number): string => `${numberText(value)} h`;

/** What a rollout has before it: how many robots each stage gives the candidate, how long it takes at least, and what it must prove. */
export function planTable(plan: unknown, current: number | undefined, end: unknown): ComponentChild {
  const planned = listField(plan, 'stages').map((stage, index) => ({ stage, index }));
  if (planned.length === 0) return null;
  return table(
    `The plan: ${counted(planned.length, 'stage')}. Hours are hours of the fleet’s work, which may run faster than the clock where a fleet is simulated`,
    [
      { head: 'Stage', cell: ({ index }) => `${index + 1} of ${planned.length}` },
      {
        head: 'Standing',
        cell: ({ index }) => standingOf(index, current, end),
      },
      {
        head: 'Robots with the candidate',
        isNumber: true,
        cell: ({ stage }) => told(numberField(stage, 'robots'), (n) => numberText(n, 0)),
      },
      { head: 'At least', isNumber: true, cell: ({ stage }) => told(numberField(stage, 'minimumHours'), hours) },
      { head: 'At most', isNumber: true, cell: ({ stage }) => told(numberField(stage, 'maximumHours'), hours) },
      {
        head: 'Must be better than',
        isNumber: true,
        cell: ({ stage }) => {
          const margin = numberField(stage, 'marginFraction');
          return margin === undefined ? 'no limit' : pointsText(-margin);
        },
      },
    ],
    planned,
    ({ index }) => String(index),
  );
}

/** Of the stage of this index, where the last verdict was of stage `current`. */
function standingOf(index: number, current: number | undefined, end: unknown): string {
  if (current === undefined) return 'not known';
  if (index < current || textField(end, 'outcome') === 'promoted') return '✓ passed';
  if (index > current) return end === null ? '◌ to come' : '◌ not reached';
  return end === null ? '▶ now' : '■ the trial ended here';
}
