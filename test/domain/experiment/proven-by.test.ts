import assert from 'node:assert/strict';

import { provenBy } from '../../../domain/experiment/guard-rules.ts';

describe('what a stage is proven by', () => {
  it('is said without a negative loss', () => {
    assert.equal(provenBy(-0.0126, 0.02), 'at most 1.26 pp worse, 2.00 pp allowed');
    assert.equal(provenBy(0, 0.02), 'at most 0.00 pp worse, 2.00 pp allowed');
    assert.equal(provenBy(0.1175, 0.02), 'at least 11.75 pp better');
  });
});
