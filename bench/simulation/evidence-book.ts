import {
  robotBaseline,
  type Block,
  type BlockSums,
  type Fold,
  type RobotEvidence,
  type RobotSums,
} from '../../domain/statistics/index.ts';
import type { World } from './world.ts';

type Arm = 'candidate' | 'control' | 'left';

/**
 * Keeps the fold of a running rollout up to date block by block, so that thousands of rollouts can be simulated. What it
 * holds equals a fold of all blocks from the beginning: a test compares the two.
 */
export class EvidenceBook {
  readonly arms: Arm[];
  /** Block of first exposure, -1 without. */
  readonly exposedAt: number[];
  readonly bases: readonly number[];
  private readonly rows: { n: Float64Array; x: Float64Array }[] = [];
  private readonly world: World;
  private treatedArm: 'candidate' | 'control' = 'candidate';
  private sums = emptyFold(0);
  private kept: readonly number[] = [];
  private lightRobots: readonly RobotEvidence[] = [];

  constructor(world: World) {
    this.world = world;
    this.arms = world.robots.map(() => 'control');
    this.exposedAt = world.robots.map(() => -1);
    this.bases = world.robots.map(({ baseline }) => robotBaseline(world.parameters, baseline).base);
    this.refold('candidate');
  }

  /** Adds the block after the last one; n = -1 means silent. */
  add(n: Float64Array, x: Float64Array): void {
    this.rows.push({ n, x });
    this.fold(this.rows.length - 1);
  }

  get blocks(): number {
    return this.rows.length;
  }

  /** Makes robots candidates from the next block on. */
  expose(robots: readonly number[], treatedArm: 'candidate' | 'control'): void {
    for (const robot of robots) {
      if (this.arms[robot] !== 'control') continue;
      this.arms[robot] = 'candidate';
      this.exposedAt[robot] = this.rows.length;
    }
    this.refold(treatedArm);
  }

  /** Takes a robot out of the evidence. */
  remove(robotId: string): void {
    const robot = this.world.robots.findIndex((other) => other.robotId === robotId);
    this.arms[robot] = 'left';
    this.refold(this.treatedArm);
  }

  robotIdOf(robot: number): string {
    return this.world.robots[robot]?.robotId ?? '';
  }

  /** The fold of the robots still in evidence, in their order. */
  current(): Fold {
    const { treated, control } = this.sums;
    const { kept } = this;
    const success: BlockSums = {
      robots: kept.map((robot) => this.sums.robots[robot] ?? emptyRobot()),
      treatedCounts: treated.subarray(0, this.rows.length),
      controlCounts: control.subarray(0, this.rows.length),
      squares: this.sums.squares,
      usedTreated: this.sums.usedTreated,
      controlEpisodes: this.sums.controlEpisodes,
      droppedBlocks: this.sums.droppedBlocks,
    };
    return { success, latency: null, spans: kept.map((robot) => this.sums.spans[robot] ?? { first: -1, last: -1 }) };
  }

  /** The robots in evidence without their blocks, which {@link current} stands for. */
  robots(): readonly RobotEvidence[] {
    return this.lightRobots;
  }

  /** The robots in evidence with all their blocks. */
  fullEvidence(): RobotEvidence[] {
    return this.kept.map((robot) => this.evidenceOf(robot, this.blocksOf(robot)));
  }

  private evidenceOf(robot: number, blocks: readonly Block[]): RobotEvidence {
    const { robotId = '', baseline = { successes: 0, episodes: 0, days: 0 } } = this.world.robots[robot] ?? {};
    return { robotId, arm: this.arms[robot] === 'candidate' ? 'candidate' : 'control', baseline, blocks };
  }

  private blocksOf(robot: number): Block[] {
    const start = Math.max(0, this.exposedAt[robot] ?? -1);
    const blocks: Block[] = [];
    for (let block = start; block < this.rows.length; block += 1) {
      const row = this.rows[block];
      const episodes = row?.n[robot] ?? -1;
      if (episodes >= 0) blocks.push({ block, episodes, successes: row?.x[robot] ?? 0 });
    }
    return blocks;
  }

  private refold(treatedArm: 'candidate' | 'control'): void {
    this.treatedArm = treatedArm;
    this.sums = emptyFold(this.arms.length);
    this.kept = this.arms.flatMap((arm, robot) => (arm === 'left' ? [] : [robot]));
    this.lightRobots = this.kept.map((robot) => this.evidenceOf(robot, []));
    for (let block = 0; block < this.rows.length; block += 1) this.fold(block);
  }

  private fold(block: number): void {
    const row = this.rows[block];
    if (row === undefined) return;
    const { sums } = this;
    let [nT, nC, excess] = [0, 0, 0];
    for (let robot = 0; robot < this.arms.length; robot += 1) {
      const n = row.n[robot] ?? -1;
      const arm = this.arms[robot];
      if (n < 0 || arm === 'left' || block < (this.exposedAt[robot] ?? -1)) continue;
      const span = sums.spans[robot];
      if (span) {
        if (span.first < 0) span.first = block;
        span.last = block;
      }
      const own = sums.robots[robot];
      if (own) {
        own.counted += n;
        own.total += row.x[robot] ?? 0;
      }
      if (arm === this.treatedArm) nT += n;
      else {
        nC += n;
        excess += (row.x[robot] ?? 0) - n * (this.bases[robot] ?? 0);
      }
    }
    ensure(sums, block);
    sums.treated[block] = nT;
    sums.control[block] = nC;
    sums.controlEpisodes += nC;
    if (nC === 0) {
      if (nT > 0) sums.droppedBlocks += 1;
      return;
    }
    sums.usedTreated += nT;
    sums.squares += (nT * nT) / nC;
    const shift = excess / nC;
    for (let robot = 0; robot < this.arms.length; robot += 1) {
      const n = row.n[robot] ?? -1;
      const own = sums.robots[robot];
      if (n <= 0 || own === undefined || this.arms[robot] === 'left' || block < (this.exposedAt[robot] ?? -1)) continue;
      own.used += n;
      if (this.arms[robot] === this.treatedArm) {
        own.excess += (row.x[robot] ?? 0) - n * ((this.bases[robot] ?? 0) + shift);
      } else own.share += (n * nT) / nC;
    }
  }
}

const emptyRobot = (): RobotSums => ({ counted: 0, total: 0, totalSquares: 0, used: 0, excess: 0, share: 0 });

const emptyFold = (robots: number) => ({
  robots: Array.from({ length: robots }, emptyRobot),
  spans: Array.from({ length: robots }, () => ({ first: -1, last: -1 })),
  treated: new Float64Array(512),
  control: new Float64Array(512),
  squares: 0,
  usedTreated: 0,
  controlEpisodes: 0,
  droppedBlocks: 0,
});

function ensure(sums: { treated: Float64Array; control: Float64Array }, block: number): void {
  if (block < sums.treated.length) return;
  for (const name of ['treated', 'control'] as const) {
    const larger = new Float64Array(2 * sums[name].length);
    larger.set(sums[name]);
    sums[name] = larger;
  }
}
