import { h, type ComponentChild } from 'preact';

import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import { actButton, type Acting } from '../act-buttons.ts';
import { incidentAct } from '../acts.ts';
import { wordsOf } from '../cause-words.ts';
import { spanText } from '../format.ts';
import { toldReason, whoText } from '../plain-words.ts';
import type { Reading } from '../reading.ts';
import { hrefOf } from '../route.ts';
import { damagedNote, exactMoment, facts, moment, shownOf, stateBox, table } from '../states.ts';
import { changesBefore, lastChange } from './changes-before.ts';

interface IncidentsPage {
  readonly reading: Reading<IncidentsAnswer>;
  readonly policy: string;
  /** The only incident that is looked for; undefined: all. */
  readonly incidentId?: string | undefined;
  /** What is known of it beyond its reason. */
  readonly detail?: ComponentChild;
  readonly nowMs: number;
  readonly acting: Acting;
}

/** What is wrong now, and what was. */
export const incidentsPage = ({ reading, nowMs, incidentId, ...acts }: IncidentsPage): ComponentChild =>
  h(
    'div',
    null,
    shownOf(reading, nowMs, 'incidents', (data) => [
      incidentId === undefined ? null : oneIncident(data, incidentId, nowMs, acts),
      openIncidents(data, nowMs, acts),
      events(data, acts.policy),
    ]),
  );

/** What a link of a mail or of another page names: whether it is open, what happened, and what it is about. */
function oneIncident(
  answer: IncidentsAnswer,
  incidentId: string,
  nowMs: number,
  { policy, acting, detail }: Pick<IncidentsPage, 'policy' | 'acting' | 'detail'>,
): ComponentChild {
  const { open, events: log } = answer;
  const now = open.find((one) => one.incidentId === incidentId);
  const own = log.filter((one) => one.incidentId === incidentId);
  const about = now ?? own.at(-1);
  return h('section', { 'aria-labelledby': 'incident' }, [
    h('h2', { id: 'incident' }, `Incident ${incidentId}`),
    about === undefined
      ? stateBox('noData', `It is not open, and not among the last ${log.length} events. Nothing follows from this.`)
      : [
          facts([
            ['What', [`${wordsOf(about.cause).title}, `, subjectOf(about, policy)]],
            ['Reason', about.reason],
            ['What to do', wordsOf(about.cause).todo],
            ['Now', now === undefined ? 'not open any more' : `open for ${spanText(nowMs - now.openedAtMs)}`],
            ['Acknowledged', now?.acknowledgedBy ?? own.findLast(({ who }) => who !== undefined)?.who ?? 'by nobody'],
            ['Happened', own.map(({ state, atMs }) => h('div', null, [`${state} `, exactMoment(atMs)]))],
          ]),
          now === undefined || now.acknowledgedBy !== null
            ? null
            : actButton(incidentAct(now, policy, acting.viewer), acting.onAct, `one ${incidentId}`),
          changesBefore(answer, {
            incidentId,
            isOfFleet: about.subject === 'fleet' || about.cause === 'failureReason' || about.cause === 'drift',
          }),
        ],
    detail ?? null,
    h('p', null, h('a', { href: hrefOf('incidents', { policy }) }, 'All incidents')),
  ]);
}

/** The subject, with the way to the page that shows it. */
const subjectOf = (
  { subject, see }: Pick<IncidentsAnswer['open'][number], 'subject' | 'see'>,
  policy: string,
): ComponentChild => (see === null ? subject : h('a', { href: hrefOf(see.page, { ...see.query, policy }) }, subject));

const openIncidents = (
  answer: IncidentsAnswer,
  nowMs: number,
  { policy, acting }: Pick<IncidentsPage, 'policy' | 'acting'>,
): ComponentChild => {
  const { lookedAtMs, open } = answer;
  return h('section', null, [
    h('h2', null, `Open now${open.length === 0 ? '' : ` (${open.length})`}`),
    lookedAtMs === null
      ? stateBox('noData', 'No monitor has looked at this fleet yet. Nothing follows from an empty list.')
      : h('p', null, ['The monitor last looked ', moment(lookedAtMs), '.']),
    open.length > 0
      ? table(
          'Longest open first',
          [
            {
              head: 'What',
              cell: ({ incidentId, cause, severity }) => [
                severity === 'urgent' ? h('strong', null, '‼ urgent: ') : null,
                h('a', { href: hrefOf('incidents', { policy, id: incidentId }) }, wordsOf(cause).title),
              ],
            },
            { head: 'Subject', cell: (one) => subjectOf(one, policy) },
            {
              head: 'Reason',
              cell: ({ reason, incidentId }) => [reason, changeLine(lastChange(answer, incidentId))],
            },
            { head: 'What to do', cell: ({ cause }) => wordsOf(cause).todo },
            {
              head: 'Open for',
              cell: ({ openedAtMs }) => [`${spanText(nowMs - openedAtMs)}, since `, moment(openedAtMs)],
            },
            {
              head: 'Acknowledged',
              cell: (incident) =>
                incident.acknowledgedBy ?? [
                  'not yet ',
                  actButton(incidentAct(incident, policy, acting.viewer), acting.onAct, incident.incidentId),
                ],
            },
          ],
          open,
          ({ incidentId }) => incidentId,
        )
      : lookedAtMs === null
        ? null
        : stateBox('empty', 'No incident is open.'),
  ]);
};

const changeLine = (text: string | null): ComponentChild =>
  text === null ? null : h('div', { class: 'hint' }, `${text}.`);

const events = ({ events: list, damaged }: IncidentsAnswer, policy: string): ComponentChild =>
  h('section', null, [
    h('h2', null, 'Last events'),
    damagedNote(damaged),
    list.length === 0
      ? damaged.length === 0
        ? stateBox('empty', 'No incident was ever recorded.')
        : stateBox('noData', 'What was recorded cannot be read. Nothing follows from this.')
      : table(
          'Newest first',
          [
            { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
            { head: 'State', cell: ({ state }) => state },
            { head: 'What', cell: ({ cause }) => wordsOf(cause).title },
            { head: 'Subject', cell: (one) => subjectOf(one, policy) },
            { head: 'Reason', cell: ({ cause, reason }) => toldReason(cause, reason) },
            { head: 'By', cell: ({ who }) => whoText(who ?? 'fleetMonitor') },
          ],
          list.toReversed(),
          ({ incidentId, state, atMs }, index) => `${incidentId} ${state} ${atMs} ${index}`,
        ),
  ]);
