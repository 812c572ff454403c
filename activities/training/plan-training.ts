import { planOwnSearch, planSearch } from '../../policies/search.ts';
import { trainingSettingsSchema } from '../../policies/specification.ts';
import { failure } from '../../store/failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';

export interface PlanTrainingInput {
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly search: boolean;
  readonly trainRows: number;
  /** Left out for the embedded trainer; the settings of a command are its own, and it checks them. */
  readonly trainer?: { readonly kind: 'command' | 'onnx' };
  /** Left out for a training on readings alone. */
  readonly cameras?: readonly string[];
}

export interface PlanTrainingResult {
  /** At least one; `summary` says for people what is special about it. */
  readonly trials: readonly { readonly summary: string; readonly hyperparameters: Readonly<Record<string, unknown>> }[];
}

/** Which trainings to run: the one that was asked for, or a small grid around it. Pure, so idempotent. */
export async function planTraining(input: PlanTrainingInput): Promise<PlanTrainingResult> {
  if (input.trainer?.kind === 'command') return { trials: ownTrials(input) };
  const parsed = trainingSettingsSchema.safeParse(input.hyperparameters);
  if (!parsed.success) throw failure('InvalidInput', `training.hyperparameters: ${describeIssues(parsed.error)}`);
  if (!input.search) return { trials: [{ summary: 'train', hyperparameters: parsed.data }] };
  const trials = planSearch(parsed.data, input.trainRows, input.cameras !== undefined);
  return { trials: trials.map(({ summary, settings }) => ({ summary, hyperparameters: settings })) };
}

function ownTrials({ hyperparameters, search }: PlanTrainingInput): PlanTrainingResult['trials'] {
  if (!search) return [{ summary: 'train', hyperparameters }];
  try {
    return planOwnSearch(hyperparameters).map(({ summary, settings }) => ({ summary, hyperparameters: settings }));
  } catch (error) {
    if (error instanceof RangeError) throw failure('InvalidInput', `training.hyperparameters: ${error.message}`);
    throw error;
  }
}
