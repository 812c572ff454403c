import assert from 'node:assert/strict';

import { armExpert, armJoints, fastestJoint, toolAt } from '../../bench/defaults/arm.ts';
import { rankCandidates, timeBound, type CandidateResult } from '../../bench/defaults/ranking.ts';
import { partedSet } from '../../bench/defaults/rows.ts';
import { armSet, armType, sorterSet } from '../../bench/defaults/sets.ts';
import { largeCandidates, smallCandidates } from '../../bench/defaults/settings.ts';
import { defaultTraining } from '../../policies/specification.ts';

const result = (name: string, scores: readonly number[], seconds: number): CandidateResult => ({
  name,
  sets: scores.map((score, index) => ({ set: `s${index}`, score, agreementFraction: score, loss: 0, seconds })),
});

describe('the choice of defaults', () => {
  it('is the least mean rank within the time bound, ties by less time', () => {
    const ranked = rankCandidates([
      result('first', [0.5, 0.5], 1),
      result('good on one', [0.9, 0.1], 1),
      result('good on both', [0.8, 0.8], timeBound),
      result('as good, slower', [0.8, 0.8], timeBound + 0.01),
    ]);
    assert.deepEqual(
      ranked.map(({ name, meanRank, isTooSlow }) => [name, meanRank, isTooSlow]),
      [
        ['good on both', 2, false],
        ['good on one', 2.5, false],
        ['first', 3.5, false],
        ['as good, slower', 2, true],
      ],
    );
    const tied = rankCandidates([result('a', [0.5], 2), result('b', [0.5], 1)]);
    assert.deepEqual(
      tied.map(({ name, meanRank }) => [name, meanRank]),
      [
        ['b', 1.5],
        ['a', 1.5],
      ],
    );
  });

  it('is one of the ways that were compared', () => {
    const { specification, hyperparameters } = defaultTraining(10_000);
    const settings = { ...specification, ...hyperparameters };
    assert.ok(
      smallCandidates.some(
        (candidate) => JSON.stringify(sorted(candidate.settings)) === JSON.stringify(sorted(settings)),
      ),
    );
    const large = defaultTraining(52_000);
    const { learningRate, weightDecay, batchSize, patienceEvaluations, maxSteps } = large.hyperparameters;
    assert.ok(
      largeCandidates.some(({ settings: one }) =>
        [
          one.learningRate === learningRate,
          one.weightDecay === weightDecay,
          one.batchSize === batchSize,
          one.patienceEvaluations === patienceEvaluations,
          one.maxSteps === maxSteps,
          String(one.hiddenWidths) === String(large.specification.hiddenWidths),
        ].every(Boolean),
      ),
    );
  });

  const sorted = (object: object) =>
    Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
});

describe('the sets of the comparison', () => {
  it('share no episode between learning, validation and held-out, and are the same each time', () => {
    const episodes = Array.from({ length: 24 }, (_, number) => [{ observation: [number], task: 0, label: 0 }]);
    const { train, validation, heldout } = partedSet('x', armType, episodes, 2);
    const all = [train, validation, heldout].flatMap(({ observation }) => Array.from(observation));
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      Array.from({ length: 24 }, (_, number) => number),
    );
    assert.deepEqual([train.rows, validation.rows, heldout.rows], [16, 4, 4]);
    assert.deepEqual(armSet('arm', 400, 1), armSet('arm', 400, 1));
    const labels = Array.from(sorterSet('sorter', 9000, 1).train.label);
    for (const action of [0, 1, 2, 3]) assert.ok(labels.includes(action));
    assert.ok(labels.filter((label) => label === 3).length < 0.05 * labels.length);
  });

  it('have an arm whose expert reaches for its target, within its speed', () => {
    const angles = Float32Array.from({ length: armJoints }, (_, joint) => 0.3 * joint - 0.5);
    const target = toolAt(Float32Array.from({ length: armJoints }, (_, joint) => 0.4 - 0.2 * joint));
    const distance = (): number => Math.hypot(...toolAt(angles).map((value, axis) => value - target[axis]!));
    const before = distance();
    for (let step = 0; step < 60; step += 1) {
      const velocity = armExpert(angles, target);
      assert.ok(velocity.every((value) => Math.abs(value) <= fastestJoint));
      velocity.forEach((value, joint) => (angles[joint] = angles[joint]! + value / 10));
    }
    assert.ok(before > 0.1 && distance() < 0.02, `${before} → ${distance()}`);
    // Stretched out, the arm reaches as far as its links are long.
    assert.ok(Math.abs(toolAt(new Float32Array(armJoints))[0] + 0.24365 + 0.21325) < 1e-6);
  });
});
