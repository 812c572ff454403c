import type { Rung } from '../../domain/search/halving.ts';
import { planEmbeddedHalving, planOwnHalving } from '../../policies/halving-search.ts';
import { planOwnSearch, planSearch } from '../../policies/search.ts';
import type { SearchRequest } from '../../policies/search-space.ts';
import { trainingSettingsSchema } from '../../policies/specification.ts';
import { failure } from '../../store/failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';

export interface PlanTrainingInput {
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** True: a small grid, each trained to its end; an object: bad ones are stopped early. */
  readonly search: boolean | SearchRequest;
  /** Only with a search that stops early: what its trials are drawn by. */
  readonly seed?: number;
  readonly trainRows: number;
  /** Left out for the embedded trainer; the settings of a command are its own, and it checks them. */
  readonly trainer?: { readonly kind: 'command' | 'onnx' };
  /** Left out for a training on readings alone. */
  readonly cameras?: readonly string[];
}

export interface PlanTrainingResult {
  /** At least one; `summary` says for people what is special about it. */
  readonly trials: readonly { readonly summary: string; readonly hyperparameters: Readonly<Record<string, unknown>> }[];
  /** Where trials are compared and bad ones stopped; not there where all are trained to their end. */
  readonly rungs?: readonly Rung[];
}

/** Which trainings to run: the one that was asked for, or a search around it. Pure, so idempotent. */
export async function planTraining(input: PlanTrainingInput): Promise<PlanTrainingResult> {
  const { search } = input;
  if (typeof search === 'object') return inWords(() => halving(input, search));
  if (input.trainer?.kind === 'command') return { trials: ownTrials(input) };
  const parsed = trainingSettingsSchema.safeParse(input.hyperparameters);
  if (!parsed.success) throw failure('InvalidInput', `training.hyperparameters: ${describeIssues(parsed.error)}`);
  if (!input.search) return { trials: [{ summary: 'train', hyperparameters: parsed.data }] };
  const trials = planSearch(parsed.data, input.trainRows, input.cameras !== undefined);
  return { trials: trials.map(({ summary, settings }) => ({ summary, hyperparameters: settings })) };
}

function halving(input: PlanTrainingInput, request: SearchRequest): PlanTrainingResult {
  const { hyperparameters, trainRows, seed = 0 } = input;
  const { trials, rungs } =
    input.trainer?.kind === 'command'
      ? planOwnHalving(hyperparameters, request, seed)
      : planEmbeddedHalving(hyperparameters, request, { seed, trainRows, sees: input.cameras !== undefined });
  return { trials: trials.map(({ summary, settings }) => ({ summary, hyperparameters: settings })), rungs };
}

function ownTrials({ hyperparameters, search }: PlanTrainingInput): PlanTrainingResult['trials'] {
  if (search === false) return [{ summary: 'train', hyperparameters }];
  return inWords(() =>
    planOwnSearch(hyperparameters).map(({ summary, settings }) => ({ summary, hyperparameters: settings })),
  );
}

function inWords<T>(plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    if (error instanceof RangeError) throw failure('InvalidInput', `training.hyperparameters: ${error.message}`);
    throw error;
  }
}
