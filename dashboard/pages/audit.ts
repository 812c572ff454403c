import { h, type ComponentChild } from 'preact';

import type { AuditAnswer } from '../../console/answers/acts.ts';
import type { Reading } from '../reading.ts';
import { actWord } from '../plain-words.ts';
import { apiPath } from '../route.ts';
import { damagedNote, exactMoment, shownOf, stateBox, table } from '../states.ts';

type AuditQuery = Readonly<Record<string, string>>;

/** What to ask for what a viewer filters by. */
export const auditPath = ({ who, before }: AuditQuery): string =>
  apiPath('audit', { who: who?.trim().slice(0, 200), before, limit: '100' });

interface AuditPage {
  readonly reading: Reading<AuditAnswer>;
  readonly query: AuditQuery;
  readonly nowMs: number;
  readonly onFilter: (change: AuditQuery) => void;
}

/** Who did what, why, when and with what outcome. */
export const auditPage = ({ reading, query, nowMs, onFilter }: AuditPage): ComponentChild =>
  h('div', null, [
    h('div', { class: 'filters' }, [
      h('label', null, [
        'Person',
        h('input', {
          type: 'search',
          value: query['who'] ?? '',
          maxLength: 200,
          onInput: (event: { currentTarget: { value: string } }) =>
            onFilter({ who: event.currentTarget.value, before: '' }),
        }),
      ]),
    ]),
    shownOf(reading, nowMs, 'the audit log', (data) => auditBody(data, query, onFilter)),
  ]);

const auditBody = (data: AuditAnswer, query: AuditQuery, onFilter: AuditPage['onFilter']): ComponentChild =>
  h('div', null, [
    h('p', { class: 'legend' }, [
      'What people did. What the loop does by itself (cycles, trials, rollbacks by the guard) is on the pages Cycle, Trial and Incidents.',
    ]),
    chainText(data.chain),
    damagedNote(data.damaged),
    data.items.length === 0
      ? stateBox('empty', query['who'] ? `No act of ${query['who']} is among these entries.` : 'Nobody has acted yet.')
      : table(
          'Newest first',
          [
            { head: 'Entry', isNumber: true, cell: ({ seq }) => String(seq) },
            { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
            { head: 'Who', cell: ({ who, role, via }) => `${who} (${role ?? 'shell'}, by ${via})` },
            { head: 'What', cell: actText },
            { head: 'Policy', cell: ({ policy }) => policy ?? '' },
            { head: 'Reason', cell: ({ reason }) => reason },
            { head: 'Outcome', cell: ({ outcome, answer }) => (answer === '' ? outcome : `${outcome}: ${answer}`) },
          ],
          data.items,
          ({ seq }) => String(seq),
        ),
    data.next === null
      ? null
      : h('button', { type: 'button', onClick: () => onFilter({ before: String(data.next) }) }, 'Older entries'),
  ]);

/** What was done and to what. Of a rollback the version that was put back, as the answer says it. */
function actText({ act, subject, outcome, answer }: AuditAnswer['items'][number]): string {
  if (act === 'rollback.undo') return `${actWord(act)} of order ${subject}`;
  if (act !== 'rollback') return subject === '' ? actWord(act) : `${actWord(act)}: ${subject}`;
  const [, version] = /^ordered (\d+\.\d+\.\d+), /.exec(outcome === 'done' ? answer : '') ?? [];
  if (version !== undefined) return `rollback: ${version} put back`;
  return `rollback to ${subject === '' ? 'the champion or the one before' : subject}`;
}

/** How far the chain is sound; one that is broken is told as loudly as what cannot be read. */
function chainText(chain: AuditAnswer['chain']): ComponentChild {
  if (chain === null) return stateBox('noData', 'The hash chain is being verified for the first time.');
  const { checkedAtMs, verifiedSeq, broken } = chain;
  if (broken !== null)
    return stateBox('refused', [
      `The hash chain is broken at entry ${broken.seq} (${broken.kind}): ${broken.why}. It is verified up to ${verifiedSeq}, as of `,
      exactMoment(checkedAtMs),
      '.',
    ]);
  return h('p', { class: 'chain' }, [
    `✓ Chain verified up to entry ${verifiedSeq}, as of `,
    exactMoment(checkedAtMs),
    '.',
  ]);
}
