import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { apportion, apportionWithFloor } from '../../../datasets/mix/apportion.ts';
import { cellKinds, planMix, type MixCell } from '../../../datasets/mix/mix-plan.ts';
import { rowWeights } from '../../../datasets/mix/row-weights.ts';
import { kishEffectiveSize } from '../../../domain/statistics/kish.ts';

const supplies = fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[a-z]{1,4}$/), available: fc.nat(5_000) }), {
  selector: ({ name }) => name,
  maxLength: 12,
});
const sumOf = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0);

const cell = (source: MixCell['source'], task: string, kind: MixCell['kind'], availableFrames: number): MixCell => ({
  source,
  task,
  kind,
  availableFrames,
});

const anyCells = fc.uniqueArray(
  fc.record({
    source: fc.constantFrom('new' as const, 'history' as const),
    task: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom(...cellKinds),
    availableFrames: fc.nat(3_000),
  }),
  { selector: ({ source, task, kind }) => `${source}/${task}/${kind}` },
);

const key = ({ source, task, kind }: MixCell) => `${source}/${task}/${kind}`;
const planOf = (fresh: number, old: number) => {
  const cells = [cell('new', 'a', 'other', fresh), cell('history', 'a', 'other', old)];
  const { newFrames, historyFrames, shortSide } = planMix({ targetFrames: 1_000, newFraction: 0.3, cells });
  return [newFrames, historyFrames, shortSide];
};

describe('apportioning by largest remainder', () => {
  it('gives the textbook shares', () => {
    // 100,000 votes for 10 seats by the Hare quota: https://en.wikipedia.org/wiki/Largest_remainder_method
    const votes = { yellow: 47_000, white: 16_000, red: 15_900, green: 12_000, blue: 6_000, pink: 3_100 };
    const quotas = apportion(
      10,
      Object.entries(votes).map(([name, available]) => ({ name, available })),
    );
    assert.deepEqual(Object.fromEntries(quotas), { yellow: 5, white: 2, red: 1, green: 1, blue: 1, pink: 0 });
  });

  it('breaks ties by name and takes everything when too much is asked', () => {
    const even = ['z', 'a', 'm'].map((name) => ({ name, available: 1 }));
    assert.deepEqual(Object.fromEntries(apportion(1, even)), { z: 0, a: 1, m: 0 });
    assert.deepEqual(Object.fromEntries(apportion(99, even)), { z: 1, a: 1, m: 1 });
    assert.deepEqual(Object.fromEntries(apportion(5, [])), {});
    assert.deepEqual(Object.fromEntries(apportion(5, [{ name: 'a', available: 0 }])), { a: 0 });
  });

  it('always gives the total or all there is, never more than one has, in any order', () => {
    fc.assert(
      fc.property(supplies, fc.nat(20_000), fc.double({ min: 0, max: 1, noNaN: true }), (all, total, floorFraction) => {
        const supply = sumOf(all.map(({ available }) => available));
        for (const quotas of [apportion(total, all), apportionWithFloor(total, all, floorFraction)]) {
          assert.equal(sumOf(quotas.values()), Math.min(total, supply));
          for (const { name, available } of all) {
            const quota = quotas.get(name) ?? -1;
            assert.ok(Number.isInteger(quota) && quota >= 0 && quota <= available);
          }
        }
        const turned = apportionWithFloor(total, all.toReversed(), floorFraction);
        assert.deepEqual(turned, apportionWithFloor(total, all, floorFraction));
      }),
    );
  });

  it('keeps a floor for the rare', () => {
    const quotas = apportionWithFloor(
      1_000,
      [
        { name: 'rare', available: 150 },
        { name: 'common', available: 1_000_000 },
      ],
      0.5,
    );
    assert.deepEqual(Object.fromEntries(quotas), { rare: 150, common: 850 });
    const proportional = apportion(1_000, [
      { name: 'rare', available: 150 },
      { name: 'common', available: 1_000_000 },
    ]);
    assert.equal(proportional.get('rare'), 0);
  });
});

describe('mix plan', () => {
  it('takes 30 % new and 70 % history when both have enough', () => {
    const plan = planMix({
      targetFrames: 1_000,
      newFraction: 0.3,
      cells: [cell('new', 'a', 'other', 5_000), cell('history', 'a', 'other', 9_000)],
    });
    assert.deepEqual([plan.newFrames, plan.historyFrames, plan.shortSide], [300, 700, undefined]);
  });

  it('fills a short side from the other and says so', () => {
    assert.deepEqual(planOf(100, 9_000), [100, 900, 'new']);
    assert.deepEqual(planOf(9_000, 100), [900, 100, 'history']);
    assert.deepEqual(planOf(50, 20), [50, 20, 'both']);
    assert.deepEqual(planOf(0, 0), [0, 0, 'both']);
  });

  it('takes failures first within a task: what leads, then other failures, then the rest', () => {
    const plan = planMix({
      targetFrames: 100,
      newFraction: 1,
      cells: [cell('new', 'a', 'other', 500), cell('new', 'a', 'failure', 80), cell('new', 'a', 'lead', 10)],
    });
    const quotas = Object.fromEntries(plan.cells.map(({ kind, quotaFrames }) => [kind, quotaFrames]));
    assert.deepEqual(quotas, { lead: 10, failure: 80, other: 10 });
  });

  it('learns chosen tasks only: nothing new of others, and their own history where they have too little that is new', () => {
    const cells = [
      cell('new', 'a', 'other', 100),
      cell('new', 'b', 'lead', 5),
      cell('new', 'b', 'other', 5_000),
      cell('history', 'a', 'failure', 40),
      cell('history', 'a', 'other', 960),
      cell('history', 'b', 'other', 9_000),
    ];
    const plan = planMix({ targetFrames: 1_000, newFraction: 0.3, cells, learnedTasks: ['a'] });
    const quotas = Object.fromEntries(plan.cells.map((each) => [key(each), each.quotaFrames]));
    // 300 are a's: 100 new and 200 of its history; of the other 700 half is shared evenly, half by the 800 and 9,000 that are left.
    assert.deepEqual(quotas, {
      'new/a/other': 100,
      'new/b/lead': 0,
      'new/b/other': 0,
      'history/a/failure': 40,
      'history/a/other': 160 + 175 + 23,
      'history/b/other': 175 + 327,
    });
    assert.deepEqual([plan.newFrames, plan.historyFrames, plan.shortSide], [100, 900, 'new']);
  });

  it('keeps the share of chosen tasks and every bound, whatever there is', () => {
    fc.assert(
      fc.property(
        anyCells,
        fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
        fc.nat(10_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (cells, learnedTasks, targetFrames, newFraction) => {
          const plan = planMix({ targetFrames, newFraction, cells, learnedTasks });
          const isLearned = ({ task }: MixCell) => learnedTasks.includes(task);
          const entering = cells.filter((each) => each.source === 'history' || isLearned(each));
          const total = Math.min(targetFrames, sumOf(entering.map(({ availableFrames }) => availableFrames)));
          assert.equal(sumOf(plan.cells.map(({ quotaFrames }) => quotaFrames)), total);
          assert.equal(plan.newFrames + plan.historyFrames, total);
          assert.deepEqual(plan.cells.map(key).toSorted(), cells.map(key).toSorted());
          for (const { quotaFrames, availableFrames } of plan.cells)
            assert.ok(quotaFrames >= 0 && quotaFrames <= availableFrames);
          const ofOthers = plan.cells.filter((each) => each.source === 'new' && !isLearned(each));
          assert.ok(ofOthers.every(({ quotaFrames }) => quotaFrames === 0));
          const learned = sumOf(plan.cells.filter(isLearned).map(({ quotaFrames }) => quotaFrames));
          const supply = sumOf(cells.filter(isLearned).map(({ availableFrames }) => availableFrames));
          assert.ok(learned >= Math.min(supply, Math.round(targetFrames * newFraction)));
          const all = planMix({ targetFrames, newFraction, cells, learnedTasks: ['a', 'b', 'c'] });
          assert.deepEqual(all, planMix({ targetFrames, newFraction, cells }));
        },
      ),
    );
  });

  it('always reaches the target or takes all there is, and never exceeds a cell', () => {
    fc.assert(
      fc.property(
        anyCells,
        fc.nat(10_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, targetFrames, newFraction) => {
          const plan = planMix({ targetFrames, newFraction, cells: all });
          const supply = sumOf(all.map(({ availableFrames }) => availableFrames));
          assert.equal(plan.newFrames + plan.historyFrames, Math.min(targetFrames, supply));
          assert.equal(sumOf(plan.cells.map(({ quotaFrames }) => quotaFrames)), plan.newFrames + plan.historyFrames);
          for (const { quotaFrames, availableFrames } of plan.cells)
            assert.ok(quotaFrames >= 0 && quotaFrames <= availableFrames);
          const turned = planMix({ targetFrames, newFraction, cells: all.toReversed() });
          const quotas = (of: typeof plan) => Object.fromEntries(of.cells.map((each) => [key(each), each.quotaFrames]));
          assert.deepEqual(quotas(turned), quotas(plan));
        },
      ),
    );
  });
});

describe('row weights', () => {
  const options = { correctionWeight: 10, shareCap: 0.3 };

  it('weighs corrections tenfold while they hold less than the cap', () => {
    const weights = rowWeights({ frames: 1_000, corrections: 10, ...options });
    assert.equal(weights.correction / weights.other, 10);
    assert.equal(weights.correctionShareBeforeCap, 100 / 1_090);
    assert.equal(weights.correctionShareAfterCap, 100 / 1_090);
  });

  it('scales them down to the cap', () => {
    const weights = rowWeights({ frames: 100, corrections: 10, ...options });
    assert.equal(weights.correctionShareBeforeCap, 100 / 190);
    assert.equal(weights.correctionShareAfterCap, 0.3);
    assert.ok(Math.abs(weights.correction - 3) < 1e-12);
    assert.ok(Math.abs(weights.other - 70 / 90) < 1e-12);
  });

  it('has nothing to weigh in an empty set, one without corrections, and one of corrections only', () => {
    assert.equal(rowWeights({ frames: 0, corrections: 0, ...options }).effectiveFrames, 0);
    const none = rowWeights({ frames: 5, corrections: 0, ...options });
    assert.deepEqual([none.other, none.correctionShareAfterCap, none.effectiveFrames], [1, 0, 5]);
    const only = rowWeights({ frames: 5, corrections: 5, ...options });
    assert.deepEqual([only.correction, only.correctionShareAfterCap, only.effectiveFrames], [1, 1, 5]);
  });

  it('weighs doubtful rows a quarter, and takes no larger share away than corrections may hold', () => {
    const few = rowWeights({ frames: 1_000, corrections: 0, doubtful: 100, ...options });
    assert.equal((few.doubtful ?? 0) / few.other, 0.25);
    const many = rowWeights({ frames: 1_000, corrections: 0, doubtful: 800, ...options });
    assert.ok(Math.abs((many.doubtful ?? 0) / many.other - (1 - 0.3 / 0.8)) < 1e-12);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.nat(400), fc.nat(400), (frames, some, more) => {
        const corrections = Math.min(frames, some);
        const doubtful = Math.min(frames - corrections, more);
        const plain = frames - corrections;
        const weights = rowWeights({ frames, corrections, doubtful, ...options });
        const rows = Array.from({ length: frames }, (_, row) =>
          row < corrections
            ? weights.correction
            : row < corrections + doubtful
              ? (weights.doubtful ?? 0)
              : weights.other,
        );
        const total = sumOf(rows);
        assert.ok(Math.abs(total / frames - 1) < 1e-9);
        assert.ok(
          (weights.other - (weights.doubtful ?? 0)) * doubtful <= weights.other * plain * options.shareCap + 1e-9,
        );
        if (plain > 0) assert.ok((corrections * weights.correction) / total <= options.shareCap + 1e-9);
        assert.ok(Math.abs(weights.effectiveFrames - kishEffectiveSize(rows)) < 1e-6 * frames);
      }),
    );
  });

  it('has mean 1, keeps the cap, and agrees with Kish on the rows themselves', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.nat(400),
        fc.double({ min: 0.1, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (frames, some, correctionWeight, shareCap) => {
          const corrections = Math.min(frames, some);
          const weights = rowWeights({ frames, corrections, correctionWeight, shareCap });
          const rows = Array.from({ length: frames }, (_, row) =>
            row < corrections ? weights.correction : weights.other,
          );
          const total = sumOf(rows);
          assert.ok(Math.abs(total / frames - 1) < 1e-9);
          if (corrections < frames) {
            assert.ok((corrections * weights.correction) / total <= Math.max(shareCap, 0) + 1e-9);
            assert.ok(Math.abs(weights.effectiveFrames - kishEffectiveSize(rows)) < 1e-6 * frames);
          }
        },
      ),
    );
  });
});
