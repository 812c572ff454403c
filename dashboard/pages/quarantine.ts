import { h, type ComponentChild } from 'preact';

import type { QuarantineAnswer } from '../../console/answers/data.ts';
import { actButton, type Acting } from '../act-buttons.ts';
import { refusedAct } from '../acts.ts';
import { numberText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { damagedNote, moment, stateBox, table } from '../states.ts';

type Refused = QuarantineAnswer['items'][number];

/** What collections refused, with samples, and how to let it in. */
export function quarantineBody(
  { items, total, damaged }: QuarantineAnswer,
  policy: string,
  acting: Acting,
): ComponentChild {
  const waiting = items.filter(({ released }) => released === null).length;
  if (items.length === 0)
    return h('div', null, [
      damagedNote(damaged),
      damaged.length > 0
        ? stateBox('noData', 'What was refused cannot be read. Nothing follows from this.')
        : stateBox('empty', 'No collection has refused anything of this robot type.'),
    ]);
  return h('div', null, [
    damagedNote(damaged),
    table(
      `${waiting} not released of the newest ${items.length}; ${numberText(total, 0)} of all robot types are kept`,
      [
        { head: 'Received', cell: ({ receivedMs }) => moment(receivedMs) },
        {
          head: 'Robot',
          cell: ({ robotId }) => h('a', { href: hrefOf('robot', { policy, id: robotId }) }, robotId),
        },
        { head: 'What', cell: whatText },
        { head: 'Found, and expected', cell: samples },
        { head: 'Release', cell: (item) => released(item, policy, acting) },
      ],
      items,
      ({ sha256, cycleId }) => `${cycleId} ${sha256}`,
    ),
  ]);
}

const whatText = ({ scope, sizeBytes, rules }: Refused): string =>
  `${scope === 'segment' ? 'a whole segment' : 'one episode'}, ${numberText(sizeBytes / 1_000, 0)} kB; ${rules.join(', ')}`;

const samples = ({ samples: shown, violationsTotal }: Refused): ComponentChild =>
  h('ul', { class: 'samples' }, [
    shown.map(({ rule, value, expected, episodeId, frame }, index) =>
      h('li', { key: `${index}` }, [
        h('strong', null, `${rule}: `),
        `${value}; expected ${expected}`,
        episodeId === null ? null : ` (episode ${episodeId}${frame === null ? '' : `, frame ${frame}`})`,
      ]),
    ),
    violationsTotal > shown.length
      ? h('li', { class: 'count' }, `and ${numberText(violationsTotal - shown.length, 0)} more`)
      : null,
  ]);

const released = (item: Refused, policy: string, acting: Acting): ComponentChild =>
  item.released === null
    ? actButton(refusedAct(item, policy, acting.viewer), acting.onAct, item.sha256)
    : h('span', null, [`✓ by ${item.released.who}: ${item.released.reason}, `, moment(item.released.atMs)]);
