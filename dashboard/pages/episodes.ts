import { h, type ComponentChild } from 'preact';

import type { EpisodesAnswer } from '../../console/answers/episodes.ts';
import { choiceField, filterForm } from '../form-fields.ts';
import { numberText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { missingText } from './missing-words.ts';
import { moment, shownOf, stateBox, table } from '../states.ts';

type Query = Readonly<Record<string, string>>;
type Episode = EpisodesAnswer['items'][number];

/** A sign, and words: no outcome is told by colour alone. */
const outcomes: Readonly<Record<string, string>> = {
  success: '✓ success',
  failure: '✕ failure',
  aborted: '■ aborted',
};

/** Episodes of one robot, of those days and that trial which the viewer came by. */
export const robotEpisodesPath = ({ policy, id, trial, outcome, from, to }: Query): string =>
  apiPath('episodes', { policy, robot: id, trial, outcome, from, to, limit: '100' });

interface EpisodesList {
  readonly reading: Reading<EpisodesAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
}

/** What a robot did last, each episode with the way to its frames. */
export const robotEpisodes = ({ reading, query, nowMs, onFilter }: EpisodesList): ComponentChild => {
  const { trial } = query;
  return h('section', { 'aria-labelledby': 'episodes' }, [
    h('h2', { id: 'episodes' }, trial === undefined ? 'Episodes' : `Episodes under ${trial}`),
    filterForm([
      outcomeField(query, onFilter),
      trial === undefined
        ? null
        : h('button', { type: 'button', onClick: () => onFilter({ trial: '' }) }, 'Also outside of the trial'),
    ]),
    shownOf(reading, nowMs, 'its episodes', (data) => episodesTable(data, query['policy'])),
  ]);
};

export const outcomeField = (query: Query, onFilter: EpisodesList['onFilter']): ComponentChild =>
  choiceField(
    {
      name: 'outcome',
      label: 'Outcome',
      options: [
        ['', 'all'],
        ['failure', 'failures'],
        ['success', 'successes'],
        ['aborted', 'aborted'],
      ],
    },
    query,
    onFilter,
  );

/** Episodes with the way to their frames; `ofFleet`: of many robots, with the way to each. */
export function episodesTable(
  { state, items, total, from, to }: EpisodesAnswer,
  policy: string | undefined,
  ofFleet = false,
): ComponentChild {
  if (state === 'noFacts')
    return stateBox('noData', 'Nothing makes facts of telemetry yet, so nothing follows from this.');
  if (state === 'empty')
    return stateBox(
      'empty',
      `${ofFleet ? 'No robot' : 'It'} told of ${ofFleet ? 'such an' : 'no such'} episode from ${from} to ${to}.`,
    );
  const robot = {
    head: 'Robot',
    cell: ({ robotId }: Episode) => h('a', { href: hrefOf('robot', { policy, id: robotId, from, to }) }, robotId),
  };
  return table(
    `${items.length} of ${numberText(total, 0)} episodes from ${from} to ${to}, newest first`,
    [
      {
        head: 'Ended',
        cell: ({ endedMs, episodeId, day, isCollected }) => {
          const name = endedMs === null ? episodeId : moment(endedMs);
          return isCollected ? h('a', { href: hrefOf('episode', { policy, id: episodeId, day }) }, name) : name;
        },
      },
      ...(ofFleet ? [robot] : []),
      {
        head: 'Frames',
        cell: ({ isCollected, missing }) => (isCollected ? '✓ collected' : missingText(missing)),
      },
      { head: 'Outcome', cell: outcomeText },
      { head: 'Task', cell: ({ task }) => task },
      { head: 'Version', cell: ({ policyVersion }) => policyVersion ?? 'none' },
      { head: 'Length', isNumber: true, cell: ({ durationMs }) => `${numberText(durationMs / 1_000)} s` },
      { head: 'Corrected frames', isNumber: true, cell: ({ correctedFrames }) => numberText(correctedFrames, 0) },
    ],
    items,
    ({ episodeId }) => episodeId,
  );
}

const outcomeText = ({ outcome, failureReason, intervened }: Episode): string =>
  `${outcomes[outcome] ?? outcome}${failureReason === null ? '' : `: ${failureReason}`}${intervened ? '; somebody took over' : ''}`;
