import assert from 'node:assert/strict';

import { scitosG5RoomsType } from '../../datasets/built-in-robot-types.ts';
import { splitOf } from '../../datasets/split.ts';
import { episodesOfEach, knownFamilies } from '../../demo/experience.ts';

const fleet = Array.from({ length: 30 }, (_, index) => `sim-${String(index + 1).padStart(3, '0')}`);
const dayMs = 86_400_000;

describe('what the robots of the demonstration drive before the first cycle', () => {
  it('is enough to judge every task by, on every day on which any two robots are held out', () => {
    const counts = new Set<number>();
    for (let day = 0; day < 365; day += 1) {
      const nowMs = Date.UTC(2026, 10, 28, 12) + day * dayMs;
      const recordedOn = new Date(nowMs).toISOString().slice(0, 10);
      const isHeldOut = (robotId: string): boolean =>
        splitOf({ robotId, recordedOn, startedAtUs: nowMs * 1_000 }, scitosG5RoomsType.split) === 'heldout';
      const heldOut = fleet.filter(isHeldOut).length;
      const each = episodesOfEach(fleet, scitosG5RoomsType, nowMs);
      assert.ok(each >= 40 && each <= 240, `${each}`);
      if (heldOut >= 2)
        assert.ok((each * heldOut) / knownFamilies.length >= 33, `${recordedOn}: ${each} of ${heldOut}`);
      counts.add(heldOut);
    }
    // Days with few and with many occur: what holds for all of them is no accident.
    assert.ok(Math.min(...counts) <= 3 && Math.max(...counts) >= 9, [...counts].join(' '));
  });

  it('has an end where no robot is held out', () => {
    assert.equal(episodesOfEach([], scitosG5RoomsType, Date.UTC(2026, 10, 28)), 240);
  });
});
