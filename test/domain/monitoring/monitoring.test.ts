import assert from 'node:assert/strict';
import {
  judgeAnomalies,
  judgeAutomaticRollback,
  judgeDrift,
  judgeFailureReasons,
  judgeHealth,
  type RobotFailures,
} from '../../../domain/monitoring/index.ts';
import { randomFromSeed, type Random, type RobotPoints } from '../../../domain/statistics/index.ts';
import { evidence, parameters } from '../experiment/fleets.ts';

const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Robots that differ from each other by `spread`, each with samples around its own level. */
function window(
  random: Random,
  options: { from?: number; spread?: number; shift?: number; samples?: number } = {},
): RobotPoints[] {
  const { from = 0, spread = 0.6, shift = 0, samples = 30 } = options;
  return Array.from({ length: 20 }, (_, robot) => {
    const level = spread * normal(random);
    const points = Array.from({ length: samples }, () => [level + normal(random) + shift, normal(random), 1]);
    return { robotId: `robot-${from + robot}`, points };
  });
}
const features = ['front', 'left', 'constant'];

const once = () => {
  const random = randomFromSeed('same');
  return judgeDrift({ features, reference: window(random), current: window(random), random });
};

const failures = (share: number, odd = 0): RobotFailures[] =>
  Array.from({ length: 20 }, (_, robot) => ({
    robotId: `robot-${robot}`,
    episodes: 400,
    reasons: {
      collision: Math.round(400 * share + (robot % 5) - 2),
      stuck: 8 + (robot % 3) + (robot === 0 ? odd : 0),
    },
  }));

const fleet = (crashing: number, robots = 40) => ({
  conditions: Array.from({ length: robots }, (_, index) => ({
    condition: index < crashing ? ('crashLoop' as const) : ('well' as const),
  })),
  hoursSincePromotion: 10,
  alreadyRolledBack: false,
  target: 'previous' as const,
});

describe('drift', () => {
  it('is not seen where only other robots are looked at, though each resembles itself', () => {
    let alarms = 0;
    for (let run = 0; run < 30; run += 1) {
      const random = randomFromSeed(`calm-${run}`);
      const input = {
        features,
        reference: window(random),
        current: window(random, { from: 20 }),
        random,
        limits: { permutations: 99, discrepancyPoints: 200 },
      };
      if (judgeDrift(input).alarm) alarms += 1;
    }
    assert.ok(alarms <= 2, `${alarms} false alarms of 30`);
  });

  it('is seen and named when a feature moves', () => {
    const random = randomFromSeed('moved');
    const verdict = judgeDrift({ features, reference: window(random), current: window(random, { shift: 2 }), random });
    assert.equal(verdict.alarm, true);
    assert.deepEqual(
      verdict.features.map(({ verdict }) => verdict),
      ['alarm', 'none', 'none'],
    );
    assert.match(verdict.reasons[0] ?? '', /^front \(alarm\): PSI \d\.\d+ against \d\.\d+, distance/u);
    assert.deepEqual(
      [verdict.robots, verdict.samples],
      [
        { reference: 20, current: 20 },
        { reference: 600, current: 600 },
      ],
    );
    assert.ok(verdict.features[0]!.designEffect > 3);
  });

  it('is the same verdict for the same seed', () => {
    assert.deepEqual(once(), once());
  });

  it('has nothing to say about fewer than two robots, and leaves broken samples out', () => {
    const random = randomFromSeed('few');
    const [one] = window(random);
    const verdict = judgeDrift({ features, reference: [one!], current: window(random), random });
    assert.equal(verdict.alarm, false);
    assert.match(verdict.reasons[0] ?? '', /1 and 20 robots with samples: at least 2/u);
    const broken = window(random).map(({ robotId, points }) => ({ robotId, points: [...points, [Number.NaN, 0, 0]] }));
    assert.equal(judgeDrift({ features, reference: broken, current: window(random), random }).samples.reference, 600);
  });

  it('refuses a limit it does not know', () => {
    const random = randomFromSeed('limits');
    const input = { features, reference: window(random), current: window(random), random };
    assert.throws(
      () => judgeDrift({ ...input, limits: { psi: 1 } as never }),
      /drift limits refused: psi: expected one of bins/u,
    );
    assert.throws(() => judgeDrift({ ...input, limits: { ksP: -1 } }), /ksP: expected a number above 0, got -1/u);
  });
});

describe('anomalies', () => {
  it('name the robot that does worse than itself while the others do not', () => {
    const robots = evidence({
      candidates: 0,
      hours: 12,
      change: (robot, entry) => (robot === 9 ? { ...entry, successes: Math.min(entry.successes, 2) } : entry),
    });
    const found = judgeAnomalies({ parameters, robots, days: 0.5 });
    assert.deepEqual(
      found.filter(({ anomalous }) => anomalous).map(({ robotId }) => robotId),
      ['robot-09'],
    );
    assert.match(found[9]!.reason, /^-\d+\.\d pp against its own past and the fleet, 576 episodes/u);
  });

  it('name nobody in a calm fleet, nor when everybody has a bad hour', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const robots = evidence({ candidates: 0, seed: `calm-${seed}`, controlSuccess: seed % 2 === 0 ? 0.85 : 0.6 });
      assert.equal(
        judgeAnomalies({ parameters, robots, days: 0.25 }).some(({ anomalous }) => anomalous),
        false,
      );
    }
  });

  it('name a robot by a handful of episodes if they are bad enough', () => {
    const few = evidence({
      candidates: 0,
      hours: 0.5,
      change: (robot, entry) => (robot === 9 ? { ...entry, successes: 0 } : entry),
    });
    assert.equal(
      judgeAnomalies({ parameters, robots: few, days: 1 }).some(({ anomalous }) => anomalous),
      true,
    );
    const once = evidence({
      candidates: 0,
      hours: 0.1,
      change: (robot, entry) =>
        robot === 9 && entry.block === 0 ? { ...entry, successes: entry.episodes - 1 } : entry,
    });
    assert.equal(
      judgeAnomalies({ parameters, robots: once, days: 1 }).some(({ anomalous }) => anomalous),
      false,
    );
  });

  it('names nobody of none or alone', () => {
    assert.deepEqual(judgeAnomalies({ parameters, robots: [], days: 1 }), []);
    const [alone] = evidence({ robots: 1, candidates: 0, controlSuccess: 0 });
    assert.equal(judgeAnomalies({ parameters, robots: [alone!], days: 1 })[0]?.episodes, 0);
  });
});

describe('failure reasons', () => {
  it('name the one that became more frequent on many robots', () => {
    const changes = judgeFailureReasons({ reference: failures(0.03), current: failures(0.06) });
    assert.deepEqual(
      changes.map(({ reason, rising }) => [reason, rising]),
      [
        ['collision', true],
        ['stuck', false],
      ],
    );
    assert.match(changes[0]!.sentence, /collision: 3\.0 % → 6\.0 % of episodes/u);
  });

  it('do not take one robot’s trouble for the fleet’s', () => {
    const changes = judgeFailureReasons({ reference: failures(0.03), current: failures(0.03, 200) });
    assert.equal(
      changes.some(({ rising }) => rising),
      false,
    );
  });

  it('say nothing without robots', () => {
    assert.deepEqual(judgeFailureReasons({ reference: [], current: [] }), []);
    assert.equal(judgeFailureReasons({ reference: [], current: failures(0.5) })[0]?.rising, false);
  });
});

describe('robot health', () => {
  const signs = { robotId: 'robot-1', lastReportAgeMs: 1000, crashAgesMs: [] as number[], safetyEvents: 0 };
  const conditionOf = (change: Partial<typeof signs>, presence: 'known' | 'unknown' = 'known') =>
    judgeHealth({ robots: [{ ...signs, ...change }], presence })[0]?.condition;

  it('tells the well from the silent, the crashing and the unsafe', () => {
    assert.equal(conditionOf({}), 'well');
    assert.equal(conditionOf({ lastReportAgeMs: 300_000 }), 'silent');
    assert.equal(conditionOf({ lastReportAgeMs: 300_000 }, 'unknown'), 'unknown');
    assert.equal(conditionOf({ crashAgesMs: [1, 2, 300_000] }), 'crashLoop');
    assert.equal(conditionOf({ crashAgesMs: [1, 2, 300_001] }), 'well');
    assert.equal(conditionOf({ safetyEvents: 1, crashAgesMs: [1, 2, 3] }), 'unsafe');
  });

  it('lets the fleet be rolled back without a person only in the narrow case', () => {
    assert.equal(judgeAutomaticRollback(fleet(3)).rollback, true);
    assert.equal(judgeAutomaticRollback(fleet(2)).rollback, false);
    assert.equal(judgeAutomaticRollback(fleet(3, 100)).rollback, false);
    assert.equal(judgeAutomaticRollback({ ...fleet(3), hoursSincePromotion: 73 }).rollback, false);
    assert.equal(judgeAutomaticRollback({ ...fleet(3), hoursSincePromotion: Number.NaN }).rollback, false);
    assert.equal(judgeAutomaticRollback({ ...fleet(3), alreadyRolledBack: true }).rollback, false);
    assert.match(judgeAutomaticRollback({ ...fleet(3), target: 'baseline' }).reason, /the baseline needs approval/u);
  });
});
