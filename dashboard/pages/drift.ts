import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { DriftAnswer } from '../../console/answers/drift.ts';
import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import { numberText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath } from '../route.ts';
import { damagedNote, moment, shownOf, stateBox, table } from '../states.ts';

type Row = DriftAnswer['rows'][number];

/** Which look an incident is about, if it is one of drift: of one that is over the last before its last event. null: it is another one, or none. */
export function driftOf(
  answer: Pick<IncidentsAnswer, 'open' | 'events'> | null,
  incidentId: string | undefined,
): { readonly untilMs: number | undefined } | null {
  if (answer === null || incidentId === undefined) return null;
  const isIt = (one: { readonly incidentId: string; readonly cause: string }): boolean =>
    one.incidentId === incidentId && one.cause === 'drift';
  if (answer.open.some(isIt)) return { untilMs: undefined };
  const last = answer.events.findLast(isIt);
  return last === undefined ? null : { untilMs: last.atMs };
}

/** The look for drift that an incident is about: `untilMs` of one that is over, undefined while it is open. */
export const driftPath = (policy: string, untilMs: number | undefined): string =>
  apiPath('drift', { policy, until: untilMs === undefined ? undefined : String(untilMs) });

/** What drifted, the farthest over its limit first, and what the figures mean. */
export const driftSection = (reading: Reading<DriftAnswer>, nowMs: number): ComponentChild =>
  h('section', { 'aria-labelledby': 'drift' }, [
    h('h3', { id: 'drift' }, 'What drifted'),
    shownOf(reading, nowMs, 'the figures of the look', body),
  ]);

/** More stand below, folded. */
const shownFirst = 5;

function body({ lookMs, rows, rowsTotal, damaged }: DriftAnswer): ComponentChildren {
  if (lookMs === null)
    return [
      damagedNote(damaged),
      stateBox('noData', 'The figures of that look are not kept any more. Nothing follows from this.'),
    ];
  if (rows.length === 0) return stateBox('noData', 'Too few robots had samples to compare. Nothing follows from this.');
  const [first, rest] = [rows.slice(0, shownFirst), rows.slice(shownFirst)];
  return [
    damagedNote(damaged),
    h('p', null, ['Looked ', moment(lookMs), '. ', meaning]),
    figures(`${first.length} of ${numberText(rowsTotal, 0)} figures, the farthest over their limits first`, first),
    rest.length === 0
      ? null
      : h('details', null, [
          h('summary', null, `${numberText(rowsTotal - first.length, 0)} more figures`),
          figures(`${rest.length} more, the farthest over their limits first`, rest),
        ]),
  ];
}

const meaning =
  'What robots uploaded since the last collection is compared with the newest days of the lake, of the same robots. Over the limit: models meet readings now that they were not trained on. ' +
  'Look for one thing that changed for all these readings: light, place, a worn or exchanged sensor. If it is a fault, mend it and quarantine its robots until then; if it stays so, collect and train: the next cycle learns from it.';

const statistics: Readonly<Record<Row['statistic'], readonly [name: string, sense: string]>> = {
  stability: [
    'How differently values are spread',
    'population stability index, PSI: 0 is as before, over ten ranges of the value',
  ],
  distance: [
    'Widest gap between now and before',
    'Kolmogorov–Smirnov distance: 0 is as before, 1 has no value in common',
  ],
  together: [
    'Chance of this without a change',
    'p of the maximum mean discrepancy of all readings together, robots exchanged',
  ],
};

const states: Readonly<Record<Row['state'], string>> = {
  alarm: '‼ over its limit',
  warn: '▲ worth a look',
  chance: '○ over, but may be chance',
  within: '✓ within',
};

const nameOf = ({ camera, feature }: Row): string =>
  `${camera === null ? '' : `camera ${camera}: `}${feature ?? 'all together'}`;

const figures = (caption: string, rows: readonly Row[]): ComponentChild =>
  table(
    caption,
    [
      { head: 'Reading', cell: nameOf },
      {
        head: 'Statistic',
        cell: ({ statistic }) => [
          statistics[statistic][0],
          h('span', { class: 'count' }, ` (${statistics[statistic][1]})`),
        ],
      },
      { head: 'Value', isNumber: true, cell: ({ value }) => numberText(value, 3) },
      {
        head: 'Limit',
        isNumber: true,
        cell: ({ limit, statistic }) => `${statistic === 'together' ? 'below ' : ''}${numberText(limit, 3)}`,
      },
      { head: 'How far', cell: ({ state, timesLimit }) => `${states[state]}, ${timesText(timesLimit)}` },
      {
        head: 'Samples (robots)',
        isNumber: true,
        cell: ({ samples, robots }) =>
          `now ${numberText(samples.current, 0)} (${robots.current}), before ${numberText(samples.reference, 0)} (${robots.reference})`,
      },
    ],
    rows,
    (row) => `${nameOf(row)} ${row.statistic}`,
  );

const timesText = (times: number): string => (times > 1_000 ? 'over 1,000 ×' : `${numberText(times, 1)} × the limit`);
