import { h, type ComponentChild } from 'preact';

import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import { actButton, type Acting } from '../act-buttons.ts';
import { incidentAct } from '../acts.ts';
import { spanText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { damagedNote, moment, shownOf, stateBox, table } from '../states.ts';

interface IncidentsPage {
  readonly reading: Reading<IncidentsAnswer>;
  readonly policy: string;
  readonly nowMs: number;
  readonly acting: Acting;
}

/** What is wrong now, and what was. */
export const incidentsPage = ({ reading, nowMs, ...acts }: IncidentsPage): ComponentChild =>
  h(
    'div',
    null,
    shownOf(reading, nowMs, 'incidents', (data) => [openIncidents(data, nowMs, acts), events(data)]),
  );

const openIncidents = (
  { lookedAtMs, open }: IncidentsAnswer,
  nowMs: number,
  { policy, acting }: Pick<IncidentsPage, 'policy' | 'acting'>,
): ComponentChild =>
  h('section', null, [
    h('h2', null, `Open now${open.length === 0 ? '' : ` (${open.length})`}`),
    lookedAtMs === null
      ? stateBox('noData', 'No monitor has looked at this fleet yet. Nothing follows from an empty list.')
      : h('p', null, ['The monitor last looked ', moment(lookedAtMs), '.']),
    open.length > 0
      ? table(
          'Longest open first',
          [
            { head: 'Cause', cell: ({ cause }) => cause },
            { head: 'Subject', cell: ({ subject }) => subject },
            { head: 'Reason', cell: ({ reason }) => reason },
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

const events = ({ events: list, damaged }: IncidentsAnswer): ComponentChild =>
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
            { head: 'When', cell: ({ atMs }) => moment(atMs) },
            { head: 'State', cell: ({ state }) => state },
            { head: 'Cause', cell: ({ cause }) => cause },
            { head: 'Subject', cell: ({ subject }) => subject },
            { head: 'Reason', cell: ({ reason }) => reason },
            { head: 'Who', cell: ({ who }) => who ?? 'the monitor' },
          ],
          list.toReversed(),
          ({ incidentId, state, atMs }, index) => `${incidentId} ${state} ${atMs} ${index}`,
        ),
  ]);
