import assert from 'node:assert/strict';

import { driftRows, type JudgedDrift } from '../../../domain/monitoring/drift-rows.ts';
import { defaultDriftLimits } from '../../../domain/monitoring/feature-drift.ts';

const sizes = { samples: { reference: 900, current: 300 }, robots: { reference: 12, current: 10 } };
const feature = (
  name: string,
  verdict: 'none' | 'warn' | 'alarm',
  stabilityIndex: number,
  distance: number,
  stabilityThreshold = 0.05,
): JudgedDrift['features'][number] => ({ feature: name, verdict, stabilityIndex, stabilityThreshold, distance });
const of = (features: JudgedDrift['features'], p = 0.5): JudgedDrift => ({ features, discrepancy: { p }, ...sizes });
const rowsOf = (verdict: JudgedDrift, camera: string | null = null) =>
  driftRows([{ camera, verdict }], defaultDriftLimits).map(({ feature: name, statistic, state }) => [
    name,
    statistic,
    state,
  ]);

describe('figures of a look for drift', () => {
  it('stand with the farthest over its limit first, alarms before what is worth a look', () => {
    const verdict = of([
      feature('left', 'warn', 0.2, 0.02),
      feature('right', 'alarm', 2.5, 0.2),
      feature('speed', 'none', 0.04, 0.03),
      feature('few', 'none', 0.01, 0.35),
    ]);
    assert.deepEqual(rowsOf(verdict), [
      ['right', 'stability', 'alarm'],
      ['right', 'distance', 'alarm'],
      ['left', 'stability', 'warn'],
      ['few', 'distance', 'chance'],
      ['speed', 'distance', 'within'],
      ['left', 'distance', 'within'],
      ['speed', 'stability', 'within'],
      ['few', 'stability', 'within'],
      [null, 'together', 'within'],
    ]);
    const [first] = driftRows([{ camera: 'front', verdict }], defaultDriftLimits);
    assert.deepEqual(first, {
      camera: 'front',
      feature: 'right',
      statistic: 'stability',
      value: 2.5,
      limit: 0.25,
      timesLimit: 10,
      state: 'alarm',
      ...sizes,
    });
  });

  it('are over at their limits, not below, and never below what chance gives', () => {
    const state = (index: number, distance: number, verdict: 'none' | 'warn' | 'alarm', threshold?: number) =>
      Object.fromEntries(
        rowsOf(of([feature('a', verdict, index, distance, threshold)])).map(([, name, said]) => [name, said]),
      );
    assert.deepEqual(state(0.25, 0.0999, 'alarm'), { stability: 'alarm', distance: 'within', together: 'within' });
    assert.deepEqual(state(0.249, 0.1, 'alarm'), { stability: 'warn', distance: 'alarm', together: 'within' });
    assert.deepEqual(state(0.0999, 0.2, 'alarm'), { stability: 'within', distance: 'alarm', together: 'within' });
    // Few robots: an index of 0.3 says nothing where chance gives 0.4.
    assert.deepEqual(state(0.3, 0.01, 'none', 0.4), { stability: 'within', distance: 'within', together: 'within' });
    assert.deepEqual(state(0.3, 0.2, 'none'), { stability: 'chance', distance: 'chance', together: 'within' });
  });

  it('of all features together are an alarm below the limit, even at 0; nothing is told of too few robots', () => {
    assert.deepEqual(rowsOf(of([feature('a', 'none', 0, 0)], 0))[0], [null, 'together', 'alarm']);
    const [together] = driftRows(
      [{ camera: null, verdict: of([feature('a', 'none', 0, 0)], 0.002) }],
      defaultDriftLimits,
    );
    assert.deepEqual([together?.value, together?.limit, together?.timesLimit], [0.002, 0.01, 5]);
    assert.equal(rowsOf(of([feature('a', 'none', 0, 0)], 0.01)).at(0)?.[2], 'within');
    assert.deepEqual(rowsOf(of([], 0)), []);
  });
});
