import { h, type ComponentChild } from 'preact';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import { choiceField, filterForm } from '../form-fields.ts';
import { numberText } from '../format.ts';
import { lanesOf } from '../chart-axis.ts';
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

/** What is marked, and how many pixels high the curves are where it is not as usual. */
export type CurveMarks = ChartMarks & { readonly height?: number };

/** Where an episode is marked: its end, and how it came. */
const endOf = ({ durationMs, outcome, failureReason, intervened }: Episode): ChartMarks => ({
  events: [{ x: durationMs, name: `end: ${failureReason ?? outcome}${intervened ? ', taken over' : ''}` }],
});

/** What the robot did over time, and what an expert would have done. `marks`: where somebody looks, and what is marked. */
export function actionsSection(episode: Episode, marks: CurveMarks = {}): ComponentChild {
  const { actions, frames } = episode;
  if (actions.kind === 'none') return null;
  const words = {
    label: `What the robot did in ${frames.length} frames, and what an expert would have done; ${endOf(episode).events?.[0]?.name ?? ''}`,
    xText: seconds,
    ...endOf(episode),
  };
  return h('section', { 'aria-labelledby': 'did' }, [
    h('h2', { id: 'did' }, 'What it did'),
    actions.kind === 'discrete' ? chosenChart(episode, words, marks) : valuesChart(episode, words, marks),
    changesTable(actions, frames),
  ]);
}

type Words = Parameters<typeof lineChart>[1];

/** More names than this are not below each other where nothing has them. */
const allNames = 12;

/** Actions by their names below each other: between two of them there is nothing. */
function chosenChart({ actions, frames }: Episode, words: Words, marks: CurveMarks) {
  const chosen = [...new Set(frames.flatMap(({ action, expert }) => [action[0], expert?.[0]]))].filter(
    (one): one is number => one !== undefined,
  );
  const all = actions.names.length <= allNames ? actions.names.map((_, at) => at) : [];
  const lanes = [...new Set([...all, ...chosen])].toSorted((a, b) => a - b);
  const places = new Map(lanes.map((one, at) => [one, -at]));
  const { height, ...axis } = lanesOf(lanes.map((one) => actionText(actions, [one])));
  const line = (name: string, of: (frame: Frame) => number | undefined): Line => ({
    name,
    points: frames.map((frame) => ({ x: frame.atMs, y: places.get(of(frame) ?? Number.NaN) ?? null })),
    isStepped: true,
  });
  return lineChart(
    [
      line('what it did', ({ action }) => action[0]),
      line('what an expert would have done', ({ expert }) => expert?.[0]),
    ],
    { ...words, ...marks, axis, height },
  );
}

/** The first of the values, because more lines cannot be told apart. */
function valuesChart({ actions, frames }: Episode, words: Words, marks: CurveMarks) {
  const line = (name: string, of: (frame: Frame) => number | undefined): Line => ({
    name,
    points: frames.map((frame) => ({ x: frame.atMs, y: of(frame) ?? null })),
  });
  return lineChart(
    actions.names
      .slice(0, together / 2)
      .flatMap((name, at) => [
        line(name, ({ action }) => action[at]),
        line(`${name} of an expert`, ({ expert }) => expert?.[at]),
      ]),
    { ...words, ...marks },
  );
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
  episode: Episode,
  query: Query,
  onFilter: (change: Query) => void,
  marks: CurveMarks = {},
): ComponentChild {
  const { observations, observationsTotal, frames } = episode;
  const first = firstOf(query, observations.length);
  const shown = observations.slice(first, first + together);
  const groups = Array.from({ length: Math.ceil(observations.length / together) }, (_, at) => at * together);
  const nameOf = (start: number): string =>
    [observations[start]?.name, observations[Math.min(start + together, observations.length) - 1]?.name].join(' to ');
  return h('section', { 'aria-labelledby': 'sensed' }, [
    h('h2', { id: 'sensed' }, 'What it sensed'),
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
      {
        label: `${shown.map(({ name }) => name).join(', ')} in ${frames.length} frames`,
        xText: seconds,
        ...endOf(episode),
        ...marks,
      },
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
