import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  benjaminiHochberg,
  betaFromMoments,
  betaPosterior,
  betweenRobotVariance,
  confidenceRadius,
  designEffect,
  eBenjaminiHochberg,
  estimateEffect,
  groupSequentialBounds,
  holm,
  kishEffectiveSize,
  kolmogorovCritical,
  kolmogorovSmirnov,
  logEvidence,
  maximumMeanDiscrepancy,
  mcnemarExact,
  newcombeInterval,
  normalCdf,
  normalQuantile,
  planExperiment,
  populationStabilityIndex,
  psiThreshold,
  robotBaseline,
  sampleRatioMismatch,
  sampleSizeNonInferiority,
  sampleSizePerArm,
  shareLogEvidence,
  twoProportionTest,
  wilsonInterval,
  type RobotEvidence,
  type TwoArms,
} from '../../../domain/statistics/index.ts';

interface Vector {
  id: string;
  fn: string;
  input: unknown;
  expected: unknown;
  tol: number;
}

const vectors: Vector[] = JSON.parse(
  readFileSync(new URL('../../fixtures/statistics-vectors.json', import.meta.url), 'utf8'),
);

/** Numbers by name, as the vectors hold them. */
type In<Name extends string> = Record<Name, number>;

/** Each computes, from a vector's input, a value of the same shape as its `expected`. */
const functions: Record<string, (input: never) => unknown> = {
  normalCdf: ({ x }: In<'x'>) => normalCdf(x),
  normalPpf: ({ p }: In<'p'>) => normalQuantile(p),
  wilson: ({ x, n, z }: In<'x' | 'n' | 'z'>) => pair(wilsonInterval({ successes: x, trials: n, z })),
  twoProp: (input: TwoArms) => {
    const test = twoProportionTest(input);
    const [one, two] = [intervalOf(input.x1, input.n1), intervalOf(input.x2, input.n2)];
    return {
      diff: test.difference,
      z_pooled: test.z,
      p_two_sided: test.twoSided,
      p_one_sided_harm: test.oneSidedHarm,
      wald95: pair(test.wald95),
      newcombe95: pair(newcombeInterval({ ...input, z: z95 })),
      wilson_overlap: one.low <= two.high && two.low <= one.high,
    };
  },
  sampleSizeTwoProp: (input: In<'p1' | 'p2' | 'alpha' | 'power'>) => {
    const { unpooled, pooled, unpooledExact, pooledExact } = sampleSizePerArm(input);
    return { unpooled, pooled, unpooled_exact: unpooledExact, pooled_exact: pooledExact };
  },
  sampleSizeNI: (input: In<'p' | 'margin' | 'alpha' | 'power'>) => {
    const { episodes, exact } = sampleSizeNonInferiority(input);
    return { n: episodes, exact };
  },
  designEffect: (input: In<'m' | 'rho'>) => {
    const { factor, effectivePerRobot } = designEffect(input);
    return { deff: factor, nEffPerRobot: effectivePerRobot };
  },
  planSE: (
    input: In<'p' | 'rho' | 'perDay' | 'preDays' | 'days' | 'gT' | 'gC' | 'phi' | 'driftSd' | 'alpha' | 'power'>,
  ) => {
    const plan = planExperiment({
      successFraction: input.p,
      rho: input.rho,
      episodesPerRobotDay: input.perDay,
      preDays: input.preDays,
      days: input.days,
      treatedRobots: input.gT,
      controlRobots: input.gC,
      phi: input.phi,
      dayVariance: input.driftSd ** 2,
      alpha: input.alpha,
      power: input.power,
      looksPerDay: 0,
    });
    return {
      theta: plan.theta,
      se_cuped: plan.standardError,
      se_robot_nopre: plan.standardErrorWithoutHistory,
      se_trial_naive: plan.standardErrorNaive,
      mde: plan.minimumDetectableEffect,
    };
  },
  logEOneSided: ({ delta, V, tau, m }: In<'delta' | 'V' | 'tau' | 'm'>) =>
    logEvidence({ delta, variance: V, tau, margin: m }),
  csRadius: ({ V, tau, alpha }: In<'V' | 'tau' | 'alpha'>) => confidenceRadius({ variance: V, tau, alpha }),
  canaryEngine: (input: CanaryVector) => canaryEngine(input),
  gsBounds: ({ t, alpha }: { t: number[]; alpha: number }) => groupSequentialBounds({ information: t, alpha }),
  gsBoundsEvery4: ({ t, alpha }: { t: number[]; alpha: number }) =>
    groupSequentialBounds({ information: t, alpha }).filter((_, look) => look % 4 === 3),
  bh: ({ p, q }: { p: number[]; q: number }) => ({
    rejected: count(benjaminiHochberg(p, q).rejected),
    bonferroni: p.filter((value) => value <= q / p.length).length,
    holm: count(holm(p, q).rejected),
    adjusted: benjaminiHochberg(p, q).adjusted,
  }),
  eBH: ({ e, alpha }: { e: number[]; alpha: number }) => {
    const { rejected, thresholds } = eBenjaminiHochberg(e, alpha);
    return { rejected: count(rejected), rule: 'largest k with e_(k) >= K/(k*alpha)', thresholds };
  },
  psi: ({ ref, cur }: Record<'ref' | 'cur', number[]>) => populationStabilityIndex({ reference: ref, current: cur }),
  psiThreshold: ({ n, m, B, p }: In<'n' | 'm' | 'B' | 'p'>) => psiThreshold({ n, m, bins: B, p }),
  ks: ({ x, y }: Record<'x' | 'y', number[]>) => ({ D: kolmogorovSmirnov({ x, y }).statistic }),
  ksC: ({ alpha }: In<'alpha'>) => kolmogorovCritical(alpha),
  mmd2: ({ x, y, sigma }: { x: number[]; y: number[]; sigma: number }) =>
    maximumMeanDiscrepancy({ x: x.map((value) => [value]), y: y.map((value) => [value]), sigma }),
  srm: ({ a, b, share }: In<'a' | 'b' | 'share'>) => {
    const { chiSquare, p } = sampleRatioMismatch({ treated: a, total: a + b, share });
    return { chi2: chiSquare, p };
  },
  kish: ({ n, share, weight }: In<'n' | 'share' | 'weight'>) => {
    const weights = Array.from({ length: n }, (_, index) => (index < n * share ? weight : 1));
    const total = weights.reduce((sum, value) => sum + value, 0);
    return { nEff: kishEffectiveSize(weights), massShare: (n * share * weight) / total };
  },
  mcnemar: ({ newWinsOldLoses, oldWinsNewLoses }: In<'newWinsOldLoses' | 'oldWinsNewLoses'>) => {
    const { oneSidedHarm, twoSided } = mcnemarExact({ onlyNew: newWinsOldLoses, onlyOld: oldWinsNewLoses });
    return { p_one_sided_harm: oneSidedHarm, p_two_sided: twoSided };
  },
  shareLogE: (input: In<'x' | 'n' | 'theta0' | 'a'>) => shareLogEvidence(input),
  betaBinomial: (input: In<'a' | 'b' | 'x' | 'n'>) => {
    const { mean, dataWeight, icc } = betaPosterior(input);
    return { mean, shrink: dataWeight, icc };
  },
  betaMoments: (input: In<'mean' | 'icc'>) => {
    const { a, b, standardDeviation } = betaFromMoments(input);
    return { a, b, sd: standardDeviation };
  },
};

const z95 = 1.96;
const intervalOf = (successes: number, trials: number) => wilsonInterval({ successes, trials, z: z95 });
const pair = ({ low, high }: { low: number; high: number }) => [low, high];
const count = (flags: readonly boolean[]) => flags.filter(Boolean).length;

interface CanaryVector extends In<
  'phi' | 'driftSd' | 'preDays' | 'days' | 'tauGuard' | 'tolerance' | 'alphaGuard' | 'tauAdvance' | 'alphaAdvance'
> {
  robots: (In<'xPre' | 'nPre' | 'x' | 'n'> & { arm: 'T' | 'C' })[];
}

function canaryEngine(given: CanaryVector): unknown {
  const days = given.preDays;
  const robots = given.robots.map(({ arm, xPre, nPre, x, n }, index): RobotEvidence => ({
    robotId: `robot-${index}`,
    arm: arm === 'T' ? 'candidate' : 'control',
    baseline: { successes: xPre, episodes: nPre, days },
    blocks: [{ block: 0, successes: x, episodes: n }],
  }));
  const baselines = robots.map(({ baseline }) => baseline);
  const mu =
    baselines.reduce((sum, { successes }) => sum + successes, 0) /
    baselines.reduce((sum, { episodes }) => sum + episodes, 0);
  const known = { mu, phi: given.phi, dayVariance: given.driftSd ** 2 };
  const parameters = {
    ...known,
    betweenRobotVariance: betweenRobotVariance(baselines, known),
    preDays: days,
    ratePhi: 1,
  };
  const { delta, variance } = estimateEffect({ parameters, robots, daysTreated: given.days, form: 'twoArm' });
  const logE = logEvidence({ delta, variance, tau: given.tauGuard, margin: given.tolerance });
  const radius = confidenceRadius({ variance, tau: given.tauAdvance, alpha: given.alphaAdvance });
  const first = robotBaseline(parameters, baselines[0]!);
  return {
    mu,
    sigmaB2: parameters.betweenRobotVariance,
    theta1: first.theta,
    base1: first.base,
    delta,
    V: variance,
    z: delta / Math.sqrt(variance),
    logE,
    rollback: logE >= Math.log(1 / given.alphaGuard),
    lcb: delta - radius,
    ucb: delta + radius,
  };
}

function assertClose(actual: unknown, expected: unknown, tolerance: number, where: string): void {
  if (typeof expected === 'number') {
    assert.ok(
      typeof actual === 'number' && Math.abs(actual - expected) <= tolerance,
      `${where}: expected ${expected}, got ${String(actual)}`,
    );
  } else if (typeof expected === 'object' && expected !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${where}: expected an object, got ${String(actual)}`);
    assert.deepEqual(Object.keys(actual).toSorted(), Object.keys(expected).toSorted(), where);
    for (const [key, value] of Object.entries(expected)) {
      assertClose((actual as Record<string, unknown>)[key], value, tolerance, `${where}.${key}`);
    }
  } else assert.equal(actual, expected, where);
}

describe('statistics reference vectors', () => {
  it('covers every function the vectors name', () => {
    assert.equal(vectors.length, 77);
    assert.deepEqual(Object.keys(functions).toSorted(), [...new Set(vectors.map(({ fn }) => fn))].toSorted());
  });
  for (const { id, fn, input, expected, tol } of vectors) {
    it(id, () => assertClose(functions[fn]!(input as never), expected, tol, id));
  }
});
