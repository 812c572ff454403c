import { h, type ComponentChild } from 'preact';

import type { SessionsAnswer } from '../../console/answers/sessions.ts';
import { actButton, type Acting } from '../act-buttons.ts';
import type { OfferedAct } from '../acts.ts';
import type { Reading } from '../reading.ts';
import { damagedNote, moment, shownOf, stateBox, table } from '../states.ts';

interface SessionsSection {
  readonly reading: Reading<SessionsAnswer>;
  readonly nowMs: number;
  readonly acting: Acting;
}

/** Which browsers are signed in, and the way to end one. */
export const sessionsSection = ({ reading, nowMs, acting }: SessionsSection): ComponentChild =>
  h('section', { 'aria-labelledby': 'sessions' }, [
    h('h2', { id: 'sessions' }, 'Signed in by browser'),
    shownOf(reading, nowMs, 'who is signed in', (data) => [
      damagedNote(data.damaged),
      data.items.length > 0
        ? list(data, acting)
        : stateBox(
            'empty',
            data.hasProvider
              ? 'No browser that you may see is signed in by the identity provider.'
              : 'There is no identity provider, so people have tokens alone: `flywheel operators remove` takes one back.',
          ),
    ]),
  ]);

const list = ({ items }: SessionsAnswer, { onAct }: Acting): ComponentChild =>
  table(
    'Sessions, the newest first; an admin sees all, others their own. People who have a token are not among them.',
    [
      { head: 'Who', cell: ({ name, role, isThis }) => `${name}, ${role}${isThis ? ' (this browser)' : ''}` },
      { head: 'Since', cell: ({ sinceMs }) => moment(sinceMs) },
      { head: 'Last seen', cell: ({ seenMs }) => (seenMs === null ? 'not since then' : moment(seenMs)) },
      { head: 'Until', cell: ({ untilMs }) => moment(untilMs) },
      { head: 'End it', cell: (one) => actButton(endAct(one), onAct, one.sessionId) },
    ],
    items,
    ({ sessionId }) => sessionId,
  );

/** What is shown may be ended: the console lists no others. */
export const endAct = ({ sessionId, name, isThis }: SessionsAnswer['items'][number]): OfferedAct => ({
  label: 'End session',
  effect: `${isThis ? 'You are signed out of this browser' : `${name} is signed out of that browser`}, and whoever has a copy of its cookie. Signing in anew is possible as before.`,
  path: `/api/v1/sessions/${encodeURIComponent(sessionId)}/end`,
  body: {},
  why: null,
});
