import { h, type ComponentChild } from 'preact';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import type { LabelQueueAnswer, LabelsAnswer } from '../../console/answers/labels.ts';
import type { Acting } from '../act-buttons.ts';
import { filterForm, typedField } from '../form-fields.ts';
import { numberText } from '../format.ts';
import type { Pass } from '../pass.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { shownOf, stateBox, table } from '../states.ts';
import { LabelDesk } from './label-desk.ts';

type Query = Readonly<Record<string, string>>;
type Waiting = LabelQueueAnswer['items'][number];

export const labelQueuePath = ({ policy, from, to }: Query): string =>
  apiPath('labels/queue', { policy, from, to, limit: '50' });
export const labelsPath = ({ policy, id = '' }: Query): string => apiPath('labels', { policy, episode: id });

interface LabelsPage {
  readonly queue: Reading<LabelQueueAnswer>;
  /** Of the episode that was chosen. */
  readonly episode: Reading<EpisodeAnswer>;
  readonly labels: Reading<LabelsAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
  readonly acting: Acting;
  readonly pass: Pass;
}

/** Episodes that wait for a label by hand, the most valuable first; of the chosen one a replay, and what persons say of it. */
export const labelsPage = ({ queue, episode, labels, ...page }: LabelsPage): ComponentChild => {
  const { query, nowMs, onFilter } = page;
  const { id, day } = query;
  const isChosen = id !== undefined && day !== undefined;
  return h('div', null, [
    isChosen
      ? h('section', { 'aria-labelledby': 'desk', key: `${id} ${day}` }, [
          h('h2', { id: 'desk', tabIndex: -1 }, `Episode ${id}`),
          nextLinks(queue.data, query),
          shownOf(episode, nowMs, 'the episode', ({ episode: found }) =>
            found === null
              ? stateBox('noData', 'The lake does not have this episode of this day: it was refused, or it was erased.')
              : h(LabelDesk, { ...page, episode: found, labels, episodeId: id, day }),
          ),
        ])
      : null,
    h('section', { 'aria-labelledby': 'queue' }, [
      h('h2', { id: 'queue' }, 'Waiting for a label'),
      filterForm(
        [
          typedField({ name: 'from', label: 'From (UTC day)', type: 'date' }, query, onFilter),
          typedField({ name: 'to', label: 'Before (UTC day)', type: 'date' }, query, onFilter),
        ],
        'Days',
      ),
      shownOf(queue, nowMs, 'episodes that wait for a label', (answer) => queueBody(answer, query)),
    ]),
  ]);
};

const chosen = ({ policy, from, to }: Query, { episodeId, recordedOn }: Waiting): string =>
  hrefOf('labels', { policy, from, to, id: episodeId, day: recordedOn });

/** Where it goes on from the chosen episode, and back. */
function nextLinks(queue: LabelQueueAnswer | null, query: Query): ComponentChild {
  const items = queue?.items ?? [];
  const at = items.findIndex(({ episodeId }) => episodeId === query['id']);
  // After the last one it begins with the most valuable again: one that was labelled has moved behind the others.
  const next = items[at + 1] ?? items.find(({ episodeId }) => episodeId !== query['id']);
  const { policy, from, to } = query;
  return h('p', { class: 'pages' }, [
    next === undefined
      ? null
      : h('a', { href: chosen(query, next) }, at === -1 ? 'Most valuable episode' : 'Next episode'),
    h('a', { href: hrefOf('labels', { policy, from, to }) }, 'Back to the queue alone'),
  ]);
}

function queueBody(answer: LabelQueueAnswer, query: Query): ComponentChild {
  const { state, items, totalEpisodes, totalFrames, from, to } = answer;
  if (state === 'noLake') return stateBox('noData', 'Nothing has been collected yet. Nothing follows from this.');
  if (state === 'empty') return stateBox('empty', `No episode recorded from ${from} to ${to} waits for a label.`);
  return table(
    `${items.length} of ${numberText(totalEpisodes, 0)} episodes with ${numberText(totalFrames, 0)} frames without a label, recorded from ${from} to ${to}, the most valuable first`,
    [
      { head: 'Episode', cell: (item) => h('a', { href: chosen(query, item) }, item.episodeId) },
      { head: 'Value', isNumber: true, cell: ({ value }) => `${numberText(value)} of 10` },
      {
        head: 'Why',
        cell: ({ reasons }) => (reasons.length === 0 ? 'it has frames without a label' : reasons.join('; ')),
      },
      { head: 'Recorded', cell: ({ recordedOn }) => recordedOn },
      { head: 'Robot', cell: ({ robotId }) => robotId },
      { head: 'Task', cell: ({ task }) => task },
      {
        head: 'Frames without a label',
        isNumber: true,
        cell: ({ frames, unlabelledFrames }) => `${numberText(unlabelledFrames, 0)} of ${numberText(frames, 0)}`,
      },
    ],
    items,
    ({ episodeId }) => episodeId,
  );
}
