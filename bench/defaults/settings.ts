import type { TrainingSettings } from '../../policies/specification.ts';

/** A way to train that could be the default. */
export interface CandidateSettings {
  readonly name: string;
  readonly settings: TrainingSettings;
  /** Starts from a policy that learned in the same way from the first half of the set. */
  readonly isWarm?: boolean;
}

/** Below 50,000 rows. The first is what the project began with; the others change it in one or two places. */
const small: TrainingSettings = {
  hiddenWidths: [128],
  taskEmbeddingSize: 8,
  learningRate: 0.02,
  weightDecay: 0.1,
  batchSize: 64,
  maxSteps: 8000,
  evaluateEverySteps: 50,
  patienceEvaluations: 30,
  checkpointEverySteps: 1000,
};

const deeper: TrainingSettings = {
  ...small,
  hiddenWidths: [128, 128],
  learningRate: 0.01,
  weightDecay: 0.3,
  patienceEvaluations: 60,
};

export const smallCandidates: readonly CandidateSettings[] = [
  { name: 'one layer, first defaults', settings: small },
  { name: 'patience 100', settings: { ...small, patienceEvaluations: 100 } },
  { name: 'rate 0.005, patience 100', settings: { ...small, learningRate: 0.005, patienceEvaluations: 100 } },
  {
    name: '64-64, decay 0.3, patience 60',
    settings: { ...small, hiddenWidths: [64, 64], weightDecay: 0.3, patienceEvaluations: 60 },
  },
  { name: '128-128, patience 60', settings: { ...small, hiddenWidths: [128, 128], patienceEvaluations: 60 } },
  { name: '128-128, rate 0.01, decay 0.3, patience 60', settings: deeper },
  { name: '128-128, rate 0.01, decay 0.5, patience 60', settings: { ...deeper, weightDecay: 0.5 } },
  { name: '128-128, rate 0.01, decay 0.3, 12,000 steps, patience 60', settings: { ...deeper, maxSteps: 12_000 } },
  { name: '128-128, rate 0.01, decay 0.3, patience 60, warm start', settings: deeper, isWarm: true },
];

/** From 50,000 rows on; `steps` are those of ten passes, at least 4,000. */
const large: TrainingSettings = {
  hiddenWidths: [256, 256],
  taskEmbeddingSize: 8,
  learningRate: 0.002,
  weightDecay: 0.01,
  batchSize: 512,
  maxSteps: 4000,
  evaluateEverySteps: 100,
  patienceEvaluations: 3,
  checkpointEverySteps: 500,
};

export const largeCandidates: readonly CandidateSettings[] = [
  { name: 'first defaults', settings: large },
  { name: 'patience 10', settings: { ...large, patienceEvaluations: 10 } },
  { name: 'rate 0.005, patience 10', settings: { ...large, learningRate: 0.005, patienceEvaluations: 10 } },
  {
    name: 'rate 0.005, decay 0.1, patience 10',
    settings: { ...large, learningRate: 0.005, weightDecay: 0.1, patienceEvaluations: 10 },
  },
];
