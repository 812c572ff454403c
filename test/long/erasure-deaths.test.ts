import assert from 'node:assert/strict';

import { dieAndErase } from '../activities/erasure/dying-eraser.ts';

describe('an erasure whose worker dies, at many calls of its ports', () => {
  it('ends as if it never had', async function () {
    this.timeout(30 * 60_000);
    const { deaths } = await dieAndErase(100);
    assert.equal(deaths, 100);
  });
});
