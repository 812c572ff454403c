import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { cutSpan, utcDay, weeksUntil } from '../../../domain/facts/days.ts';
import { heldAt } from '../../../domain/facts/place.ts';

describe('the days and places of facts', () => {
  it('cut a span at midnights and where it is told, without a gap or an overlap', () => {
    const instants = fc.integer({ min: -400_000_000, max: 400_000_000 });
    fc.assert(
      fc.property(instants, instants, fc.array(instants, { maxLength: 4 }), (startMs, endMs, cuts) => {
        const pieces = cutSpan(startMs, endMs, cuts);
        if (startMs >= endMs) return assert.deepEqual(pieces, []);
        assert.equal(pieces[0]?.startMs, startMs);
        assert.equal(pieces.at(-1)?.endMs, endMs);
        for (const [index, piece] of pieces.entries()) {
          assert.ok(piece.startMs < piece.endMs);
          if (index > 0) assert.equal(piece.startMs, pieces[index - 1]?.endMs);
          assert.equal(utcDay(piece.startMs), utcDay(piece.endMs - 1));
          assert.ok(!cuts.some((cut) => cut > piece.startMs && cut < piece.endMs));
        }
      }),
    );
  });

  it('make weeks from Monday to Monday, the last one around an instant, without a gap', () => {
    // 2026-11-23 was a Monday; 1969-12-29 too.
    for (const [day, monday] of [
      ['2026-11-22T23:59:59.999Z', '2026-11-16'],
      ['2026-11-23T00:00:00Z', '2026-11-23'],
      ['2026-11-29T12:00:00Z', '2026-11-23'],
      ['1969-12-31T12:00:00Z', '1969-12-29'],
    ] as const) {
      const weeks = weeksUntil(Date.parse(day), 3);
      assert.equal(weeks.at(-1)?.from, monday, day);
      for (const [index, { from, to }] of weeks.entries()) {
        assert.equal(Date.parse(to) - Date.parse(from), 7 * 86_400_000);
        assert.equal(to, weeks[index + 1]?.from ?? to);
      }
    }
  });

  it('hold what was last said by then, and of what is older the first word', () => {
    const words = [{ atMs: 10 }, { atMs: 20 }];
    assert.deepEqual(
      [5, 10, 19, 20, 99].map((atMs) => heldAt(words, atMs)?.atMs),
      [10, 10, 10, 20, 20],
    );
    assert.equal(heldAt([], 5), undefined);
  });
});
