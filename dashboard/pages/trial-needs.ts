import { type ComponentChild, type ComponentChildren } from 'preact';

import type { TrialNow } from '../../console/answers/trials.ts';
import { numberText, pointsText, spanText } from '../format.ts';
import { moment, table } from '../states.ts';

export const realDayMs = 86_400_000;
export const pointsOf = (fraction: number): string => pointsText(fraction).replace(' pp', ' points');
const count = (value: number): string => numberText(value, 0);

/** Fleet hours, with how long that is here where a fleet day is no real day. */
export const hoursText = (hours: number, dayMs: number): string =>
  dayMs === realDayMs
    ? `${numberText(hours)} h`
    : `${numberText(hours)} fleet hours (${spanText((hours / 24) * dayMs)} here)`;

const needNames = {
  episodes: 'Episodes of the candidate with champion episodes beside them',
  hours: 'Time in this stage',
  totalHours: 'Time since the rollout began',
  bound: 'Least effect on success',
} as const;

type Need = TrialNow['needs'][number];

function valueText({ kind, value }: Need, dayMs: number): string {
  if (kind === 'episodes') return count(value);
  if (kind === 'bound') return value > -1 ? pointsOf(value) : 'nothing proven yet';
  return hoursText(value, dayMs);
}

/** `4 more at 12 an hour: about 02:31`. */
function whenText({ isMet, kind, value, needed, perHour, metAtMs }: Need): ComponentChildren {
  if (isMet) return '✓ reached';
  if (metAtMs === null) return '✗ not reached; not at the present rate, or not known yet';
  const more =
    kind === 'episodes' && perHour !== null ? `${count(Math.ceil(needed - value))} more at ${rateText(perHour)}: ` : '';
  return [`✗ not reached; ${more}at about `, moment(metAtMs)];
}

const rateText = (perHour: number): string =>
  perHour >= 120 ? `${numberText(perHour / 60)} a minute` : `${numberText(perHour)} an hour`;

/** What the stage that runs still needs, each with when it is there at the present rate. */
export function needsTable({ needs, dayMs, stages }: TrialNow): ComponentChild {
  if (needs.length === 0) return null;
  const verdict = stages.findLast((stage) => stage.verdict !== null && stage.standing !== 'passed')?.verdict;
  const n =
    verdict === undefined || verdict === null
      ? ''
      : ` (n ${count(verdict.episodes)} episodes of ${count(verdict.robots)} robots)`;
  return table(
    `What the present stage waits for${n}`,
    [
      { head: 'What', cell: ({ kind }) => needNames[kind] },
      { head: 'Is', isNumber: true, cell: (need) => valueText(need, dayMs) },
      {
        head: 'Needed',
        isNumber: true,
        cell: (need) =>
          `${need.kind === 'bound' ? 'above' : 'at least'} ${valueText({ ...need, value: need.needed }, dayMs)}`,
      },
      { head: 'Reached, at the present rate', cell: whenText },
    ],
    needs,
    ({ kind }) => kind,
  );
}
