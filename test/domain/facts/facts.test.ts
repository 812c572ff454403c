import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { cutSpan, utcDay } from '../../../domain/facts/days.ts';
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

  it('hold what was last said by then, and of what is older the first word', () => {
    const words = [{ atMs: 10 }, { atMs: 20 }];
    assert.deepEqual(
      [5, 10, 19, 20, 99].map((atMs) => heldAt(words, atMs)?.atMs),
      [10, 10, 10, 20, 20],
    );
    assert.equal(heldAt([], 5), undefined);
  });
});
