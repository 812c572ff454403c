import assert from 'node:assert/strict';

import { freezeEnd, whyFrozen } from '../../../domain/trial/freeze.ts';

const nowMs = Date.UTC(2026, 10, 27, 12);

describe('a freeze', () => {
  it('ends at the start of a UTC day, or at a UTC time, that is to come and not more than 366 days away', () => {
    assert.equal(freezeEnd('2026-12-24', nowMs), Date.UTC(2026, 11, 24));
    assert.equal(freezeEnd('2026-11-27T12:01Z', nowMs), nowMs + 60_000);
    assert.equal(freezeEnd('2027-11-28', nowMs), Date.UTC(2027, 10, 28));
    for (const text of [
      '',
      'soon',
      '2026-11-27',
      '2026-11-27T12:00Z',
      '2027-11-29',
      '2026-12-24T18:00',
      '2026-12-24 18:00Z',
      '2027-02-29',
      '2026-13-01',
      '2026-12-32',
      '2026-12-24T25:00Z',
      '+020026-12-24',
      '1766534400000',
    ])
      assert.equal(freezeEnd(text, nowMs), undefined, text);
  });

  it('says until when, by whom and why; what is not known counts as frozen', () => {
    const said = { who: 'ada', why: 'holidays', atMs: nowMs };
    assert.equal(whyFrozen({ kind: 'none' }), undefined);
    assert.equal(
      whyFrozen({ kind: 'frozen', untilMs: nowMs, ...said }),
      'frozen until 2026-11-27T12:00:00.000Z by ada: holidays',
    );
    assert.match(whyFrozen({ kind: 'unreadable', reason: 'torn' }) ?? '', /not known: torn/);
  });
});
