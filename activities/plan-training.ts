import { planSearch } from '../policies/search.ts';
import { trainingSettingsSchema, type TrainingSettings } from '../policies/specification.ts';
import { failure } from './failures.ts';
import { describeIssues } from './json-objects.ts';

export interface PlanTrainingInput {
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly search: boolean;
  readonly trainRows: number;
}

export interface PlanTrainingResult {
  /** At least one; `summary` says for people what is special about it. */
  readonly trials: readonly { readonly summary: string; readonly hyperparameters: TrainingSettings }[];
}

/** Which trainings to run: the one that was asked for, or a small grid around it. Pure, so idempotent. */
export async function planTraining(input: PlanTrainingInput): Promise<PlanTrainingResult> {
  const parsed = trainingSettingsSchema.safeParse(input.hyperparameters);
  if (!parsed.success) throw failure('InvalidInput', `training.hyperparameters: ${describeIssues(parsed.error)}`);
  if (!input.search) return { trials: [{ summary: 'train', hyperparameters: parsed.data }] };
  const trials = planSearch(parsed.data, input.trainRows);
  return { trials: trials.map(({ summary, settings }) => ({ summary, hyperparameters: settings })) };
}
