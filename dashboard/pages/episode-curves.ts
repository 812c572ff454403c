import { h, type ComponentChild } from 'preact';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import { choiceField, filterForm } from '../form-fields.ts';
import { numberText } from '../format.ts';
import { lineChart, type ChartMarks, type Line } from '../line-chart.ts';
import { table } from '../states.ts';

type Query = Readonly<Record<string, string>>;
export type Episode = NonNullable<EpisodeAnswer['episode']>;
export type Frame = Episode['frames'][number];

/** Curves in one drawing: more cannot be told apart. */
const together = 4;

export const seconds = (atMs: number): string => `${numberText(atMs / 1_000)} s`;

/** An action in words. */
export function actionText({ kind, names }: Episode['actions'], action: readonly number[] | null): string {
  if (action === null) return 'not known';
  if (kind === 'discrete') return names[action[0] ?? -1] ?? `action ${action[0] ?? 'none'}`;
  return action.map((value, at) => `${names[at] ?? `action ${at}`} ${numberText(value, 3)}`).join(', ');
}

/** What the robot did over time, and what an expert would have done. `marks`: where somebody looks, and what is marked. */
export function actionsSection({ actions, frames }: Episode, marks: ChartMarks = {}): ComponentChild {
  const line = (name: string, valueOf: (frame: Frame) => number | undefined): Line => ({
    name,
    points: frames.map((frame) => ({ x: frame.atMs, y: valueOf(frame) ?? null })),
  });
  const names = actions.kind === 'discrete' ? ['action'] : actions.names.slice(0, together / 2);
  if (actions.kind === 'none') return null;
  return h('section', null, [
    h('h2', null, 'What it did'),
    actions.kind === 'discrete'
      ? h('p', { class: 'legend' }, [
          'Actions by their place: ',
          actions.names.map((name, at) => `${at} ${name}`).join(', '),
          '.',
        ])
      : null,
    lineChart(
      names.flatMap((name, at) => [
        line(name, ({ action }) => action[at]),
        line(`${name} of an expert`, ({ expert }) => expert?.[at]),
      ]),
      {
        label: `What the robot did in ${frames.length} frames, and what an expert would have done`,
        xText: seconds,
        ...marks,
      },
    ),
    changesTable(actions, frames),
  ]);
}

/** Where the action, or the expert's, becomes another one: what the curve shows, in words. */
function changesTable(actions: Episode['actions'], frames: readonly Frame[]): ComponentChild {
  const textOf = ({ action, expert }: Frame): string =>
    `${actionText(actions, action)} | ${actionText(actions, expert)}`;
  const changes = frames.filter((frame, at) => {
    const before = frames[at - 1];
    return before === undefined || textOf(before) !== textOf(frame);
  });
  return h('details', null, [
    h('summary', null, 'The same as a table'),
    table(
      'Changes of the action',
      [
        { head: 'From', cell: ({ atMs }) => seconds(atMs) },
        { head: 'Frame', isNumber: true, cell: ({ index }) => String(index) },
        { head: 'Action', cell: ({ action }) => actionText(actions, action) },
        { head: 'An expert', cell: ({ expert }) => actionText(actions, expert) },
      ],
      changes,
      ({ index }) => String(index),
    ),
  ]);
}

/** What it sensed over time, a few readings at once; the address keeps which. */
export function readingsSection(
  { observations, observationsTotal, frames }: Episode,
  query: Query,
  onFilter: (change: Query) => void,
  marks: ChartMarks = {},
): ComponentChild {
  const first = firstOf(query, observations.length);
  const shown = observations.slice(first, first + together);
  const groups = Array.from({ length: Math.ceil(observations.length / together) }, (_, at) => at * together);
  const nameOf = (start: number): string =>
    [observations[start]?.name, observations[Math.min(start + together, observations.length) - 1]?.name].join(' to ');
  return h('section', null, [
    h('h2', null, 'What it sensed'),
    filterForm(
      [
        choiceField(
          {
            name: 'readings',
            label: `Readings (${observationsTotal})`,
            options: groups.map((start) => [start === 0 ? '' : String(start), nameOf(start)] as const),
          },
          query,
          onFilter,
        ),
      ],
      'Readings',
    ),
    lineChart(
      shown.map(({ name, unit }, at) => ({
        name: `${name}, ${unit}`,
        points: frames.map(({ atMs, observation }) => ({ x: atMs, y: observation[first + at] ?? null })),
      })),
      { label: `${shown.map(({ name }) => name).join(', ')} in ${frames.length} frames`, xText: seconds, ...marks },
    ),
    h('details', null, [h('summary', null, 'The same as a table'), framesRows(frames, observations, first)]),
  ]);
}

/** Which readings are shown; whatever the address says, there are some. */
const firstOf = (query: Query, readings: number): number => {
  const asked = Number(query['readings'] ?? 0);
  return Number.isInteger(asked) && asked > 0 && asked < readings ? asked : 0;
};

const framesRows = (frames: readonly Frame[], observations: Episode['observations'], first: number): ComponentChild =>
  table(
    `Readings of ${frames.length} frames`,
    [
      { head: 'Time', cell: ({ atMs }) => seconds(atMs) },
      ...observations.slice(first, first + together).map(({ name, unit }, at) => ({
        head: `${name}, ${unit}`,
        isNumber: true,
        cell: ({ observation }: Frame) => numberText(observation[first + at] ?? Number.NaN, 3),
      })),
    ],
    frames,
    ({ index }) => String(index),
  );
