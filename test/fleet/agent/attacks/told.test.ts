import assert from 'node:assert/strict';

import { createNews } from '../../../../fleet/agent/trust/told.ts';

describe('what a robot tells of refused orders', () => {
  it('is told once an hour and order, and of invented ones without end ten an hour', () => {
    const isNews = createNews();
    assert.ok(isNews('replayedOrder', 3, 0));
    assert.ok(!isNews('replayedOrder', 3, 3_599_999));
    assert.ok(isNews('forgedOrder', 3, 1));
    assert.ok(isNews('replayedOrder', 3, 3_600_000));
    const told = Array.from({ length: 100_000 }, (_, seq) => isNews('forgedOrder', seq, 10 + seq)).filter(Boolean);
    assert.equal(told.length, 9);
    assert.ok(isNews('forgedOrder', 200_000, 3_600_001 + 100_000));
  });
});
