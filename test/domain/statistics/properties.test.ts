import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  benjaminiHochberg,
  confidenceRadius,
  eBenjaminiHochberg,
  groupSequentialBounds,
  holm,
  kishEffectiveSize,
  kolmogorovSmirnov,
  logEvidence,
  maximumMeanDiscrepancy,
  mcnemarExact,
  mixedConfidenceRadius,
  mixedLogEvidence,
  meanDiscrepancyTest,
  newcombeInterval,
  pairedDifferenceLowerBound,
  planExperiment,
  populationStabilityIndex,
  quantileEdges,
  randomFromSeed,
  sampleRatioMismatch,
  shareLogEvidence,
  twoProportionTest,
  wilsonInterval,
} from '../../../domain/statistics/index.ts';

const trials = fc.integer({ min: 1, max: 100_000 });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const counts = fc.tuple(trials, share).map(([n, p]) => ({ n, x: Math.round(n * p) }));
const pValue = fc.double({ min: 0, max: 1, noNaN: true });
const delta = fc.double({ min: -1, max: 1, noNaN: true });
const variance = fc.double({ min: 1e-12, max: 1, noNaN: true });

const radiusAt = (v: number): number => confidenceRadius({ variance: v, tau: 0.02, alpha: 0.01 });

const countTrue = (rejected: readonly boolean[]): number => rejected.filter(Boolean).length;

const shortfallEvidence = (x: number): number => shareLogEvidence({ x, n: 1000, theta0: 0.2, a: 20 });

describe('statistics properties', () => {
  it('intervals contain the estimate and stay in range', () => {
    fc.assert(
      fc.property(counts, counts, fc.double({ min: 0.1, max: 6, noNaN: true }), (one, two, z) => {
        const { low, high } = wilsonInterval({ successes: one.x, trials: one.n, z });
        const p = one.x / one.n;
        assert.ok(low >= 0 && high <= 1 && low <= p + 1e-12 && p - 1e-12 <= high);
        const difference = two.x / two.n - p;
        const newcombe = newcombeInterval({ x1: one.x, n1: one.n, x2: two.x, n2: two.n, z });
        assert.ok(newcombe.low <= difference + 1e-12 && difference - 1e-12 <= newcombe.high);
      }),
    );
  });

  it('says nothing about nothing', () => {
    assert.deepEqual(wilsonInterval({ successes: 0, trials: 0, z: 2 }), { low: 0, high: 1 });
    assert.equal(twoProportionTest({ x1: 0, n1: 0, x2: 0, n2: 0 }).twoSided, 1);
    assert.deepEqual(mcnemarExact({ onlyNew: 0, onlyOld: 0 }), { oneSidedHarm: 1, twoSided: 1 });
    assert.equal(pairedDifferenceLowerBound({ onlyNew: 0, onlyOld: 0, total: 0, confidence: 0.99 }), -1);
    assert.equal(shareLogEvidence({ x: 0, n: 0, theta0: 0.05, a: 20 }), 0);
    assert.equal(sampleRatioMismatch({ treated: 0, total: 0, share: 0.5 }).p, 1);
    assert.equal(kishEffectiveSize([]), 0);
    assert.equal(maximumMeanDiscrepancy({ x: [], y: [] }), 0);
    assert.equal(kolmogorovSmirnov({ x: [], y: [1] }).p, 1);
    assert.deepEqual(holm([], 0.05), { rejected: [], adjusted: [] });
    assert.deepEqual(groupSequentialBounds({ information: [], alpha: 0.005 }), []);
    assert.equal(logEvidence({ delta: 0, variance: 0, tau: 0.05, margin: 0.005 }), 0);
    assert.equal(confidenceRadius({ variance: Number.POSITIVE_INFINITY, tau: 0.02, alpha: 0.01 }), 2);
  });

  it('evidence against the candidate falls as the candidate gets better, and is finite', () => {
    fc.assert(
      fc.property(delta, delta, variance, (one, two, v) => {
        const at = (value: number): number => logEvidence({ delta: value, variance: v, tau: 0.05, margin: 0.005 });
        assert.ok(Number.isFinite(at(one)));
        if (one < two) assert.ok(at(one) >= at(two) - 1e-9);
      }),
    );
  });

  it('the confidence radius grows with the variance', () => {
    fc.assert(
      fc.property(variance, variance, (one, two) => {
        if (one < two) assert.ok(radiusAt(one) <= radiusAt(two));
      }),
    );
  });

  it('the evidence is an e-value: its mean under the null is at most 1', () => {
    const random = randomFromSeed('e-value');
    const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const v = 1e-4;
    const values = Array.from({ length: 20_000 }, () =>
      Math.exp(logEvidence({ delta: -0.005 + Math.sqrt(v) * gaussian(), variance: v, tau: 0.05, margin: 0.005 })),
    );
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(mean < 1.15, `mean ${mean}`);
  });

  it('multiple tests reject no more with smaller levels, and Holm no more than Benjamini–Hochberg', () => {
    fc.assert(
      fc.property(fc.array(pValue, { maxLength: 40 }), (p) => {
        assert.ok(countTrue(holm(p, 0.01).rejected) <= countTrue(holm(p, 0.05).rejected));
        assert.ok(countTrue(holm(p, 0.05).rejected) <= countTrue(benjaminiHochberg(p, 0.05).rejected));
        for (const value of benjaminiHochberg(p, 0.05).adjusted) assert.ok(value >= 0 && value <= 1);
        const e = p.map((value) => 1 / Math.max(value, 1e-12));
        assert.ok(countTrue(eBenjaminiHochberg(e, 0.05).rejected) <= p.length);
      }),
    );
  });

  it('does not let a NaN pass a gate', () => {
    assert.deepEqual(holm([Number.NaN, 0.0001], 0.05).rejected, [false, true]);
    assert.deepEqual(benjaminiHochberg([Number.NaN], 0.05).rejected, [false]);
    assert.deepEqual(eBenjaminiHochberg([Number.NaN], 0.05).rejected, [false]);
  });

  it('group-sequential bounds exceed the fixed-sample bound and stay below the cap', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 12 }),
        fc.double({ min: 0.001, max: 0.1, noNaN: true }),
        (cuts, alpha) => {
          const information = cuts.toSorted((left, right) => left - right).map((cut) => cut / 200);
          for (const bound of groupSequentialBounds({ information, alpha })) assert.ok(bound > 1 && bound <= 8);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('group-sequential bounds keep their level in simulated paths', () => {
    const information = [0.25, 0.5, 0.75, 1];
    const bounds = groupSequentialBounds({ information, alpha: 0.05 });
    const random = randomFromSeed('paths');
    const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    let crossed = 0;
    const paths = 40_000;
    for (let path = 0; path < paths; path += 1) {
      let score = 0;
      let over = false;
      for (const [look, t] of information.entries()) {
        score += gaussian() * Math.sqrt(0.25);
        if (score / Math.sqrt(t) > bounds[look]!) over = true;
      }
      if (over) crossed += 1;
    }
    assert.ok(Math.abs(crossed / paths - 0.05) < 0.004, `crossed ${crossed / paths}`);
  });

  it('refuses what makes no sense, naming it', () => {
    assert.throws(
      () => groupSequentialBounds({ information: [0.5], alpha: 0.5 }),
      /expected alpha in \(0, 0\.5\), got 0\.5/u,
    );
    assert.throws(() => groupSequentialBounds({ information: [0.5, 0.4], alpha: 0.05 }), /information\[1\]/u);
    assert.throws(
      () => pairedDifferenceLowerBound({ onlyNew: 6, onlyOld: 5, total: 10, confidence: 0.99 }),
      /expected 0 ≤ onlyNew \+ onlyOld ≤ total 10/u,
    );
    assert.throws(
      () =>
        planExperiment({
          successFraction: 1,
          rho: 0,
          episodesPerRobotDay: 1,
          treatedRobots: 1,
          controlRobots: 1,
          preDays: 0,
        }),
      /successFraction in \(0, 1\), got 1/u,
    );
  });

  it('the paired bound lies below the difference seen, rises with wins and covers the truth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 2000 }),
        (wins, losses, same) => {
          const total = wins + losses + same;
          if (total === 0) return;
          const bound = pairedDifferenceLowerBound({ onlyNew: wins, onlyOld: losses, total, confidence: 0.99 });
          assert.ok(bound >= -1 && bound <= (wins - losses) / total + 1e-9);
          const clustered = pairedDifferenceLowerBound({
            onlyNew: wins,
            onlyOld: losses,
            total,
            confidence: 0.99,
            designEffect: 3,
          });
          assert.ok(clustered <= bound + 1e-9);
          if (same === 0) return;
          const better = pairedDifferenceLowerBound({ onlyNew: wins + 1, onlyOld: losses, total, confidence: 0.99 });
          assert.ok(better >= bound - 1e-9);
        },
      ),
    );
  });

  it('throughput evidence is finite for any counts and grows with the distance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        share,
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        (n, p, theta0) => {
          assert.ok(Number.isFinite(shareLogEvidence({ x: n * p, n, theta0, a: 20 })));
        },
      ),
    );
    assert.ok(
      shortfallEvidence(100) > shortfallEvidence(150) &&
        shortfallEvidence(150) > shortfallEvidence(200) &&
        shortfallEvidence(300) > shortfallEvidence(200),
    );
  });

  it('edges of bins are quantiles of the sample, between two of its values in proportion', () => {
    assert.deepEqual(quantileEdges([5, 1, 4, 2, 3], 4), [2, 3, 4]);
    assert.deepEqual(quantileEdges([0, 10], 4), [2.5, 5, 7.5]);
    assert.deepEqual(quantileEdges([7, 7, 7], 3), [7, 7]);
    assert.deepEqual(quantileEdges([7], 2), [7]);
  });

  it('a histogram is stable against itself', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 20 }), (bins) => {
        const total = bins.reduce((sum, bin) => sum + bin, 1);
        const fractions = bins.map((bin) => bin / total);
        assert.equal(populationStabilityIndex({ reference: fractions, current: fractions }), 0);
      }),
    );
  });

  it('permuting robots finds no difference between windows of the same robots, and finds a real one', () => {
    const random = randomFromSeed('windows');
    const window = (shift: number, from: number) =>
      Array.from({ length: 12 }, (_, robot) => {
        const level = random();
        return {
          robotId: `robot-${from + robot}`,
          points: Array.from({ length: 20 }, () => [level + 0.2 * random() + shift, random()]),
        };
      });
    const test = (shift: number) =>
      meanDiscrepancyTest({
        reference: window(0, 0),
        current: window(shift, 12),
        permutations: 200,
        maximumPoints: 200,
        random,
      });
    assert.ok(test(0).p > 0.01);
    assert.ok(test(2).p < 0.01);
    const [first] = window(0, 0);
    assert.equal(
      meanDiscrepancyTest({ reference: [first!], current: [first!], permutations: 10, maximumPoints: 50, random }).p,
      1,
    );
  });

  it('a plan without history says why an effect cannot be seen', () => {
    const base = { successFraction: 0.85, rho: 0.02, episodesPerRobotDay: 1000, treatedRobots: 20, controlRobots: 80 };
    const { days } = planExperiment({ ...base, preDays: 0, effect: 0.01 });
    assert.match(
      typeof days === 'object' ? (days?.infeasible ?? '') : '',
      /without history the standard error never falls below 1\.26 pp/u,
    );
    assert.equal(planExperiment({ ...base, rho: 0.005, preDays: 7, effect: 0.01 }).days, 1.75);
  });

  it('a longer test never sees less', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 27 }),
        fc.double({ min: 0, max: 0.1, noNaN: true }),
        fc.integer({ min: 0, max: 28 }),
        (quarters, rho, preDays) => {
          const at = (days: number): number =>
            planExperiment({
              successFraction: 0.85,
              rho,
              episodesPerRobotDay: 500,
              treatedRobots: 10,
              controlRobots: 40,
              preDays,
              days,
            }).standardError;
          assert.ok(at(quarters / 4) >= at((quarters + 1) / 4) - 1e-12);
        },
      ),
    );
  });
});

describe('evidence and radius over several scales', () => {
  const harm = (error: number, delta: number): number =>
    mixedLogEvidence({ delta, variance: error * error, tau: 0.05, margin: 0.005 });

  it('sees four standard errors of harm whatever the error is, and costs little where one scale is enough', () => {
    for (const error of [0.01, 0.02, 0.05, 0.09, 0.13, 0.2])
      assert.ok(harm(error, -4.6 * error - 0.005) > Math.log(200));
    const one = logEvidence({ delta: -0.05, variance: 1e-4, tau: 0.05, margin: 0.005 });
    assert.ok(one - harm(0.01, -0.05) < 0.23);
    assert.ok(Math.abs(mixedLogEvidence({ delta: -0.6, variance: 0.0169, tau: 0.05, margin: 0.005 }) - 6.7588) < 1e-4);
    assert.equal(mixedLogEvidence({ delta: Number.NaN, variance: 1, tau: 0.05, margin: 0 }), 0);
  });

  it('is an e-value: its mean is at most 1 at the margin', () => {
    const random = randomFromSeed('mixture');
    for (const error of [0.005, 0.05, 0.2]) {
      const rounds = 4_000;
      let sum = 0;
      for (let round = 0; round < rounds; round += 1) {
        const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
        sum += Math.exp(harm(error, -0.005 + error * normal));
      }
      assert.ok(sum / rounds < 1.2, `${sum / rounds}`);
    }
  });

  it('bounds within five standard errors up to an error of 20 pp, and within 4 % of one scale where that is small', () => {
    for (const error of [0.01, 0.03, 0.066, 0.13, 0.2])
      assert.ok(mixedConfidenceRadius({ variance: error ** 2, tau: 0.02, alpha: 0.01 }) < 5 * error);
    const few = { variance: 0.0044, tau: 0.02, alpha: 0.01 };
    assert.ok(confidenceRadius(few) > 0.6);
    assert.ok(Math.abs(mixedConfidenceRadius(few) - 0.2694) < 1e-4);
    const many = { variance: 4e-6, tau: 0.02, alpha: 0.01 };
    assert.ok(mixedConfidenceRadius(many) / confidenceRadius(many) < 1.04);
  });
});
