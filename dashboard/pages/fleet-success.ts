import { h, type ComponentChild } from 'preact';

import type { FleetSuccessAnswer } from '../../console/answers/fleet.ts';
import { intervalText, numberText, percentText, spanText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { hrefOf } from '../route.ts';
import { moment, shownOf, stateBox, table } from '../states.ts';

type Measured = FleetSuccessAnswer['all'];

/** How well the fleet does: success of the last day that the facts reach, with interval and numbers, and of each version apart. */
export const fleetSuccess = (reading: Reading<FleetSuccessAnswer>, policy: string, nowMs: number): ComponentChild =>
  h('section', { 'aria-labelledby': 'success' }, [
    h('h2', { id: 'success' }, 'Success of the last day'),
    shownOf(reading, nowMs, 'how well the fleet did', (data) => body(data, policy, nowMs)),
  ]);

function body(
  { state, asOfMs, all, versions, total }: FleetSuccessAnswer,
  policy: string,
  nowMs: number,
): ComponentChild {
  if (state === 'noFacts' || asOfMs === null)
    return stateBox('noData', 'Nobody makes facts from telemetry yet: how well the fleet does is not known.');
  const age = h('p', { class: 'hint' }, [
    'Counted episodes that ended within the 24 hours before ',
    moment(asOfMs),
    `: so far the facts reach, ${spanText(nowMs - asOfMs)} ago. Days, tasks, sites and robots are on the page `,
    h('a', { href: hrefOf('metrics', { policy }) }, 'Metrics'),
    '.',
  ]);
  if (state === 'empty') return [stateBox('empty', 'No counted episode ended in that time.'), age];
  return [
    h('p', { class: 'headline' }, h('strong', null, `The whole fleet: ${measuredText(all)}`)),
    table(
      versions.length < total ? `By model, the ${versions.length} with the most episodes of ${total}` : 'By model',
      [
        {
          head: 'Model',
          cell: ({ version }) => h('a', { href: hrefOf('models', { policy, version }) }, version),
        },
        { head: 'Success [95 %]', isNumber: true, cell: ({ success }) => valueText(success) },
        { head: 'Episodes', isNumber: true, cell: ({ success }) => countText(success) },
        { head: 'Robots', isNumber: true, cell: ({ robots }) => numberText(robots, 0) },
      ],
      versions,
      ({ version }) => version,
    ),
    age,
  ];
}

const measuredText = ({ success, robots }: Measured): string =>
  success.kind === 'value'
    ? `${valueText(success)}, n ${countText(success)} episodes of ${numberText(robots, 0)} robot${robots === 1 ? '' : 's'}`
    : valueText(success);

function valueText(success: Measured['success']): string {
  if (success.kind !== 'value') return `not known: ${success.why}`;
  const interval = intervalText(success, 'fraction', null);
  return `${percentText(success.value)}${interval === null ? '' : ` [${interval}]`}`;
}

const countText = (success: Measured['success']): string =>
  success.kind === 'value' ? numberText(success.n, 0) : 'none';
