import type { ComponentChild } from 'preact';

import type { LabelsAnswer } from '../../console/answers/labels.ts';
import { actButton, type Acting } from '../act-buttons.ts';
import { takeBackAct } from '../label-acts.ts';
import { moment, stateBox, table } from '../states.ts';
import { actionText, type Episode } from './episode-curves.ts';

/** What persons have said of an episode. */
export function saidBody(
  { items, total }: LabelsAnswer,
  actions: Episode['actions'],
  policy: string,
  acting: Acting,
): ComponentChild {
  if (items.length === 0) return stateBox('empty', 'Nobody has said anything of this episode.');
  return table(
    `${items.length} of ${total} labels, the newest first; of frames that two name the newer one holds`,
    [
      {
        head: 'Frames',
        cell: (item) => (item.kind === 'frames' ? `${item.start} to ${item.end - 1}` : 'the whole episode'),
      },
      {
        head: 'Says',
        cell: (item) =>
          item.kind === 'frames'
            ? `should have done ${actionText(actions, item.action)}`
            : `failed: ${item.failureReason}`,
      },
      { head: 'Who', cell: ({ who }) => who },
      { head: 'Reason', cell: ({ reason }) => reason },
      { head: 'Since', cell: ({ atMs }) => moment(atMs) },
      {
        head: 'Take back',
        cell: (item) => actButton(takeBackAct(item, policy, acting.viewer), acting.onAct, item.labelId),
      },
    ],
    items.toReversed(),
    ({ labelId }) => labelId,
  );
}
