import { h, type ComponentChild } from 'preact';

import type { ModelsAnswer } from '../../console/answers/models.ts';
import { exactMoment, stateBox, table } from '../states.ts';
import { championWay } from './champion-words.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';

type Move = ModelsAnswer['history'][number];
type Change = Move & { readonly way: NonNullable<Move['way']> };

const isChange = (move: Move): move is Change => move.way !== null;

/** Who was champion when: what a person put back says so, with who and why, and is no promotion. */
export const championHistory = ({ history, historyTotal }: ModelsAnswer): ComponentChild =>
  h('section', { 'aria-labelledby': 'aliases' }, [
    h('h2', { id: 'aliases' }, 'Who was champion when'),
    history.length === 0
      ? stateBox('empty', 'No alias was ever set.')
      : table(
          history.length < historyTotal
            ? `Newest first; the last ${history.length} of ${historyTotal} moves`
            : 'Newest first',
          [
            { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
            {
              head: 'Set',
              cell: ({ set }) =>
                Object.entries(set)
                  .map(([name, version]) => `${name}: ${version}`)
                  .join('; '),
            },
            { head: 'How the champion came to be, by whom and why', cell: wayText },
          ],
          history.toReversed(),
          (_, index) => String(history.length - index),
        ),
  ]);

const wayText = (move: Move): string =>
  isChange(move) ? championWay(move) : `the champion stayed as it was; by ${move.who}: ${plainReason(move.why)}`;

/** Since when a version is champion, or from when until when it was last, and what put another one in its place; null: it was not in these moves. */
export function championTimes({ history }: ModelsAnswer, version: string): ComponentChild {
  const changes = history.filter(isChange);
  const last = changes.findLastIndex(({ set }) => set['champion'] === version);
  const [began, ended] = [changes[last], changes[last + 1]];
  if (began === undefined) return null;
  return h(
    'div',
    null,
    ended === undefined
      ? ['Champion since ', exactMoment(began.atMs), `: ${championWay(began)}.`]
      : [
          'Champion from ',
          exactMoment(began.atMs),
          ' until ',
          exactMoment(ended.atMs),
          `: ${championWay(began)}. Then ${ended.set['champion'] ?? 'another one'} was ${championWay(ended)}.`,
        ],
  );
}
