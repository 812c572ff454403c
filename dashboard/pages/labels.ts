import { h, type ComponentChild } from 'preact';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import type { LabelQueueAnswer, LabelsAnswer } from '../../console/answers/labels.ts';
import type { Acting } from '../act-buttons.ts';
import type { ClipShelf } from '../clip-shelf.ts';
import { filterForm, typedField } from '../form-fields.ts';
import { numberText } from '../format.ts';
import { nextPlace, previousPlace, waitingOf } from '../label-sitting.ts';
import type { Reading } from '../reading.ts';
import { apiPath } from '../route.ts';
import { shownOf, stateBox, table } from '../states.ts';
import { deskHref, type AtDesk } from '../use-sitting.ts';
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
  readonly sitting: AtDesk;
  readonly shelf: ClipShelf;
}

/** Episodes that wait for a label by hand, the most valuable first; of the chosen one a replay, and what persons say of it. */
export const labelsPage = ({ queue, ...page }: LabelsPage): ComponentChild => {
  const { query, nowMs, onFilter, sitting } = page;
  const { id, day } = query;
  const isChosen = id !== undefined && day !== undefined;
  return h('div', null, [
    // It is there before anything is said in it: what comes later is read aloud.
    h('p', { key: 'news', role: 'status', class: newsClass(sitting) }, newsText(sitting)),
    isChosen
      ? h(LabelDesk, { key: `${id} ${day}`, ...page, ...placesOf(queue.data, sitting, id), episodeId: id, day })
      : null,
    h('section', { 'aria-labelledby': 'queue', key: 'queue' }, [
      h('h2', { id: 'queue' }, 'Waiting for a label'),
      filterForm(
        [
          typedField({ name: 'from', label: 'From (UTC day)', type: 'date' }, query, onFilter),
          typedField({ name: 'to', label: 'Before (UTC day)', type: 'date' }, query, onFilter),
        ],
        'Days',
      ),
      shownOf(queue, nowMs, 'episodes that wait for a label', (answer) => queueBody(answer, query, sitting)),
    ]),
  ]);
};

const newsText = ({ news, isSending }: AtDesk): string =>
  isSending ? '… Sent; waiting for the answer.' : (news?.text ?? '');

const newsClass = ({ news, isSending }: AtDesk): string =>
  isSending || news === null ? 'news' : `news act-${news.kind}`;

/** Where it goes on in the queue, and back. */
function placesOf(queue: LabelQueueAnswer | null, { done, trail }: AtDesk, id: string) {
  const items = queue?.items ?? [];
  const unlabelled = queue === null ? null : waitingOf(queue, done).unlabelled;
  return { next: nextPlace(items, done, id), previous: previousPlace(items, trail, id), unlabelled };
}

const chosen = (query: Query, { episodeId, recordedOn }: Waiting): string =>
  deskHref(query, { episodeId, day: recordedOn });

function queueBody(answer: LabelQueueAnswer, query: Query, { done }: AtDesk): ComponentChild {
  const { state, items, totalEpisodes, totalFrames, from, to } = answer;
  const { unlabelled, labelled } = waitingOf(answer, done);
  const isDone = ({ episodeId }: Waiting): boolean => done.includes(episodeId);
  if (state === 'noLake') return stateBox('noData', 'Nothing has been collected yet. Nothing follows from this.');
  if (state === 'empty') return stateBox('empty', `No episode recorded from ${from} to ${to} waits for a label.`);
  return table(
    `${numberText(unlabelled, 0)} episode${unlabelled === 1 ? '' : 's'} without a label, recorded from ${from} to ${to}, the most valuable first${labelled === 0 ? '' : `; behind them ${numberText(labelled, 0)} that have one and still have frames without`}. ${items.length} of ${numberText(totalEpisodes, 0)} are shown; all of them have ${numberText(totalFrames, 0)} frames without a label`,
    [
      { head: 'Episode', cell: (item) => h('a', { href: chosen(query, item) }, item.episodeId) },
      { head: 'Value', isNumber: true, cell: ({ value }) => `${numberText(value)} of 10` },
      {
        head: 'Why',
        cell: (item) =>
          isDone(item)
            ? '✓ you labelled it in this sitting; it still has frames without a label'
            : item.reasons.length === 0
              ? 'it has frames without a label'
              : item.reasons.join('; '),
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
    [...items.filter((item) => !isDone(item)), ...items.filter(isDone)],
    ({ episodeId }) => episodeId,
  );
}
