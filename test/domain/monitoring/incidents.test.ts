import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import {
  acknowledgeIncident,
  advanceIncidents,
  openIncidents,
  type Finding,
  type IncidentBook,
  type IncidentEvent,
} from '../../../domain/monitoring/index.ts';

const silent = (subject: string, reason = 'no report for 6 min'): Finding => ({ cause: 'silent', subject, reason });
const hysteresis = () => ({ openAfterTicks: 2, closeAfterTicks: 3 });

/** Looks one after the other, a minute apart; `u` = nothing could be seen, `+` = found, `-` = not found. */
function looks(signs: string, start: IncidentBook = {}): { book: IncidentBook; events: IncidentEvent[] } {
  let book = start;
  const events: IncidentEvent[] = [];
  for (const [index, sign] of signs.split('').entries()) {
    const step = advanceIncidents(book, {
      findings: sign === '+' ? [silent('r1', `look ${index}`)] : [],
      isKnown: () => sign !== 'u',
      hysteresis,
      nowMs: index * 60_000,
    });
    book = step.book;
    events.push(...step.events);
  }
  return { book, events };
}
const states = (signs: string) => looks(signs).events.map(({ state, atMs }) => `${state}@${atMs / 60_000}`);

describe('incidents', () => {
  it('open after enough looks in a row and close after enough without', () => {
    assert.deepEqual(states('+'), []);
    assert.deepEqual(states('++'), ['opened@1']);
    assert.deepEqual(states('++++++'), ['opened@1']);
    assert.deepEqual(states('++--'), ['opened@1']);
    assert.deepEqual(states('++---'), ['opened@1', 'closed@4']);
  });

  it('do not flap: one look to the contrary starts the count anew', () => {
    assert.deepEqual(states('+-+-+-+-'), []);
    assert.deepEqual(states('++--+--+--+'), ['opened@1']);
  });

  it('neither open nor close on what nobody could see', () => {
    assert.deepEqual(states('+u+'), ['opened@2']);
    assert.deepEqual(states('+uuuu'), []);
    assert.deepEqual(states('++uuuuu'), ['opened@1']);
    assert.deepEqual(states('++--uuu-'), ['opened@1', 'closed@7']);
  });

  it('are one a cause and subject, with the reason as last seen and an id that tells them apart', () => {
    const { book } = looks('++++');
    const [incident, ...others] = openIncidents(book);
    assert.deepEqual(others, []);
    assert.deepEqual(incident, {
      incidentId: 'silent.r1.60000',
      cause: 'silent',
      subject: 'r1',
      openedAtMs: 60_000,
      reason: 'look 3',
      acknowledgedBy: null,
    });
    const twice = advanceIncidents(
      {},
      {
        findings: [
          silent('r1'),
          silent('r1'),
          silent('r2'),
          { cause: 'crashLoop', subject: 'r1', reason: 'fell back' },
        ],
        isKnown: () => true,
        hysteresis: () => ({ openAfterTicks: 1, closeAfterTicks: 1 }),
        nowMs: 5,
      },
    );
    assert.deepEqual(
      twice.events.map(({ incidentId }) => incidentId),
      ['crashLoop.r1.5', 'silent.r1.5', 'silent.r2.5'],
    );
  });

  it('open again under another id', () => {
    const ids = looks('++---++').events.map(({ incidentId, state }) => `${incidentId} ${state}`);
    assert.deepEqual(ids, ['silent.r1.60000 opened', 'silent.r1.60000 closed', 'silent.r1.360000 opened']);
  });

  it('are acknowledged once, stay open, and close as ever', () => {
    const { book } = looks('++');
    const word = { incidentId: 'silent.r1.60000', who: 'ada', reason: 'on my way', nowMs: 9 };
    const seen = acknowledgeIncident(book, word);
    assert.deepEqual(seen.events, [
      {
        cause: 'silent',
        subject: 'r1',
        incidentId: 'silent.r1.60000',
        state: 'acknowledged',
        atMs: 9,
        reason: 'on my way',
        who: 'ada',
      },
    ]);
    assert.equal(openIncidents(seen.book)[0]?.acknowledgedBy, 'ada');
    assert.deepEqual(acknowledgeIncident(seen.book, { ...word, who: 'bob' }), { book: seen.book, events: [] });
    assert.deepEqual(acknowledgeIncident(book, { ...word, incidentId: 'silent.r9.1' }), { book, events: [] });
    assert.deepEqual(
      looks('---', seen.book).events.map(({ state }) => state),
      ['closed'],
    );
  });

  it('opened and closed alternate, whatever is seen', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('+', '-', 'u'), { maxLength: 60 }), (signs) => {
        const { events, book } = looks(signs.join(''));
        events.forEach(({ state }, index) => assert.equal(state, index % 2 === 0 ? 'opened' : 'closed'));
        assert.equal(openIncidents(book).length, events.length % 2);
        const found = signs.filter((sign) => sign === '+').length;
        assert.ok(events.length <= found, 'no more changes than findings');
      }),
    );
  });
});
