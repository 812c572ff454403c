import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { planRungs, rankedTrials, stepsOfRungs, type Rung } from '../../../domain/search/halving.ts';

const request = { trials: 9, reduction: 3, budgetTrainings: 3, maxSteps: 9000, evaluateEverySteps: 50 };

describe('the rungs of a search', () => {
  it('lie as far apart as successive halving says', () => {
    const rungs = planRungs(request);
    assert.deepEqual(rungs, [
      { untilStep: 1000, trials: 9 },
      { untilStep: 3000, trials: 3 },
    ]);
    assert.equal(stepsOfRungs(rungs), 9 * 1000 + 3 * 2000);
    assert.deepEqual(planRungs({ ...request, firstSteps: 120 }), [
      { untilStep: 100, trials: 9 },
      { untilStep: 300, trials: 3 },
    ]);
  });

  it('never cost more than the budget, and never grow in number', () => {
    const wanted = fc.record({
      trials: fc.integer({ min: 2, max: 64 }),
      reduction: fc.integer({ min: 2, max: 8 }),
      budgetTrainings: fc.double({ min: 0.1, max: 64, noNaN: true }),
      maxSteps: fc.integer({ min: 1, max: 1_000_000 }),
      evaluateEverySteps: fc.integer({ min: 1, max: 5000 }),
      firstSteps: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(wanted, (asked) => {
        let rungs;
        try {
          rungs = planRungs(asked);
        } catch (error) {
          return error instanceof RangeError && /whole trainings/.test(error.message);
        }
        assert.ok(stepsOfRungs(rungs) <= asked.budgetTrainings * asked.maxSteps);
        assert.equal(rungs[0]?.trials, asked.trials);
        for (const [at, { untilStep, trials }] of rungs.entries()) {
          assert.equal(untilStep % asked.evaluateEverySteps, 0);
          const next: Rung | undefined = rungs[at + 1];
          assert.equal(next?.trials ?? 1, Math.max(1, Math.floor(trials / asked.reduction)));
          if (next !== undefined) assert.equal(next.untilStep, asked.reduction * untilStep);
        }
        return true;
      }),
    );
  });

  it('are refused with what to do where the budget does not reach, or where nobody knows the steps', () => {
    assert.throws(
      () => planRungs({ ...request, firstSteps: 3000 }),
      /at most 3 whole trainings.*9 trials.*45000 steps/,
    );
    // 15 × 1,800 steps are 3 × 9,000: the whole budget may be used, and no step more.
    assert.equal(stepsOfRungs(planRungs({ ...request, firstSteps: 1800 })), 27_000);
    assert.throws(() => planRungs({ ...request, firstSteps: 1850 }), /27750 steps/);
    assert.throws(() => planRungs({ ...request, evaluateEverySteps: 4000 }), /larger budget/);
    assert.throws(() => planRungs({ ...request, maxSteps: undefined }), /search.firstSteps, or a number/);
    assert.equal(planRungs({ ...request, maxSteps: undefined, firstSteps: 70 })[0]?.untilStep, 50);
  });

  it('rank trials by loss, ties by order, without those that could not be trained', () => {
    const losses = [0.5, null, 0.25, 0.5].map((validationLoss, trial) => ({ trial, validationLoss }));
    assert.deepEqual(rankedTrials(losses.toReversed()), [2, 0, 3]);
    assert.deepEqual(rankedTrials([]), []);
  });
});
