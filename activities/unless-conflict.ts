import { isFailure } from '../store/failures.ts';

const mostAttempts = 10;

/** Does the work anew while it fails as `Conflict`, ten times at most: somebody else changed meanwhile what it rests on. */
export async function unlessConflict(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1)
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === mostAttempts || !isFailure(error, 'Conflict')) throw error;
    }
}
