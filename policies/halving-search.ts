import { planRungs, type Rung } from '../domain/search/halving.ts';
import { aroundRate, drawTrials, type DrawnTrial, type SearchRequest } from './search-space.ts';
import { resolveSettings, trainingSettingsSchema } from './specification.ts';
import { describeIssues } from '../domain/describe-issues.ts';

type Settings = Readonly<Record<string, unknown>>;

export interface HalvingSearch {
  readonly trials: readonly DrawnTrial[];
  readonly rungs: readonly Rung[];
}

/** A search with early stopping for the embedded trainer: around its defaults where no setting is to be varied. Throws a RangeError, in words. */
export function planEmbeddedHalving(
  settings: Settings,
  request: SearchRequest,
  { seed, trainRows, sees }: { readonly seed: number; readonly trainRows: number; readonly sees: boolean },
): HalvingSearch {
  const fixed = Object.fromEntries(Object.entries(settings).filter(([, value]) => !isDrawn(value)));
  const { specification, hyperparameters } = resolveSettings(readSettings('hyperparameters', fixed), trainRows, sees);
  const { learningRate, weightDecay, maxSteps, evaluateEverySteps } = hyperparameters;
  const wider = specification.hiddenWidths.map((width) => Math.min(4096, 2 * width));
  const around = {
    learningRate: aroundRate(learningRate),
    ...(weightDecay > 0 ? { weightDecay: aroundRate(weightDecay) } : {}),
    hiddenWidths: { oneOf: [specification.hiddenWidths, wider] },
  };
  const trials = drawTrials(settings, around, request.trials, seed);
  for (const trial of trials) readSettings(`trial with ${trial.summary}`, trial.settings);
  return { trials, rungs: planRungs({ ...request, trials: trials.length, maxSteps, evaluateEverySteps }) };
}

/** The same for a trainer whose settings only it knows: `maxSteps` and `evaluateEverySteps` are used where they are numbers. */
export function planOwnHalving(settings: Settings, request: SearchRequest, seed: number): HalvingSearch {
  const rate = settings['learningRate'];
  const around = typeof rate === 'number' && rate > 0 ? { learningRate: aroundRate(rate) } : {};
  const trials = drawTrials(settings, around, request.trials, seed);
  const [maxSteps, evaluateEverySteps] = [stepsOf(settings, 'maxSteps'), stepsOf(settings, 'evaluateEverySteps')];
  return { trials, rungs: planRungs({ ...request, trials: trials.length, maxSteps, evaluateEverySteps }) };
}

const isDrawn = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && ('oneOf' in value || ('from' in value && 'to' in value));

const stepsOf = (settings: Settings, name: string): number | undefined => {
  const value = settings[name];
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;
};

function readSettings(what: string, settings: Settings) {
  const parsed = trainingSettingsSchema.safeParse(settings);
  if (parsed.success) return parsed.data;
  throw new RangeError(`${what}: ${describeIssues(parsed.error)}`);
}
