import { judgeGuard, type RobotEvidence } from '../../domain/experiment/index.ts';
import { randomFromSeed, type Block, type FleetParameters } from '../../domain/statistics/index.ts';
import { blocksOf, type Cell } from '../../domain/trial/index.ts';
import { binomial, poisson } from './sampling.ts';

/** Milliseconds of one guard tick, of making its evidence from cells, and of merely reading the same blocks. */
export interface TickSpeed {
  readonly name: string;
  readonly tickMs: number;
  readonly evidenceMs: number;
  readonly readMs: number;
}

const [robotCount, blockCount, candidates, rounds] = [500, 2016, 125, 25];
const parameters: FleetParameters = {
  mu: 0.85,
  phi: 1,
  dayVariance: 9e-6,
  betweenRobotVariance: 1e-4,
  preDays: 7,
  ratePhi: 1,
};

/** A tick without alarm for 500 robots × 7 days of five-minute blocks, with and without latency; medians after warming up. */
export function measureTickSpeed(): TickSpeed[] {
  return [false, true].map((withLatency) => {
    const robots = fleet(withLatency);
    const cells = robots.map(({ blocks }) => blocks.map((block) => cellOf(block)));
    const situation = { parameters, stage: 1, hoursInStage: 60, hoursTotal: 168, daysTreated: 7 } as const;
    return {
      name: withLatency ? 'success, throughput, silence and latency' : 'success, throughput and silence',
      tickMs: medianMs(() => judgeGuard({ ...situation, robots }).delta),
      evidenceMs: medianMs(() => cells.flatMap((own) => own.flatMap((cell) => blocksOf(cell))).length),
      readMs: medianMs(() => episodesOf(robots)),
    };
  });
}

function fleet(withLatency: boolean): RobotEvidence[] {
  const random = randomFromSeed('speed');
  const blockOf = (block: number): Block => {
    const episodes = poisson(3.5, random);
    const successes = binomial(episodes, 0.85, random);
    if (!withLatency) return { block, episodes, successes };
    // spelled out: objects made by spreading are read thirty times slower
    return { block, episodes, successes, latencyLogSum: 3.9 * episodes + random(), latencyLogSquares: 15.3 * episodes };
  };
  return Array.from({ length: robotCount }, (_, index) => ({
    robotId: `robot-${index}`,
    arm: index < candidates ? 'candidate' : 'control',
    baseline: { successes: 5950, episodes: 7000, days: 7 },
    blocks: Array.from({ length: blockCount }, (_unused, block) => blockOf(block)),
  }));
}

const cellOf = ({ block, successes, episodes, latencyLogSum, latencyLogSquares }: Block): Cell =>
  latencyLogSum === undefined || latencyLogSquares === undefined || episodes === 0
    ? { block, successes, episodes }
    : { block, successes, episodes, latencies: episodes, latencyLogSum, latencyLogSquares };

const episodesOf = (robots: readonly RobotEvidence[]): number => {
  let sum = 0;
  for (const { blocks } of robots)
    for (const { block, episodes, successes } of blocks) sum += block + episodes + successes;
  return sum;
};

function medianMs(work: () => number): number {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  // the first rounds run before the compiler has seen the loops
  return times.slice(5).toSorted((left, right) => left - right)[Math.floor((rounds - 5) / 2)] ?? 0;
}
