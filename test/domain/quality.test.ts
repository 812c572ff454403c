import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { actionLagFrames } from '../../domain/quality/action-lag.ts';
import { firstAutocorrelation } from '../../domain/quality/autocorrelation.ts';
import { distributionOf, isOutlier } from '../../domain/quality/distribution.ts';
import { logJerk } from '../../domain/quality/jerk.ts';
import { nearestDistances, signatureOf } from '../../domain/quality/near-duplicates.ts';
import type { Signals } from '../../domain/quality/signals.ts';
import { stallFraction } from '../../domain/quality/stall.ts';
import { randomFromSeed } from '../../domain/statistics/index.ts';

const one = (values: readonly number[]): Signals => ({ values: Float32Array.from(values), width: 1 });
const over = (frames: number, value: (t: number) => number): number[] =>
  Array.from({ length: frames }, (_, frame) => value(frame / (frames - 1)));
const readings = fc.array(fc.double({ min: -1, max: 1, noNaN: true }).map(Math.fround), {
  minLength: 8,
  maxLength: 60,
});
const close = (a: number | undefined, b: number | undefined, within = 1e-3): void => {
  assert.ok(a !== undefined && b !== undefined && Math.abs(a - b) <= within, `${a} and ${b}`);
};

describe('the quality of an episode', () => {
  it('counts the steps in which nothing moves', () => {
    assert.equal(stallFraction(one([0, 0, 1, 1]), [1]), 2 / 3);
    assert.equal(stallFraction({ values: Float32Array.of(0, 5, 0, 6, 0, 6), width: 2 }, [1, 10]), 0.5);
    assert.equal(stallFraction(one([0, 0.0005, 0.001]), [1]), 1);
    assert.equal(stallFraction(one([1]), [1]), undefined);
  });

  it('finds the share of stalled steps between 0 and 1, the same backwards', () => {
    fc.assert(
      fc.property(readings, (values) => {
        const share = stallFraction(one(values), [2]) ?? -1;
        assert.ok(share >= 0 && share <= 1);
        assert.equal(stallFraction(one(values.toReversed()), [2]), share);
      }),
    );
  });

  it('gives the smoothest way from rest to rest ln 720, whatever its size, place and frame rate', () => {
    const smoothest = (t: number): number => 10 * t ** 3 - 15 * t ** 4 + 6 * t ** 5;
    close(logJerk(one(over(400, smoothest)), [1]), Math.log(720), 0.05);
    close(logJerk(one(over(200, (t) => 3 + 0.5 * smoothest(t))), [1]), Math.log(720), 0.05);
    const shaking = (t: number): number => smoothest(t) + 0.02 * Math.sin(60 * t);
    assert.ok((logJerk(one(over(400, shaking)), [1]) ?? 0) > 10);
    assert.equal(logJerk(one(over(50, (t) => t / 1000)), [1]), undefined);
    assert.equal(logJerk(one([0, 1, 0]), [1]), undefined);
  });

  it('has the same jerk backwards and turned over', () => {
    fc.assert(
      fc.property(readings, (values) => {
        const jerk = logJerk(one(values), [2]);
        if (jerk === undefined) return;
        assert.ok(jerk >= 0);
        close(logJerk(one(values.toReversed()), [2]), jerk);
        close(logJerk(one(values.map((value) => -value)), [2]), jerk);
      }),
    );
  });

  it('says how much frames are like those before them', () => {
    const random = randomFromSeed('noise');
    const noise = Array.from({ length: 4000 }, () => random() - 0.5);
    close(firstAutocorrelation(one(noise)), 0, 0.05);
    let last = 0;
    close(firstAutocorrelation(one(noise.map((value) => (last = 0.8 * last + value)))), 0.8, 0.05);
    close(firstAutocorrelation(one(over(1000, (t) => Math.sin(6 * t)))), 1, 0.01);
    assert.equal(firstAutocorrelation(one([2, 2, 2])), undefined);
    fc.assert(
      fc.property(readings, fc.double({ min: 0.5, max: 4, noNaN: true }), (values, factor) => {
        const found = firstAutocorrelation(one(values));
        if (found === undefined) return;
        assert.ok(found >= -1 && found <= 1);
        const scaled = firstAutocorrelation(one(values.map((value) => value * factor)));
        if (Math.max(...values) - Math.min(...values) > 0.1) close(scaled, found);
      }),
    );
  });

  it('finds again by how many frames readings follow commands', () => {
    const random = randomFromSeed('commands');
    const command = Array.from({ length: 300 }, () => random());
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.double({ min: 0.1, max: 3, noNaN: true }), (lag, gain) => {
        const reading = command.map((_, frame) => gain * (command[frame - lag] ?? 0.5) + 1);
        assert.equal(actionLagFrames(one(command), one(reading), [{ action: 0, observation: 0 }]), lag);
      }),
      { numRuns: 30 },
    );
    const other = Array.from({ length: 300 }, () => random());
    assert.equal(actionLagFrames(one(command), one(other), [{ action: 0, observation: 0 }]), undefined);
    assert.equal(actionLagFrames(one(command), one(command), []), undefined);
    assert.equal(actionLagFrames(one([1, 2]), one([1, 2]), [{ action: 0, observation: 0 }]), undefined);
  });

  it('finds the nearest other episode as a comparison of all pairs does', () => {
    const signature = fc
      .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
      .map((values) => Float32Array.from(values));
    fc.assert(
      fc.property(fc.array(signature, { maxLength: 25 }), (signatures) => {
        const plain = signatures.map((a, i) =>
          Math.min(
            ...signatures.flatMap((b, j) =>
              i === j ? [] : [a.reduce((sum, value, at) => sum + Math.abs(value - (b[at] ?? 0)), 0) / 4],
            ),
          ),
        );
        for (const [at, distance] of nearestDistances(signatures).entries())
          if (Number.isFinite(distance)) close(distance, plain[at], 1e-5);
          else assert.equal(plain[at], Number.POSITIVE_INFINITY);
      }),
    );
  });

  it('takes a copy for a near-duplicate, and an episode of another length that goes the same way', () => {
    const way = (frames: number) => signatureOf(one(over(frames, (t) => Math.sin(3 * t))), [2]) ?? new Float32Array();
    const [first, longer, other] = nearestDistances([
      way(200),
      way(350),
      signatureOf(one(over(200, (t) => Math.cos(3 * t))), [2]) ?? new Float32Array(),
    ]);
    assert.ok((first ?? 1) < 0.005 && (longer ?? 1) < 0.005 && (other ?? 0) > 0.1, `${first} ${longer} ${other}`);
    assert.equal(signatureOf(one([]), [1]), undefined);
  });
});

describe('the distribution of a measure', () => {
  const values = fc.array(fc.option(fc.double({ min: -5, max: 5, noNaN: true }), { nil: undefined }), {
    maxLength: 60,
  });

  it('counts every value once, in classes and untold', () => {
    fc.assert(
      fc.property(values, (given) => {
        const { episodes, untold, classes, quantiles, low, high } = distributionOf(given, 0.1);
        assert.equal(episodes + untold, given.length);
        assert.equal(
          classes.reduce((sum, one) => sum + one.episodes, 0),
          episodes,
        );
        assert.deepEqual(
          quantiles.map(({ value }) => value),
          quantiles.map(({ value }) => value).toSorted((a, b) => a - b),
        );
        assert.equal(low === null, episodes < 20);
        // At most a quarter of the values lie beyond either quartile.
        assert.ok(given.filter((value) => isOutlier(value, { low, high })).length <= given.length / 2);
      }),
    );
  });

  it('lists what lies far out, and nothing for a trifle', () => {
    const usual = Array.from({ length: 40 }, (_, index) => index / 40);
    const { low, high } = distributionOf([...usual, 4], 0.05);
    assert.ok(isOutlier(4, { low, high }) && !isOutlier(1.2, { low, high }));
    const same = distributionOf([...Array.from({ length: 40 }, () => 0), 0.1], 0.05);
    assert.ok(!isOutlier(0.1, same) && isOutlier(0.2, same));
    assert.deepEqual(distributionOf([undefined], 1), {
      episodes: 0,
      untold: 1,
      quantiles: [],
      classes: [],
      low: null,
      high: null,
    });
  });
});
