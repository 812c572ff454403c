import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { planEmbeddedHalving, planOwnHalving } from '../../policies/halving-search.ts';
import { drawTrials, searchRequestSchema } from '../../policies/search-space.ts';

const request = searchRequestSchema.parse({});
const rows = { seed: 1, trainRows: 1000, sees: false };

describe('the trials of a search', () => {
  it('are drawn within what is given, each once, by the seed and the name alone', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 1000 }))
      .map(([from, more]) => ({ from, to: from + more }));
    fc.assert(
      fc.property(
        range,
        fc.constantFrom('linear', 'log'),
        fc.boolean(),
        fc.nat(),
        ({ from, to }, scale, whole, seed) => {
          const settings = { a: { from, to, scale, whole }, b: { oneOf: ['x', 'y', 'z'] }, c: 7 };
          const trials = drawTrials(settings, {}, 12, seed);
          assert.deepEqual(drawTrials({ b: settings.b, c: 7, a: settings.a }, {}, 12, seed).length, trials.length);
          assert.equal(new Set(trials.map(({ summary }) => summary)).size, trials.length);
          for (const { settings: drawn } of trials) {
            const { a, b, c } = drawn as { a: number; b: string; c: number };
            assert.ok(a >= from && a <= to && (!whole || Number.isInteger(a)), `${a}`);
            assert.ok('xyz'.includes(b) && c === 7);
          }
        },
      ),
      { numRuns: 50 },
    );
    const settings = { a: { from: 0.001, to: 0.1, scale: 'log' } };
    assert.deepEqual(drawTrials(settings, {}, 5, 3), drawTrials(settings, {}, 5, 3));
    assert.notDeepEqual(drawTrials(settings, {}, 5, 3), drawTrials(settings, {}, 5, 4));
    assert.deepEqual(drawTrials(settings, {}, 3, 3), drawTrials(settings, {}, 5, 3).slice(0, 3));
  });

  it('are no more than there are', () => {
    assert.equal(drawTrials({ a: { oneOf: [1, 2] }, b: { oneOf: [1, 2] } }, {}, 64, 1).length, 4);
    assert.throws(() => drawTrials({ a: { oneOf: [1, 1] } }, {}, 9, 1), /two trials can differ/);
  });

  it('vary rate, decay and widths of the embedded trainer where nothing is given, itself first', () => {
    const { trials, rungs } = planEmbeddedHalving({ batchSize: 32 }, request, rows);
    assert.equal(trials.length, 9);
    assert.deepEqual(trials[0], { summary: 'as given', settings: { batchSize: 32 } });
    assert.ok(trials.every(({ settings }) => settings['batchSize'] === 32));
    assert.deepEqual(rungs, [
      { untilStep: 850, trials: 9 },
      { untilStep: 2550, trials: 3 },
    ]);
    const own = planOwnHalving({ learningRate: 0.01, maxSteps: 900 }, request, 1);
    assert.deepEqual([own.trials.length, own.rungs[0]?.untilStep], [9, 100]);
  });

  it('are refused where they make no sense, with the name of the setting', () => {
    for (const [settings, text] of [
      [{ maxSteps: { oneOf: [100, 200] } }, /maxSteps: expected one value for all trials/],
      [{ learningRate: { from: 0.1, to: 0.01 } }, /learningRate: .*from < to/],
      [{ learningRate: { from: 0, to: 1, scale: 'log' } }, /from > 0/],
      [{ learningRate: { oneOf: [] } }, /learningRate: oneOf/],
      [{ learningRate: { from: 0.1, to: 0.2, step: 3 } }, /learningRate: .*step/],
      [{ batchSize: { from: 0.5, to: 4, whole: true } }, /whole ends/],
      [{ learningRate: { oneOf: [0.1, 7] } }, /trial with learningRate 7: learningRate/],
      [{ depth: { oneOf: [1, 2] } }, /depth/],
    ] as const)
      assert.throws(() => planEmbeddedHalving(settings, request, rows), text);
    assert.throws(() => planOwnHalving({ rate: 3 }, request, 1), /expected settings to search over/);
    assert.throws(() => planOwnHalving({ learningRate: 0.1 }, request, 1), /search.firstSteps, or a number/);
  });
});
