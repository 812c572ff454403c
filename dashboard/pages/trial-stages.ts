import { type ComponentChild, type ComponentChildren } from 'preact';

import type { TrialCourseAnswer } from '../../console/answers/trials.ts';
import { listField, numberField, textField } from '../fields.ts';
import { numberText, pointsText } from '../format.ts';
import { moment, table } from '../states.ts';
import { plainReason } from './trial-words.ts';

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
  return reason === undefined ? kind : `${kind}: ${plainReason(reason)}`;
}

const outlooks: Readonly<Record<'proven' | 'effect' | 'unknown', string>> = {
  proven:
    'nothing of the effect: its bound is above the limit. Time, robots, an approval or a freeze may hold it still',
  effect:
    'at the effect measured now no number of episodes: it is as far below as the limit allows, or farther. It must turn out better, or somebody ends the trial',
  unknown: 'not known: the last verdict does not say an effect, a bound and a limit',
};

/** What would let the stage advance, and when at the present rate; nothing where a trial has ended. */
export const outlookText = (outlook: TrialCourseAnswer['outlook'], nowMs: number): ComponentChildren => {
  if (outlook === null) return null;
  if (outlook.kind !== 'episodes') return outlooks[outlook.kind];
  const { moreEpisodes, earliestMs } = outlook;
  const more = `at least ${numberText(moreEpisodes, 0)} more episodes with the candidate, if the effect stays as it is`;
  if (earliestMs === null) return more;
  return [`${more}; at the present rate `, earliestMs <= nowMs ? 'any time now' : ['not before ', moment(earliestMs)]];
};

const hours = (value: number): string => `${numberText(value)} h`;

/** What a rollout has before it: how many robots each stage gives the candidate, how long it takes at least, and what it must prove. */
export function planTable(plan: unknown, current: number | undefined, hasEnded: boolean): ComponentChild {
  const planned = listField(plan, 'stages').map((stage, index) => ({ stage, index }));
  if (planned.length === 0) return null;
  return table(
    `The plan: ${planned.length} stages. Hours are hours of the fleet’s work, which may run faster than the clock where a fleet is simulated`,
    [
      { head: 'Stage', cell: ({ index }) => `${index + 1} of ${planned.length}` },
      {
        head: 'Standing',
        cell: ({ index }) =>
          current === undefined
            ? 'not known'
            : index < current
              ? '✓ passed'
              : index > current
                ? '◌ to come'
                : hasEnded
                  ? '■ the trial ended here'
                  : '▶ now',
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
