import {
  randomFromSeed,
  type Block,
  type FleetParameters,
  type RobotEvidence,
} from '../../../domain/statistics/index.ts';

export const parameters: FleetParameters = {
  mu: 0.85,
  phi: 1,
  dayVariance: 9e-6,
  betweenRobotVariance: 1e-4,
  preDays: 7,
  ratePhi: 1,
};

/** A fleet after some hours of five-minute blocks; robots 0 to `candidates` - 1 run the candidate. */
export interface FleetOptions {
  readonly robots?: number;
  readonly candidates?: number;
  readonly hours?: number;
  readonly blockMinutes?: number;
  readonly perBlock?: number;
  readonly candidateSuccess?: number;
  readonly controlSuccess?: number;
  readonly seed?: string;
  /** Log latency of one episode. */
  readonly latency?: (robot: number) => number;
  readonly change?: (robot: number, entry: Block) => Block | undefined;
}

export function evidence(options: FleetOptions = {}): RobotEvidence[] {
  const { robots = 40, candidates = 8, hours = 6, blockMinutes = 5, perBlock = 4, seed = 'fleet' } = options;
  const { candidateSuccess = 0.85, controlSuccess = 0.85, latency, change = (_, entry) => entry } = options;
  const random = randomFromSeed(seed);
  return Array.from({ length: robots }, (_, index): RobotEvidence => {
    const success = index < candidates ? candidateSuccess : controlSuccess;
    const blocks = Array.from({ length: Math.round((hours * 60) / blockMinutes) }, (_unused, block) => {
      let successes = 0;
      for (let episode = 0; episode < perBlock; episode += 1) if (random() < success) successes += 1;
      if (latency === undefined) return { block, successes, episodes: perBlock };
      const values = Array.from({ length: perBlock }, () => latency(index) + 0.2 * (random() - 0.5));
      return {
        block,
        successes,
        episodes: perBlock,
        latencyLogSum: values.reduce((sum, value) => sum + value, 0),
        latencyLogSquares: values.reduce((sum, value) => sum + value * value, 0),
      };
    }).flatMap((entry) => change(index, entry) ?? []);
    return {
      robotId: `robot-${String(index).padStart(2, '0')}`,
      arm: index < candidates ? 'candidate' : 'control',
      baseline: { successes: 5950, episodes: 7000, days: 7 },
      blocks,
    };
  });
}
