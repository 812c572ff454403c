import { h, type ComponentChild } from 'preact';

import type { DataAnswer, QuarantineAnswer } from '../../console/answers/data.ts';
import type { Acting } from '../act-buttons.ts';
import { barChart } from '../bar-chart.ts';
import { filterForm, typedField } from '../form-fields.ts';
import { numberText, percentText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { damagedNote, facts, moment, shownOf, stateBox, table, tableOf } from '../states.ts';
import { quarantineBody } from './quarantine.ts';

type Query = Readonly<Record<string, string>>;

export const dataPath = ({ policy, from, to }: Query): string => apiPath('data', { policy, from, to });

interface DataPage {
  readonly policy: string;
  readonly data: Reading<DataAnswer>;
  readonly quarantine: Reading<QuarantineAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
  readonly acting: Acting;
}

/** What data the fleet brings, what was refused of it, and where it has gaps. */
export const dataPage = ({ policy, data, quarantine, query, nowMs, onFilter, acting }: DataPage): ComponentChild =>
  h('div', null, [
    h('section', { 'aria-labelledby': 'refused' }, [
      h('h2', { id: 'refused' }, 'Refused data'),
      shownOf(quarantine, nowMs, 'what was refused', (answer) => quarantineBody(answer, policy, acting)),
    ]),
    h('section', { 'aria-labelledby': 'brought' }, [
      h('h2', { id: 'brought' }, 'Episodes'),
      filterForm([
        typedField({ name: 'from', label: 'From (UTC day)', type: 'date' }, query, onFilter),
        typedField({ name: 'to', label: 'Before (UTC day)', type: 'date' }, query, onFilter),
      ]),
      shownOf(data, nowMs, 'the data of the fleet', (answer) => broughtBody(answer, policy)),
    ]),
  ]);

function broughtBody(data: DataAnswer, policy: string): ComponentChild {
  if (data.state === 'noFacts')
    return stateBox(
      'noData',
      'Nothing makes facts of telemetry yet, so nothing follows from this. A running data worker does, hourly.',
    );
  return h('div', null, [
    damagedNote(data.damaged),
    data.state === 'empty'
      ? stateBox('empty', `No robot told of an episode from ${data.from} to ${data.to}.`)
      : [summary(data, policy), episodesADay(data)],
    coverage(data, policy),
    data.state === 'empty' ? null : h('div', { class: 'side-by-side' }, qualities(data)),
  ]);
}

function summary(
  { days, coverage: { coveredPairs, pairs }, asOfMs, from, to }: DataAnswer,
  policy: string,
): ComponentChild {
  const sum = (of: (day: DataAnswer['days'][number]) => number): number => days.reduce((all, day) => all + of(day), 0);
  const [successes, failures, aborted] = [
    sum((day) => day.successes),
    sum((day) => day.failures),
    sum((day) => day.aborted),
  ];
  const episodes = successes + failures + aborted;
  return facts([
    ['Days (UTC)', `${from} until before ${to}`],
    ['Episodes', numberText(episodes, 0)],
    [
      'Failed',
      [
        `${numberText(failures, 0)} (${percentText(failures / episodes)}), all model versions together; `,
        h('a', { href: hrefOf('metrics', { policy, by: 'version', from, to }) }, 'by version'),
        '; ',
        h('a', { href: hrefOf('episodes', { policy, outcome: 'failure', from, to }) }, 'which ones'),
      ],
    ],
    ['Aborted', numberText(aborted, 0)],
    [
      'With intervention (a person or a safety system took over)',
      numberText(
        sum((day) => day.intervened),
        0,
      ),
    ],
    [
      'Corrected frames (an expert would have acted otherwise)',
      numberText(
        sum((day) => day.correctedFrames),
        0,
      ),
    ],
    ['Tasks × robots covered', `${numberText(coveredPairs, 0)} of ${numberText(pairs, 0)}`],
    ['As of', asOfMs === null ? 'not told' : moment(asOfMs)],
  ]);
}

const episodesADay = ({ days }: DataAnswer): ComponentChild =>
  h('section', null, [
    h('h3', null, 'Episodes a day'),
    barChart(
      days.map(({ day, successes, failures, aborted }) => ({ name: day, parts: [successes, failures, aborted] })),
      { label: `Episodes of ${days.length} days, by outcome`, series: ['succeeded', 'failed', 'aborted'] },
    ),
    h('details', null, [
      h('summary', null, 'The same as a table'),
      table(
        'Episodes a day, newest first',
        [
          { head: 'Day (UTC)', cell: ({ day }) => day },
          { head: 'Robots', isNumber: true, cell: ({ robots }) => numberText(robots, 0) },
          { head: 'Succeeded', isNumber: true, cell: ({ successes }) => numberText(successes, 0) },
          { head: 'Failed', isNumber: true, cell: ({ failures }) => numberText(failures, 0) },
          { head: 'Aborted', isNumber: true, cell: ({ aborted }) => numberText(aborted, 0) },
          { head: 'With intervention', isNumber: true, cell: ({ intervened }) => numberText(intervened, 0) },
          { head: 'Corrected frames', isNumber: true, cell: ({ correctedFrames }) => numberText(correctedFrames, 0) },
        ],
        days.toReversed(),
        ({ day }) => day,
      ),
    ]),
  ]);

function coverage(
  { coverage: { tasks, robots, shownRobots, shownTasks } }: DataAnswer,
  policy: string,
): ComponentChild {
  if (tasks === 0 || robots === 0)
    return h('section', null, [
      h('h3', null, 'Tasks by robot'),
      stateBox('empty', tasks === 0 ? 'This policy has no active task.' : 'This policy has no robots.'),
    ]);
  return h('section', null, [
    h('h3', null, 'Tasks by robot'),
    h('p', { class: 'legend' }, [
      'Episodes on these days; ',
      h('strong', null, '– none'),
      ' is a gap. Tasks with the fewest robots and robots with the fewest tasks first.',
    ]),
    tableOf(
      `${shownTasks.length} of ${tasks} tasks by ${shownRobots.length} of ${robots} robots${shownRobots.length < robots ? ', those with the fewest tasks' : ''}`,
      ['Task', ...shownRobots],
      h(
        'tbody',
        { role: 'rowgroup' },
        shownTasks.map(({ task, robots: did, episodes, byRobot }) =>
          h('tr', { key: task, role: 'row' }, [
            h('th', { scope: 'row', role: 'rowheader' }, [
              h('a', { href: hrefOf('tasks', { policy, search: task }) }, task),
              h(
                'span',
                { class: 'count' },
                `${numberText(did, 0)} of ${numberText(robots, 0)} robots, ${numberText(episodes, 0)} episodes`,
              ),
            ]),
            byRobot.map((count, at) =>
              h(
                'td',
                {
                  key: `${at}`,
                  role: 'cell',
                  'data-head': shownRobots[at],
                  class: count === 0 ? 'gap' : undefined,
                },
                count === 0 ? '– none' : numberText(count, 0),
              ),
            ),
          ]),
        ),
      ),
      'is-cards is-matrix',
    ),
  ]);
}

const measureNames = {
  durationMs: ['Length of an episode', (value: number) => `${numberText(value / 1_000)} s`],
  latencyMs: ['Latency of an episode, median', (value: number) => `${numberText(value)} ms`],
  correctedFrames: ['Corrected frames of an episode that has any', (value: number) => numberText(value, 0)],
} as const satisfies Readonly<
  Record<DataAnswer['distributions'][number]['measure'], readonly [string, (value: number) => string]>
>;

const qualities = ({ distributions }: DataAnswer): readonly ComponentChild[] =>
  distributions.map(({ measure, episodes, untold, quantiles, classes }) => {
    const [name, text] = measureNames[measure];
    return h('section', { key: measure }, [
      h('h3', null, name),
      episodes === 0
        ? stateBox('noData', 'No episode on these days tells it. Nothing follows from this.')
        : [
            facts([
              ...quantiles.map(({ fraction, value }) => [percentileText(fraction), text(value)] as const),
              ['n', numberText(episodes, 0)],
              ['Do not tell it', numberText(untold, 0)],
            ]),
            barChart(
              classes.map(({ from, to, episodes: count }, at) => ({
                name: text(at === classes.length - 1 ? to : from),
                parts: [count],
              })),
              { label: `${name}: ${episodes} episodes in ${classes.length} classes`, series: ['episodes'] },
            ),
            h('details', null, [
              h('summary', null, 'The same as a table'),
              table(
                `${name}: the first and the last class also have what lies beyond`,
                [
                  { head: 'From', cell: ({ from }) => text(from) },
                  { head: 'To', cell: ({ to }) => text(to) },
                  { head: 'Episodes', isNumber: true, cell: ({ episodes: count }) => numberText(count, 0) },
                ],
                classes,
                (_, index) => String(index),
              ),
            ]),
          ],
    ]);
  });

const percentileText = (fraction: number): string =>
  fraction === 0.5 ? 'Median' : `${numberText(fraction * 100, 0)} % are below`;
