import { h, type ComponentChild } from 'preact';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import { choiceField, filterForm } from '../form-fields.ts';
import { numberText } from '../format.ts';
import { lineChart, type Line } from '../line-chart.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { facts, moment, shownOf, stateBox, table } from '../states.ts';

type Query = Readonly<Record<string, string>>;
type Episode = NonNullable<EpisodeAnswer['episode']>;
type Frame = Episode['frames'][number];

/** Curves in one drawing: more cannot be told apart. */
const together = 4;

export const episodePath = ({ policy, id = '', day }: Query): string =>
  apiPath(`episodes/${encodeURIComponent(id)}`, { policy, day });

interface EpisodePage {
  readonly reading: Reading<EpisodeAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
}

/** One episode frame by frame: what the robot sensed, what it did, and what an expert would have done. */
export const episodePage = ({ reading, query, nowMs, onFilter }: EpisodePage): ComponentChild =>
  h(
    'div',
    null,
    shownOf(reading, nowMs, 'the episode', ({ episode }) =>
      episode === null
        ? stateBox(
            'noData',
            'The lake does not have this episode: its robot has not uploaded it yet, no collection has taken it in, it was refused, or it was erased.',
          )
        : body(episode, query, onFilter),
    ),
  );

function body(episode: Episode, query: Query, onFilter: EpisodePage['onFilter']): ComponentChild {
  const { robotId, frames, frameCount, outcome, failureReason, intervened } = episode;
  const corrections = frames.filter(({ isCorrection }) => isCorrection).length;
  return h('div', null, [
    facts([
      [
        'Outcome',
        `${outcome}${failureReason === null ? '' : `: ${failureReason}`}${intervened ? '; somebody took over' : ''}`,
      ],
      ['Robot', h('a', { href: hrefOf('robot', { policy: query['policy'], id: robotId }) }, robotId)],
      ['Task', episode.task],
      ['Version', episode.policyVersion ?? 'none'],
      ['Started', moment(episode.startedMs)],
      ['Length', `${numberText(episode.durationMs / 1_000)} s`],
      [
        'Frames',
        frames.length === frameCount ? String(frameCount) : `${frameCount}, of which ${frames.length} are shown`,
      ],
      ['Corrections among them', String(corrections)],
      ['Split', episode.split],
      ['Robot type', episode.robotType],
      ['Site', episode.site],
    ]),
    frames.length === 0
      ? stateBox('noData', 'The lake has the episode and none of its frames. Nothing follows from this.')
      : [actionsSection(episode), readingsSection(episode, query, onFilter), correctionsSection(episode)],
  ]);
}

const seconds = (atMs: number): string => `${numberText(atMs / 1_000)} s`;

/** An action in words. */
export function actionText({ kind, names }: Episode['actions'], action: readonly number[] | null): string {
  if (action === null) return 'not known';
  if (kind === 'discrete') return names[action[0] ?? -1] ?? `action ${action[0] ?? 'none'}`;
  return action.map((value, at) => `${names[at] ?? `action ${at}`} ${numberText(value, 3)}`).join(', ');
}

function actionsSection({ actions, frames }: Episode): ComponentChild {
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
      { label: `What the robot did in ${frames.length} frames, and what an expert would have done`, xText: seconds },
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

function readingsSection(
  { observations, observationsTotal, frames }: Episode,
  query: Query,
  onFilter: EpisodePage['onFilter'],
): ComponentChild {
  const first = firstOf(query, observations.length);
  const shown = observations.slice(first, first + together);
  const groups = Array.from({ length: Math.ceil(observations.length / together) }, (_, at) => at * together);
  const nameOf = (start: number): string =>
    [observations[start]?.name, observations[Math.min(start + together, observations.length) - 1]?.name].join(' to ');
  return h('section', null, [
    h('h2', null, 'What it sensed'),
    filterForm([
      choiceField(
        {
          name: 'readings',
          label: `Readings (${observationsTotal})`,
          options: groups.map((start) => [start === 0 ? '' : String(start), nameOf(start)] as const),
        },
        query,
        onFilter,
      ),
    ]),
    lineChart(
      shown.map(({ name, unit }, at) => ({
        name: `${name}, ${unit}`,
        points: frames.map(({ atMs, observation }) => ({ x: atMs, y: observation[first + at] ?? null })),
      })),
      { label: `${shown.map(({ name }) => name).join(', ')} in ${frames.length} frames`, xText: seconds },
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

interface Run {
  readonly first: Frame;
  readonly last: Frame;
  readonly text: string;
}

/** Corrected frames that follow each other, and say the same, as one. */
export function correctionRuns({ frames, actions }: Pick<Episode, 'frames' | 'actions'>): readonly Run[] {
  const runs: Run[] = [];
  let before: Run | undefined;
  for (const frame of frames) {
    const text = `${actionText(actions, frame.action)} | ${actionText(actions, frame.expert)}`;
    if (!frame.isCorrection) before = undefined;
    else if (before?.text === text) {
      before = { ...before, last: frame };
      runs[runs.length - 1] = before;
    } else {
      before = { first: frame, last: frame, text };
      runs.push(before);
    }
  }
  return runs;
}

/** The frames in which somebody said otherwise, where there are any. */
function correctionsSection(episode: Episode): ComponentChild {
  const { actions } = episode;
  const runs = correctionRuns(episode);
  return h('section', null, [
    h('h2', null, 'Corrections'),
    runs.length === 0
      ? stateBox('empty', 'In no frame that is shown did somebody correct the robot.')
      : table(
          'Frames with a correction, those that follow each other together',
          [
            {
              head: 'Time',
              cell: ({ first, last }) =>
                first === last ? seconds(first.atMs) : `${seconds(first.atMs)} to ${seconds(last.atMs)}`,
            },
            {
              head: 'Frames',
              isNumber: true,
              cell: ({ first, last }) => (first === last ? String(first.index) : `${first.index} to ${last.index}`),
            },
            { head: 'It did', cell: ({ first }) => actionText(actions, first.action) },
            { head: 'Should have done', cell: ({ first }) => actionText(actions, first.expert) },
          ],
          runs,
          ({ first }) => String(first.index),
        ),
  ]);
}
