import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';

import type { PlanTrainingResult } from '../../activities/training/plan-training.ts';
import type { TrainModelInput, TrainModelResult } from '../../activities/training/train-model.ts';
import { rankedTrials, type Rung } from '../../domain/search/halving.ts';
import { trainingActivities } from '../shared/activity-proxies.ts';
import type { SearchStatus } from './messages.ts';

/** So many are trained to their end, one after the other, while those before turn out to be untrainable. */
const mostFinalists = 3;

/** One trial: what it is called, and its training. */
export interface SearchedTrial {
  readonly summary: PlanTrainingResult['trials'][number]['summary'];
  readonly input: TrainModelInput;
}

/**
 * Brings all trials to the first rung in parallel, the best of them to the next one, and trains the last one left to its end. What
 * it was before a rung does not matter: its model is that of the same training without a search.
 */
export async function trainByHalving(
  trials: readonly SearchedTrial[],
  rungs: readonly Rung[],
  show: (search: SearchStatus) => void,
): Promise<TrainModelResult> {
  const { trainTrial, trainModel, endTrials } = trainingActivities();
  const all = trials.map((_, trial) => trial);
  let ranked: readonly number[] = all;
  for (const [at, rung] of rungs.entries()) {
    const going = ranked.slice(0, rung.trials);
    show({ rung: at + 1, rungs: rungs.length, trials: going.length });
    const losses = await Promise.all(
      going.map(async (trial) => {
        const { summary, input } = trialAt(trials, trial);
        const told = `${summary} to step ${rung.untilStep}`;
        const reached = await trainTrial.executeWithOptions({ summary: told.slice(0, 200) }, [
          { ...input, untilStep: rung.untilStep },
        ]);
        return { trial, validationLoss: reached.validationLoss };
      }),
    );
    // Those of the rungs before stand behind.
    const found = [...rankedTrials(losses), ...(at === 0 ? [] : ranked.slice(rung.trials))];
    if (found.length === 0) break;
    ranked = found;
  }
  // Where none can be trained, the first one says why.
  const winner = await trainFirst(ranked.slice(0, mostFinalists), async (trial) => {
    show({ rung: rungs.length + 1, rungs: rungs.length, trials: 1 });
    const { summary, input } = trialAt(trials, trial);
    return { trial, model: await trainModel.executeWithOptions({ summary: summary.slice(0, 200) }, [input]) };
  });
  await endTrials({
    runIds: all.filter((trial) => trial !== winner.trial).map((trial) => trialAt(trials, trial).input.runId),
  });
  return winner.model;
}

function trialAt(trials: readonly SearchedTrial[], trial: number): SearchedTrial {
  const found = trials[trial];
  if (found === undefined) throw new RangeError(`expected one of ${trials.length} trials, got ${trial}`);
  return found;
}

/** The best that can be trained to its end: a trial may diverge after the last rung. The last one's failure is that of the search. */
async function trainFirst<T>(ranked: readonly number[], train: (trial: number) => Promise<T>): Promise<T> {
  for (const [at, trial] of ranked.entries()) {
    try {
      return await train(trial);
    } catch (error) {
      if (at === ranked.length - 1 || !isImpossible(error)) throw error;
    }
  }
  throw ApplicationFailure.nonRetryable('expected trials to search among, got none', 'InvalidInput');
}

const isImpossible = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === 'TrainingImpossible';
