import assert from 'node:assert/strict';

import { earliestNow, emptyTrust, trustStateSchema } from '../../../fleet/agent/trust/trust-state.ts';

describe('what a robot trusts before any word', () => {
  const now = { machineBootId: 'one', monotonicMs: 5_000 };

  it('is its anchor alone: no root, no order, and no time without a fresh word yet', () => {
    const state = emptyTrust('anchor', now);
    assert.deepEqual(state, {
      anchor: 'anchor',
      root: null,
      policy: null,
      held: null,
      left: [],
      transfer: null,
      plainSeq: null,
      signed: null,
      unfresh: { forMs: 0, at: now },
    });
    assert.deepEqual(trustStateSchema.parse(JSON.parse(JSON.stringify(state))), state);
  });

  it('says nothing of how late it is', () => {
    assert.equal(earliestNow(emptyTrust('anchor', now), { ...now, monotonicMs: 9_000 }), 0);
  });
});
