import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  baselineOf,
  betweenRobotVariance,
  centreHistory,
  estimateEffect,
  estimateFleetParameters,
  foldBlocks,
  randomFromSeed,
  type Block,
  type FleetParameters,
  type RobotEvidence,
  type RobotHistory,
} from '../../../domain/statistics/index.ts';

const parameters: FleetParameters = {
  mu: 0.85,
  phi: 1.2,
  dayVariance: 1e-5,
  betweenRobotVariance: 4e-4,
  preDays: 7,
  ratePhi: 1,
};

const block: fc.Arbitrary<Block> = fc
  .record({
    block: fc.integer({ min: 0, max: 20 }),
    episodes: fc.integer({ min: 0, max: 40 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ block, episodes, share }) => ({ block, episodes, successes: Math.round(episodes * share) }));
const robot = (arm: RobotEvidence['arm'], robotId: string): fc.Arbitrary<RobotEvidence> =>
  fc
    .record({
      blocks: fc.array(block, { maxLength: 15 }),
      episodes: fc.integer({ min: 0, max: 9000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ blocks, episodes, share }) => ({
      robotId,
      arm,
      baseline: { successes: episodes * share, episodes, days: episodes === 0 ? 0 : 7 },
      blocks,
    }));
const fleet = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 5 }))
  .chain(([candidates, controls]) =>
    fc.tuple(
      ...Array.from({ length: candidates }, (_, index) => robot('candidate', `candidate-${index}`)),
      ...Array.from({ length: controls }, (_, index) => robot('control', `control-${index}`)),
    ),
  );
const forms = ['blocks', 'twoArm'] as const;
const effectOf = (robots: readonly RobotEvidence[], form: 'blocks' | 'twoArm' = 'blocks') =>
  estimateEffect({ parameters, robots, daysTreated: 2, blocksPerDay: 288, form });

const near = (left: number, right: number): void =>
  assert.ok(Math.abs(left - right) <= 1e-9, `${left} is not ${right} to 1e-9`);

const shockedRobot = (arm: RobotEvidence['arm'], robotId: string, shocked: number): RobotEvidence => ({
  robotId,
  arm,
  baseline: { successes: 5950, episodes: 7000, days: 7 },
  blocks: [
    { block: 0, successes: 85, episodes: 100 },
    { block: 1, successes: 85 - shocked, episodes: 100 },
  ],
});

const oddBlock = (entry: Block): RobotEvidence[] => [
  { robotId: 'r1', arm: 'candidate', baseline: { successes: 0, episodes: 0, days: 0 }, blocks: [entry] },
];

const threeDays = (shift: number) =>
  [0, 1, 2].map((day) => ({
    day,
    hour: 0,
    policyVersion: day === 0 ? '1.0.0' : '1.1.0',
    successes: [60, 80, 40][day]! + shift,
    episodes: 100,
  }));
const robots = [-5, -2, 0, 1, 2, 4].map((shift, index) => ({ robotId: `robot-${index}`, cells: threeDays(shift) }));

const slow = (robotId: string, treated: boolean, log: number) => ({
  robotId,
  treated,
  base: 0.85,
  blocks: [{ block: 0, successes: 9, episodes: 10, latencyLogSum: 10 * log, latencyLogSquares: 10 * log * log }],
});

describe('robot-level effect', () => {
  it('is finite for any robots, none and one included', () => {
    fc.assert(
      fc.property(fleet, (robots) => {
        for (const form of forms) {
          const { perRobot, ...effect } = effectOf(robots, form);
          for (const value of Object.values(effect)) assert.ok(Number.isFinite(value), JSON.stringify(effect));
          assert.ok(effect.variance > 0);
          for (const { residual, variance } of perRobot) assert.ok(Number.isFinite(residual) && variance > 0);
        }
      }),
    );
    assert.deepEqual([effectOf([]).delta, effectOf([]).variance], [0, 1]);
  });

  it('does not depend on the order of robots and blocks, nor on how a block is split', () => {
    fc.assert(
      fc.property(fleet, (robots) => {
        const split = robots.toReversed().map((own) => ({
          ...own,
          blocks: own.blocks.toReversed().flatMap((entry) => {
            const [x, n] = [Math.floor(entry.successes / 2), Math.floor(entry.episodes / 2)];
            return [
              { ...entry, successes: x, episodes: n },
              { ...entry, successes: entry.successes - x, episodes: entry.episodes - n },
            ];
          }),
        }));
        for (const form of forms) {
          const [one, two] = [effectOf(robots, form), effectOf(split, form)];
          near(one.delta, two.delta);
          near(one.variance, two.variance);
        }
      }),
    );
  });

  it('does not rise when the candidate fails more', () => {
    fc.assert(
      fc.property(fleet, (robots) => {
        const failing = robots.map((own) =>
          own.arm === 'candidate' ? { ...own, blocks: own.blocks.map((entry) => ({ ...entry, successes: 0 })) } : own,
        );
        for (const form of forms) assert.ok(effectOf(failing, form).delta <= effectOf(robots, form).delta + 1e-12);
      }),
    );
  });

  it('turns its sign when the arms change places in the two-arm form', () => {
    fc.assert(
      fc.property(fleet, (robots) => {
        const exchanged = robots.map((own): RobotEvidence => ({
          ...own,
          arm: own.arm === 'candidate' ? 'control' : 'candidate',
        }));
        const [one, two] = [effectOf(robots, 'twoArm'), effectOf(exchanged, 'twoArm')];
        near(one.delta, -two.delta);
        near(one.variance, two.variance);
      }),
    );
  });

  it('is surer with ten times the episodes of the same shares, and no different', () => {
    fc.assert(
      fc.property(fleet, (robots) => {
        const scaled = robots.map((own) => ({
          ...own,
          blocks: own.blocks.map((entry) => ({
            ...entry,
            successes: 10 * entry.successes,
            episodes: 10 * entry.episodes,
          })),
        }));
        for (const form of forms) assert.ok(effectOf(scaled, form).variance <= effectOf(robots, form).variance + 1e-12);
      }),
    );
  });

  it('does not change what it is given', () => {
    const robots: readonly RobotEvidence[] = [
      Object.freeze({
        robotId: 'a',
        arm: 'candidate',
        baseline: Object.freeze({ successes: 8, episodes: 10, days: 1 }),
        blocks: Object.freeze([Object.freeze({ block: 0, successes: 1, episodes: 2 })]),
      }),
      Object.freeze({
        robotId: 'b',
        arm: 'control',
        baseline: Object.freeze({ successes: 8, episodes: 10, days: 1 }),
        blocks: Object.freeze([Object.freeze({ block: 0, successes: 2, episodes: 2 })]),
      }),
    ];
    assert.deepEqual(effectOf(Object.freeze(robots)), effectOf(robots));
  });

  it('cancels a shock that hits both arms in the same block', () => {
    const robots = [
      shockedRobot('candidate', 'a', 30),
      shockedRobot('control', 'b', 30),
      shockedRobot('control', 'c', 30),
    ];
    near(effectOf(robots).delta, 0);
  });

  it('leaves out and counts blocks without control episodes', () => {
    const robots: RobotEvidence[] = [
      {
        robotId: 'a',
        arm: 'candidate',
        baseline: { successes: 85, episodes: 100, days: 1 },
        blocks: [
          { block: 0, successes: 8, episodes: 10 },
          { block: 1, successes: 0, episodes: 10 },
        ],
      },
      {
        robotId: 'b',
        arm: 'control',
        baseline: { successes: 85, episodes: 100, days: 1 },
        blocks: [{ block: 0, successes: 8, episodes: 10 }],
      },
    ];
    const effect = effectOf(robots);
    assert.equal(effect.droppedBlocks, 1);
    assert.equal(effect.treatedEpisodes, 10);
    near(effect.delta, 0);
  });

  it('reads late outcomes in their own block', () => {
    const early: RobotEvidence = {
      robotId: 'a',
      arm: 'candidate',
      baseline: { successes: 85, episodes: 100, days: 1 },
      blocks: [{ block: 5, successes: 8, episodes: 10 }],
    };
    const control: RobotEvidence = {
      robotId: 'b',
      arm: 'control',
      baseline: { successes: 85, episodes: 100, days: 1 },
      blocks: [
        { block: 2, successes: 5, episodes: 10 },
        { block: 5, successes: 9, episodes: 10 },
      ],
    };
    const late = { ...early, blocks: [...early.blocks, { block: 2, successes: 5, episodes: 10 }] };
    const inOrder = { ...early, blocks: [{ block: 2, successes: 5, episodes: 10 }, ...early.blocks] };
    assert.deepEqual(effectOf([late, control]), effectOf([inOrder, control]));
  });

  it('folds log latency around no baseline, slower being lower', () => {
    const { latency } = foldBlocks([slow('a', true, 3.5), slow('b', false, 3), slow('c', false, 3)]);
    near((latency?.robots[0]?.excess ?? 0) / 10, -0.5);
    near((latency?.robots[0]?.total ?? 0) / 10, -3.5);
  });

  it('refuses a block index or counts that make no sense, saying where', () => {
    assert.throws(
      () => effectOf(oddBlock({ block: 1.5, successes: 1, episodes: 1 })),
      /whole number.*\[robot=r1, block=1\.5\]/u,
    );
    assert.throws(() => effectOf(oddBlock({ block: 1, successes: 1, episodes: -1 })), /episodes ≥ 0, got 1 of -1/u);
    assert.throws(() => effectOf(oddBlock({ block: 1, successes: Number.NaN, episodes: 1 })), /got NaN of 1/u);
  });

  it('uses every robot’s own past: a robot that was always worse is not evidence', () => {
    const robots = ['a', 'b', 'c', 'd'].map((robotId, index): RobotEvidence => ({
      robotId,
      arm: index === 0 ? 'candidate' : 'control',
      baseline: { successes: index === 0 ? 5250 : 6160, episodes: 7000, days: 7 },
      blocks: [{ block: 0, successes: index === 0 ? 75 : 88, episodes: 100 }],
    }));
    assert.ok(Math.abs(effectOf(robots).delta) < 0.01);
  });
});

/** A fleet's history by the model itself. */
function history(seed: string, options: { robots: number; days: number; perHour: number; sd: number }): RobotHistory[] {
  const random = randomFromSeed(seed);
  const gaussian = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: options.robots }, (_, index) => {
    const level = 0.85 + options.sd * gaussian();
    const cells = Array.from({ length: options.days * 24 }, (_, hour) => {
      let successes = 0;
      for (let episode = 0; episode < options.perHour; episode += 1) if (random() < level) successes += 1;
      return { day: Math.floor(hour / 24), hour: hour % 24, successes, episodes: options.perHour };
    });
    return { robotId: `robot-${index}`, cells };
  });
}

describe('fleet parameters', () => {
  it('finds the level, the spread of robots and no over-dispersion in independent episodes', () => {
    const found = estimateFleetParameters(history('parameters', { robots: 60, days: 7, perHour: 40, sd: 0.03 }));
    assert.ok(Math.abs(found.mu - 0.85) < 0.015);
    assert.ok(Math.abs(Math.sqrt(found.betweenRobotVariance) - 0.03) < 0.008);
    assert.ok(found.phi < 1.05);
    assert.equal(found.preDays, 7);
    assert.equal(found.dayVariance, 0.003 ** 2);
  });

  it('gives cautious defaults to an empty and to a one-robot fleet', () => {
    for (const found of [estimateFleetParameters([]), estimateFleetParameters([{ robotId: 'a', cells: [] }])]) {
      assert.deepEqual(found, {
        mu: 0.5,
        phi: 1,
        dayVariance: 1e-4,
        betweenRobotVariance: 0.005,
        preDays: 0,
        ratePhi: 1,
      });
    }
    const one = estimateFleetParameters(history('one', { robots: 1, days: 1, perHour: 20, sd: 0 }));
    assert.equal(one.dayVariance, 1e-4);
    assert.ok(Math.abs(one.betweenRobotVariance - 0.02 * one.mu * (1 - one.mu)) < 1e-12);
  });

  it('knows no negative variance', () => {
    assert.equal(
      betweenRobotVariance(
        [
          { successes: 85, episodes: 100, days: 1 },
          { successes: 85, episodes: 100, days: 1 },
        ],
        { mu: 0.85, phi: 1, dayVariance: 1e-5 },
      ),
      1e-8,
    );
  });

  it('costs no history when the champion changes or the whole fleet has a bad day', () => {
    const centred = centreHistory({ history: robots, champion: '1.1.0' });
    const shares = centred.map((robot) => baselineOf(robot)).map(({ successes, episodes }) => successes / episodes);
    for (const [index, shift] of [-5, -2, 0, 1, 2, 4].entries()) near(shares[index]!, 0.6 + shift / 100);
    assert.equal(baselineOf(centred[0]!).days, 3);
  });

  it('looks back 28 days and leaves out days on which too few robots ran a version', () => {
    const robots = Array.from({ length: 8 }, (_, index) => ({
      robotId: `robot-${index}`,
      cells: [
        { day: 0, hour: 0, policyVersion: '1.0.0', successes: 5, episodes: 10 },
        { day: 30, hour: 0, policyVersion: '1.0.0', successes: 9, episodes: 10 },
        ...(index === 0 ? [{ day: 30, hour: 1, policyVersion: '2.0.0', successes: 1, episodes: 10 }] : []),
      ],
    }));
    const [first] = centreHistory({ history: robots, champion: '1.0.0' });
    assert.deepEqual(baselineOf(first!), { successes: 9, episodes: 10, days: 1 });
    assert.deepEqual(centreHistory({ history: robots, champion: '9.9.9' })[0]!.cells, []);
  });
});
