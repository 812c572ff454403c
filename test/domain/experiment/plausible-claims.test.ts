import assert from 'node:assert/strict';

import { boundClaims } from '../../../domain/experiment/index.ts';
import type { RobotEvidence } from '../../../domain/statistics/index.ts';

type Block = RobotEvidence['blocks'][number];

const blocks = (from: number, to: number, episodes: number, more: Partial<Block> = {}): Block[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    block: from + index,
    episodes,
    successes: episodes / 2,
    ...more,
  }));
const robot = (robotId: string, own: readonly Block[], pastPerDay = 0): RobotEvidence => ({
  robotId,
  arm: 'candidate',
  baseline: { episodes: 10 * pastPerDay, successes: 0, days: pastPerDay === 0 ? 0 : 10 },
  blocks: own,
});
const honest = (pastPerDay = 0) => ['a', 'b'].map((name) => robot(name, blocks(0, 9, 10), pastPerDay));
/** To a millionth. */
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
const claimed = (of: RobotEvidence): number => rounded(of.blocks.reduce((sum, { episodes }) => sum + episodes, 0));
/** What counts of a robot's claim beside two honest ones with 10 episodes in each of 10 blocks. */
const counts = (liar: RobotEvidence, pastPerDay = 0): number => {
  const bound = boundClaims([...honest(pastPerDay), liar], 15);
  assert.deepEqual(bound.robots.slice(0, 2), honest(pastPerDay));
  return claimed(bound.robots[2]!);
};

describe('claims of robots', () => {
  it('count up to twice the median rate and 30 more, to the episode', () => {
    // 30 + 2 · 10 blocks · 10 a block
    assert.equal(counts(robot('c', blocks(0, 9, 23))), 230);
    assert.equal(counts(robot('c', blocks(0, 9, 23.1))), 230);
    assert.equal(counts(robot('c', blocks(0, 9, 1_000_000))), 230);
    const { excessive } = boundClaims([...honest(), robot('c', blocks(0, 9, 23))], 15);
    assert.deepEqual(excessive, []);
    const told = boundClaims([...honest(), robot('c', blocks(0, 9, 100))], 15).excessive;
    assert.deepEqual(told, [{ robotId: 'c', arm: 'candidate', episodes: 1_000, allowed: 230 }]);
  });

  it('are bounded from three robots on that made anything; two have no median', () => {
    const liar = robot('c', blocks(0, 9, 1_000));
    const silent = robot('d', []);
    assert.equal(claimed(boundClaims([honest()[0]!, liar], 15).robots[1]!), 10_000);
    assert.equal(claimed(boundClaims([honest()[0]!, liar, silent], 15).robots[1]!), 10_000);
    assert.equal(counts(liar), 230);
  });

  it('have the time since the robot came, or that it says it was online, half as much more', () => {
    // 30 + 2 · 5 blocks · 10 a block
    assert.equal(counts(robot('c', blocks(5, 9, 1_000))), 130);
    // 10 blocks with 3 min: 1.5 · 30 min of 15 a block = 3 blocks
    assert.equal(counts(robot('c', blocks(0, 9, 1_000, { onlineMinutes: 3 }))), 90);
  });

  it('have the rate of its own past, up to four times that of the median robot', () => {
    // 30 + 2 · 10 blocks · 20 a block: it always made twice as many as others
    assert.equal(counts(robot('c', blocks(0, 9, 1_000), 20), 10), 430);
    assert.equal(counts(robot('c', blocks(0, 9, 1_000), 40), 10), 830);
    assert.equal(counts(robot('c', blocks(0, 9, 1_000), 41), 10), 830);
    assert.equal(counts(robot('c', blocks(0, 9, 1_000), 4_000), 10), 830);
    // Robots of one episode a block keep a tenth of their past too: 30 + 2 · 10 · max(1, 40 / 10)
    const slow = ['a', 'b'].map((name) => robot(name, blocks(0, 9, 1), 10));
    const { robots } = boundClaims([...slow, robot('c', blocks(0, 9, 1_000), 80)], 15);
    assert.equal(claimed(robots[2]!), 110);
    // The fleet keeps half of its past rate, and so would the robot: 30 + 2 · 10 · max(10, 40 / 2)
    assert.equal(counts(robot('c', blocks(0, 9, 1_000), 80), 20), 830);
  });

  it('beyond the bound shrink evenly, but for the time online', () => {
    const own = blocks(0, 9, 100, {
      onlineMinutes: 15,
      interventions: 10,
      latencyLogSum: 20,
      latencyLogSquares: 40,
      perTask: { dock: { episodes: 60, successes: 30 } },
    });
    const [block] = boundClaims([...honest(), robot('c', own)], 15).robots[2]!.blocks;
    assert.deepEqual(
      JSON.parse(JSON.stringify(block), (_, value: unknown) => (typeof value === 'number' ? rounded(value) : value)),
      {
        block: 0,
        successes: 11.5,
        episodes: 23,
        onlineMinutes: 15,
        interventions: 2.3,
        latencyLogSum: 4.6,
        latencyLogSquares: 9.2,
        perTask: { dock: { successes: 6.9, episodes: 13.8 } },
      },
    );
  });
});
