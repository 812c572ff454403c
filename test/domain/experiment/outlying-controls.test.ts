import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { outlyingControls } from '../../../domain/experiment/outlying-controls.ts';
import type { Fold, RobotEvidence } from '../../../domain/statistics/index.ts';

/** What a robot of the fleet did: of `counted` episodes so many succeeded; all had the same past. */
interface Did {
  readonly arm?: 'candidate' | 'control';
  readonly counted: number;
  readonly success: number;
}

// No spread between robots and days: a control's standard error is that of its own episodes, sqrt(0.16 / counted).
const parameters = { mu: 0.8, phi: 1, dayVariance: 0, betweenRobotVariance: 0, preDays: 14 };

function outlying(fleet: readonly Did[]): readonly string[] {
  const robots = fleet.map(({ arm = 'control' }, index): RobotEvidence => ({
    robotId: `r${index}`,
    arm,
    baseline: { episodes: 0, successes: 0 } as RobotEvidence['baseline'],
    blocks: [],
  }));
  const success = { robots: fleet.map(({ counted, success: part }) => ({ counted, total: part * counted })) };
  return outlyingControls(robots, { success, latency: null, spans: [] } as unknown as Fold, parameters);
}

const same = (count: number, success: number, counted = 400): Did[] =>
  Array.from({ length: count }, () => ({ counted, success }));

describe('controls that left their own past while the others did not', () => {
  it('are found by their distance from the other controls, not from the past', () => {
    // All got worse alike, by 30 points: something happens to the fleet, and nobody is left out.
    assert.deepEqual(outlying(same(12, 0.5)), []);
    // One stayed where it was while the others fell: it is the one that lies.
    assert.deepEqual(outlying([...same(11, 0.5), { counted: 400, success: 0.8 }]), ['r11']);
    assert.deepEqual(outlying([{ counted: 400, success: 0.45 }, ...same(11, 0.8)]), ['r0']);
  });

  it('are so from 20 points on, where that is 8 standard errors or more', () => {
    assert.deepEqual(outlying([{ counted: 400, success: 0.6 }, ...same(11, 0.8)]), ['r0']);
    assert.deepEqual(outlying([{ counted: 400, success: 0.601 }, ...same(11, 0.8)]), []);
    // sqrt(0.16 / 64) · 8 = 0.4, and with one episode less it is more.
    assert.deepEqual(outlying([{ counted: 64, success: 0.4 - 1e-9 }, ...same(11, 0.8)]), ['r0']);
    assert.deepEqual(outlying([{ counted: 63, success: 0.4 - 1e-9 }, ...same(11, 0.8)]), []);
  });

  it('need 30 episodes, and two other controls beside them', () => {
    const far = { success: 0 };
    assert.deepEqual(outlying([{ ...far, counted: 30 }, ...same(11, 0.8)]), ['r0']);
    assert.deepEqual(outlying([{ ...far, counted: 29 }, ...same(11, 0.8)]), []);
    assert.deepEqual(outlying([{ ...far, counted: 400 }, ...same(2, 0.8)]), ['r0']);
    assert.deepEqual(outlying([{ ...far, counted: 400 }, ...same(1, 0.8)]), []);
    assert.deepEqual(outlying([{ ...far, counted: 400 }, ...same(2, 0.8, 29)]), []);
  });

  it('are nobody where more than a tenth are so, and one is no fleet', () => {
    const worse = (count: number): Did[] => same(count, 0.3);
    assert.deepEqual(outlying([...worse(2), ...same(18, 0.8)]), ['r0', 'r1']);
    assert.deepEqual(outlying([...worse(2), ...same(17, 0.8)]), []);
    assert.deepEqual(outlying([...worse(1), ...same(3, 0.8)]), ['r0']);
  });

  it('are never candidates, and never depend on how the fleet is ordered', () => {
    const did = fc.record({
      arm: fc.constantFrom('candidate' as const, 'control' as const),
      counted: fc.integer({ min: 0, max: 2_000 }),
      success: fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20),
    });
    fc.assert(
      fc.property(fc.array(did, { maxLength: 30 }), (fleet) => {
        const found = outlying(fleet);
        const at = found.map((id) => Number(id.slice(1)));
        assert.ok(at.every((index) => fleet[index]?.arm === 'control'));
        const backwards = outlying(fleet.toReversed()).map((id) => fleet.length - 1 - Number(id.slice(1)));
        // Of an even number of controls the upper middle one is the median; the order of equals changes nothing.
        assert.deepEqual(
          backwards.toSorted((a, b) => a - b),
          at,
        );
      }),
    );
  });
});
