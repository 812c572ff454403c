import type { Outcome } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** Runs `from` (inclusive) to `to` (exclusive) of one scenario. */
export interface Chunk {
  readonly scenarioId: string;
  readonly seed: string;
  readonly from: number;
  readonly to: number;
}

export interface ChunkResult {
  readonly chunk: Chunk;
  readonly outcomes: readonly Outcome[];
}

/** One run's own seed: the same whatever worker takes it. */
export const runChunk = ({ scenarioId, seed, from, to }: Chunk): readonly Outcome[] => {
  const scenario = scenarios.find(({ id }) => id === scenarioId);
  if (scenario === undefined) throw new RangeError(`expected a scenario, got ${scenarioId}`);
  return Array.from({ length: to - from }, (_, index) => scenario.run(`${seed}/${scenarioId}/${from + index}`));
};
