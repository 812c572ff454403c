/** How a search divides its work among trials. */
export interface HalvingRequest {
  /** Trials at the beginning. */
  readonly trials: number;
  /** Of so many trials one goes on at each rung. */
  readonly reduction: number;
  /** What all trials may cost up to the last rung, in whole trainings. */
  readonly budgetTrainings: number;
  /** Steps to the first rung; undefined: as many as the budget allows. */
  readonly firstSteps?: number | undefined;
  /** Steps of a whole training; undefined: only the trainer knows. */
  readonly maxSteps?: number | undefined;
  /** A rung lies at a measurement, so its steps are a multiple of these where they are known. */
  readonly evaluateEverySteps?: number | undefined;
}

/** A place where trials stop and are compared. */
export interface Rung {
  readonly untilStep: number;
  /** Trials that go there: the best of the rung before. */
  readonly trials: number;
}

/**
 * Rungs of successive halving (Jamieson, Talwalkar 2016, algorithm 1; Li et al. 2018, "Hyperband", algorithm 1, one bracket):
 * `trials` begin, of `reduction` one goes on, each rung lies `reduction` times as far as the one before, until one is left. That one
 * trains to its end. Throws a RangeError, in words, where the request cannot be met. Without `maxSteps` the budget is not checked:
 * `firstSteps` bounds the steps. Example: 9 trials, reduction 3, 9,000 steps a training: 9 to step 1,000, 3 to step 3,000, 1 to its end.
 */
export function planRungs(request: HalvingRequest): readonly Rung[] {
  const { trials, reduction, budgetTrainings, maxSteps, evaluateEverySteps = 1 } = request;
  const counts: number[] = [];
  for (let count = trials; count > 1; count = Math.max(1, Math.floor(count / reduction))) counts.push(count);
  // Of a search that begins with `first` steps, in multiples of it.
  const cost = counts.reduce(
    (sum, count, at) => sum + count * (at === 0 ? 1 : reduction ** at - reduction ** (at - 1)),
    0,
  );
  const first = request.firstSteps ?? affordable(request, cost, reduction ** counts.length);
  const rounded = Math.max(evaluateEverySteps, Math.floor(first / evaluateEverySteps) * evaluateEverySteps);
  if (maxSteps !== undefined && rounded * cost > budgetTrainings * maxSteps)
    throw new RangeError(
      `expected a search of at most ${budgetTrainings} whole trainings (budgetTrainings) of ${maxSteps} steps, got ${trials} trials that take ${rounded} steps to the first of ${counts.length} rungs, ${rounded * cost} steps together: fewer trials, fewer firstSteps, or a larger budget`,
    );
  return counts.map((count, at) => ({ untilStep: rounded * reduction ** at, trials: count }));
}

function affordable({ budgetTrainings, maxSteps }: HalvingRequest, cost: number, spread: number): number {
  if (maxSteps === undefined)
    throw new RangeError(
      'expected search.firstSteps, or a number as hyperparameters.maxSteps, to know where to compare the trials, got neither',
    );
  return Math.min((budgetTrainings * maxSteps) / cost, maxSteps / spread);
}

/** Steps that all trials take up to the last rung, at most; the rest of the best one is not in it. */
export const stepsOfRungs = (rungs: readonly Rung[]): number =>
  rungs.reduce((sum, { untilStep, trials }, at) => sum + trials * (untilStep - (rungs[at - 1]?.untilStep ?? 0)), 0);

export interface TrialLoss {
  readonly trial: number;
  /** Null: it could not be trained. */
  readonly validationLoss: number | null;
}

/** Trials by their loss, the least first, ties by their order; those that could not be trained are left out. */
export const rankedTrials = (losses: readonly TrialLoss[]): readonly number[] =>
  losses
    .flatMap(({ trial, validationLoss }) => (validationLoss === null ? [] : [{ trial, validationLoss }]))
    .toSorted((one, other) => one.validationLoss - other.validationLoss || one.trial - other.trial)
    .map(({ trial }) => trial);
