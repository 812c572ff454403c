import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { trainingMetricsSchema, type TrainingMetrics } from '../training/train-model.ts';
import { joinedCurve, rungSchema } from '../training/train-trial.ts';
import type { TrainingSection } from './cycle-report.ts';

/** No search has more trainings. */
const mostTrials = 64;
const mostPoints = 100;

type Trial = TrainingSection['search'][number];

/** Trainings of a search lie side by side: `<cycle>-0`, `<cycle>-1`, …; those that were stopped have no more than `rung.json`. */
export async function readSearch(store: ObjectStore, keptKey: string): Promise<readonly Trial[]> {
  const [, prefix] = /^(.*-)\d+\/metrics\.json$/.exec(keptKey) ?? [];
  const found: Trial[] = [];
  if (prefix === undefined) return [];
  for (let index = 0; index < mostTrials; index += 1) {
    const trial = await readTrial(store, `${prefix}${index}`, keptKey);
    if (trial === undefined) break;
    found.push({ runId: `${index}`, ...trial });
  }
  return found.length > 1 ? found : [];
}

async function readTrial(store: ObjectStore, run: string, keptKey: string): Promise<Omit<Trial, 'runId'> | undefined> {
  const key = `${run}/metrics.json`;
  const finished = await readJson(store, key, trainingMetricsSchema);
  const rung = await readJson(store, `${run}/rung.json`, rungSchema);
  if (finished !== undefined) {
    const curve = joinedCurve(rung?.metrics?.curve ?? [], finished.curve);
    return { isKept: key === keptKey, ...factsOf({ ...finished, curve }) };
  }
  if (rung === undefined) return undefined;
  const { metrics, hyperparameters, reason } = rung;
  if (metrics !== null) return { isKept: false, ...factsOf(metrics), stoppedAtStep: metrics.steps };
  return {
    isKept: false,
    steps: 0,
    validationLoss: null,
    hyperparameters,
    curve: [],
    ...(reason === undefined ? {} : { reason }),
  };
}

const factsOf = ({ steps, validationLoss, hyperparameters, curve }: TrainingMetrics) => {
  const every = Math.ceil(curve.length / mostPoints);
  const points = curve.filter((_, at) => at % every === 0 || at === curve.length - 1);
  return {
    steps,
    validationLoss,
    hyperparameters,
    curve: points.map((point) => ({ step: point.step, validationLoss: point.validationLoss })),
  };
};
