import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { driftReason } from '../../../domain/monitoring/drift-reason.ts';

describe('the reason of a drift', () => {
  it('says how many findings there are, the worst first, and breaks off between them', () => {
    const reasons = ['US14 (alarm): PSI 3.1', 'US13 (alarm): PSI 0.3', 'US9 (warn): PSI 0.1'];
    assert.match(driftReason(reasons, 300), /^3 findings .* first: US14 .*; US13 .*; US9 \(warn\): PSI 0\.1$/);
    assert.match(driftReason(reasons, 105), /^3 findings .* first: US14 \(alarm\): PSI 3\.1; 2 more$/);
    assert.match(driftReason(reasons.slice(0, 1), 300), /^what robots see differs from the lake: US14/);
    assert.equal(driftReason([], 300), '');
  });

  it('is never longer than it may be, and never names less than the worst', () => {
    const reason = fc.string({ minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        fc.array(reason, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 100, max: 400 }),
        (some, longest) => {
          const text = driftReason(some, longest);
          assert.ok(text.length <= longest);
          assert.ok(text.includes((some[0] ?? '').slice(0, 10)));
        },
      ),
    );
  });
});
