import type { StoredTrainingSet } from '../mix/read-sets.ts';

/**
 * Share of the robots' recent work on each task, 0–1: by the new frames of this cycle, by history where nothing is new. A task that
 * nobody did has share 0. Nothing recorded at all counts every task alike.
 */
export function taskTraffic(strata: StoredTrainingSet['strata'], tasks: readonly string[]): readonly number[] {
  for (const source of ['new', 'history'] as const) {
    const frames = tasks.map((task) =>
      strata
        .filter((stratum) => stratum.source === source && stratum.task === task)
        .reduce((sum, stratum) => sum + stratum.availableFrames, 0),
    );
    const total = frames.reduce((sum, count) => sum + count, 0);
    if (total > 0) return frames.map((count) => count / total);
  }
  return tasks.map(() => 1 / tasks.length);
}

/**
 * The same from held-out episodes alone, for a model that no training set stands behind. Which robot-days are held out is chosen
 * by hash, so their share stands for all; where a large set was thinned, rare tasks weigh more than they should, never less.
 */
export function heldoutTraffic(tasks: readonly { readonly frames: number }[]): readonly number[] {
  const total = tasks.reduce((sum, { frames }) => sum + frames, 0);
  return tasks.map(({ frames }) => (total > 0 ? frames / total : 1 / tasks.length));
}
