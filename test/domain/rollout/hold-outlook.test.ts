import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { holdOutlook, type OutlookPoint } from '../../../domain/rollout/hold-outlook.ts';

const at = (more: Partial<OutlookPoint> = {}): OutlookPoint => ({
  atMs: 1_000_000,
  stage: 1,
  episodes: 100,
  delta: 0,
  lowerBound: -0.04,
  marginFraction: 0.02,
  ...more,
});

describe('what a stage that holds still lacks', () => {
  it('is four times the episodes for half the distance, and at the rate of the stage when that is', () => {
    const before = [at({ atMs: 0, stage: 0, episodes: 1 }), at({ atMs: 500_000, episodes: 50 })];
    assert.deepEqual(holdOutlook([...before, at()]), { kind: 'episodes', moreEpisodes: 300, earliestMs: 4_000_000 });
    // Of one tick no rate follows, and of none nothing.
    assert.deepEqual(holdOutlook([at()]), { kind: 'episodes', moreEpisodes: 300, earliestMs: null });
    assert.deepEqual(holdOutlook([]), { kind: 'unknown' });
  });

  it('is nothing more once the bound is above the limit, and no number of episodes at an effect below it', () => {
    assert.equal(holdOutlook([at({ lowerBound: -0.019 })]).kind, 'proven');
    assert.equal(holdOutlook([at({ delta: -0.02, lowerBound: -0.05 })]).kind, 'effect');
    for (const told of [
      { delta: null },
      { lowerBound: null },
      { marginFraction: null },
      { episodes: null },
      { episodes: 0 },
    ])
      assert.equal(holdOutlook([at(told)]).kind, 'unknown', JSON.stringify(told));
    assert.equal(holdOutlook([at({ delta: -0.04 })]).kind, 'unknown');
  });

  it('shrinks as the bound rises, and is finite whatever a verdict says', () => {
    const fraction = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fraction,
        fraction,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (delta, lowerBound, marginFraction) => {
          const found = holdOutlook([at({ delta, lowerBound, marginFraction })]);
          if (found.kind !== 'episodes') return;
          assert.ok(Number.isFinite(found.moreEpisodes) && found.moreEpisodes >= 0);
          const higher = holdOutlook([
            at({ delta, lowerBound: (lowerBound + Math.min(delta, lowerBound + 1)) / 2, marginFraction }),
          ]);
          if (higher.kind === 'episodes') assert.ok(higher.moreEpisodes <= found.moreEpisodes);
        },
      ),
    );
  });
});
