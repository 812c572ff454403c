import { chunkPlan, type ChunkPlan } from '../../policies/chunks.ts';
import { failure } from '../../store/failures.ts';
import type { TrainingJob } from '../ports/trainer.ts';

/** What a job learns at once; undefined for the present action alone. Fails with `InvalidInput` for what cannot be. */
export function plannedChunk(job: Pick<TrainingJob, 'horizon' | 'execute'>): ChunkPlan | undefined {
  try {
    return chunkPlan(job);
  } catch (error) {
    throw failure('InvalidInput', `training with a horizon: ${(error as Error).message}`, { cause: error });
  }
}
