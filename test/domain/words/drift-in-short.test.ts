import assert from 'node:assert/strict';

import { driftReason } from '../../../domain/monitoring/drift-reason.ts';
import { sentence } from '../../../domain/monitoring/feature-drift.ts';
import { driftInShort } from '../../../domain/words/plain-reason.ts';

describe('what a look for drift found, in short', () => {
  const found = (feature: string, verdict: 'alarm' | 'warn', distanceP: number): string =>
    sentence({
      feature,
      verdict,
      stabilityIndex: 0.91,
      stabilityP: 0,
      stabilityThreshold: 0.2,
      distance: 0.3,
      distanceP,
      designEffect: 2,
    });

  it('names the readings without their figures, however many there are', () => {
    const reasons = [found('US1', 'alarm', 1e-6), found('front left (m)', 'warn', 0), found('x', 'alarm', 1)];
    assert.equal(
      driftInShort(driftReason(reasons, 500)),
      '3 findings of what robots see against the lake, the worst first: US1; front left (m); x',
    );
    assert.equal(driftInShort(driftReason(reasons.slice(0, 1), 500)), 'what robots see differs from the lake: US1');
    assert.match(driftInShort(driftReason(reasons, 150)), /worst first: US1; 2 more$/);
  });

  it('leaves anything else as it is', () => {
    for (const text of ['', 'the joint test: p 0.001', 'US1 (alarm)']) assert.equal(driftInShort(text), text);
  });
});
