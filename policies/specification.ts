import { z } from 'zod';

import { defaultImageHyperparameters } from './images/image-hyperparameters.ts';
import { imageSettingsSchema } from './images/image-settings.ts';

/** Shape of a policy's network: a multi-layer perceptron over [observation, task embedding]. No hidden width at all is a linear model. */
export const networkSpecificationSchema = z.strictObject({
  /** Units of each hidden layer, input side first. */
  hiddenWidths: z.array(z.int().min(1).max(4096)).max(8),
  /** Numbers that stand for a task; a policy with a single task has no embedding. */
  taskEmbeddingSize: z.int().min(1).max(256).default(8),
});
export type NetworkSpecification = z.infer<typeof networkSpecificationSchema>;

export const hyperparametersSchema = z.strictObject({
  /** Adam's step at the start; falls to zero along a half cosine over `maxSteps`. */
  learningRate: z.number().positive().max(1),
  /** Decoupled weight decay: each step shrinks the parameters by the learning rate × this. Keeps the validation loss honest on small sets. */
  weightDecay: z.number().min(0).max(1),
  /** Rows a step. */
  batchSize: z.int().min(1).max(65_536),
  /** Training ends here at the latest. */
  maxSteps: z.int().min(1).max(100_000_000),
  /** Validation loss is measured after every so many steps. */
  evaluateEverySteps: z.int().min(1),
  /** Training ends after so many measurements in a row without a new best validation loss. */
  patienceEvaluations: z.int().min(1),
  /** A killed training repeats at most so many steps. */
  checkpointEverySteps: z.int().min(1),
});
export type Hyperparameters = z.infer<typeof hyperparametersSchema>;

/**
 * What is used where nothing is asked for, by the number of training rows; chosen by `npm run bench -- defaults`, see
 * docs/training.md. Small sets: many small steps under strong decay. Large sets: wider layers, batches that amortise the
 * optimiser, up to ten passes, validated once a pass.
 */
export function defaultTraining(trainRows: number): {
  readonly specification: NetworkSpecification;
  readonly hyperparameters: Hyperparameters;
} {
  if (trainRows < 50_000)
    return {
      specification: { hiddenWidths: [128, 128], taskEmbeddingSize: 8 },
      hyperparameters: {
        learningRate: 0.01,
        weightDecay: 0.3,
        batchSize: 64,
        maxSteps: 8000,
        evaluateEverySteps: 50,
        patienceEvaluations: 60,
        checkpointEverySteps: 1000,
      },
    };
  const batchSize = 512;
  const stepsInPass = Math.ceil(trainRows / batchSize);
  return {
    specification: { hiddenWidths: [256, 256], taskEmbeddingSize: 8 },
    hyperparameters: {
      learningRate: 0.005,
      weightDecay: 0.1,
      batchSize,
      maxSteps: Math.max(4000, 10 * stepsInPass),
      evaluateEverySteps: Math.max(100, stepsInPass),
      patienceEvaluations: 10,
      checkpointEverySteps: 500,
    },
  };
}

const completeSettingsSchema = networkSpecificationSchema.extend(hyperparametersSchema.shape);

/** What a person may set, all of it optional: network and learning in one flat list, unknown names refused. */
export const trainingSettingsSchema = completeSettingsSchema
  .extend({ taskEmbeddingSize: networkSpecificationSchema.shape.taskEmbeddingSize.unwrap() })
  .extend({ images: imageSettingsSchema })
  .partial();
export type TrainingSettings = z.infer<typeof trainingSettingsSchema>;

/** Fills the settings up with the defaults for this many training rows, those of a network that sees where it `sees`. */
export function resolveSettings(
  settings: TrainingSettings,
  trainRows: number,
  sees = false,
): { readonly specification: NetworkSpecification; readonly hyperparameters: Hyperparameters } {
  const defaults = defaultTraining(trainRows);
  const given = Object.fromEntries(
    Object.entries(settings).filter(([name, value]) => value !== undefined && name !== 'images'),
  );
  const { hiddenWidths, taskEmbeddingSize, ...hyperparameters } = completeSettingsSchema.parse({
    ...defaults.specification,
    ...defaults.hyperparameters,
    ...(sees ? defaultImageHyperparameters(trainRows) : {}),
    ...given,
  });
  return { specification: { hiddenWidths, taskEmbeddingSize }, hyperparameters };
}
