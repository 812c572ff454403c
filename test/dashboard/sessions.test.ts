import assert from 'node:assert/strict';

import type { SessionsAnswer } from '../../console/answers/sessions.ts';
import { endAct, sessionsSection } from '../../dashboard/pages/sessions.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

const acting = { viewer: { name: 'ada', role: 'viewer' as const }, onAct: () => undefined };
const answerOf = (word: string, more: Partial<SessionsAnswer> = {}): SessionsAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  hasProvider: true,
  items: [
    { sessionId: 'a', name: word, role: word, sinceMs: 1, untilMs: 2, seenMs: null, isThis: true },
    { sessionId: 'b', name: word, role: word, sinceMs: 1, untilMs: 2, seenMs: 3, isThis: false },
  ],
  ...more,
});
const section = (data: SessionsAnswer): string => html(sessionsSection({ reading: got(data), nowMs, acting }));

describe('who is signed in by browser', () => {
  it('looks differently for each state, and tells no provider from nobody who is signed in', () => {
    assertLooks(answerOf('ada'), (reading) => sessionsSection({ reading, nowMs, acting }), /ada, ada \(this browser\)/);
    const none = section(answerOf('', { items: [] }));
    assert.deepEqual(statesOf(none), ['empty']);
    assert.match(none, /No browser that you may see/);
    assert.match(section(answerOf('', { items: [], hasProvider: false })), /There is no identity provider/);
    assertHarmless(section(answerOf(hostile, { damaged: [hostile] })), 4);
  });

  it('says what ending one does, and can be told from this browser', () => {
    const [own, other] = answerOf('bo').items;
    assert.ok(own !== undefined && other !== undefined);
    assert.match(endAct(own).effect, /^You are signed out of this browser/);
    assert.match(endAct(other).effect, /^bo is signed out of that browser/);
    assert.deepEqual([endAct(other).path, endAct(other).why], ['/api/v1/sessions/b/end', null]);
    assert.match(section(answerOf('bo')), /not since then/);
    assert.equal(section(answerOf('bo')).match(/End session<\/button>/g)?.length, 2);
  });
});
