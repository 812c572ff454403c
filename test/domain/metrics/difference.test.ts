import assert from 'node:assert/strict';

import { differenceOf } from '../../../domain/metrics/index.ts';
import { plainFraction } from '../../../domain/metrics/metric.ts';
import { newcombeInterval } from '../../../domain/statistics/proportions.ts';

describe('the difference of two success fractions', () => {
  it('has Newcombe’s interval where the arms have Wilson’s', () => {
    for (const [x1, n1, x2, n2] of [
      [97, 290, 297, 300],
      [0, 10, 10, 10],
      [5, 9, 3, 80],
    ] as const) {
      const difference = differenceOf(plainFraction(x1, n1, 'none'), plainFraction(x2, n2, 'none'));
      const expected = newcombeInterval({ x1, n1, x2, n2, z: 1.959_963_984_540_054 });
      assert.ok(difference.kind === 'value');
      assert.deepEqual([difference.value, difference.n], [x2 / n2 - x1 / n1, Math.min(n1, n2)]);
      assert.ok(Math.abs((difference.low ?? 2) - expected.low) < 1e-12);
      assert.ok(Math.abs((difference.high ?? 2) - expected.high) < 1e-12);
    }
  });

  it('is not known where an arm has no data or no interval', () => {
    const [none, some] = [plainFraction(0, 0, 'none'), plainFraction(3, 4, 'none')];
    const whole = { kind: 'value' as const, value: 1, n: 2, low: null, high: null };
    for (const [a, b] of [
      [none, some],
      [some, none],
      [some, whole],
      [whole, some],
    ] as const)
      assert.equal(differenceOf(a, b).kind, 'noData');
  });
});
