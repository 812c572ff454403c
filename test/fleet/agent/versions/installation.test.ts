import assert from 'node:assert/strict';

import { isSeq } from '../../../../fleet/agent/versions/installation.ts';

describe('the number of an order', () => {
  it('is told to gateways only where it is one of theirs', () => {
    for (const [seq, wanted] of [
      [0, true],
      [7, true],
      [null, false],
      // The registry's champion, before any order.
      [-1, false],
      [1.5, false],
      [Number.NaN, false],
    ] as const)
      assert.equal(isSeq(seq), wanted, String(seq));
  });
});
