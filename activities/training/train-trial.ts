import { z } from 'zod';

import type { CurvePoint } from '../../policies/checkpoint.ts';
import { failure, isFailure } from '../../store/failures.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  claimRun,
  parseTraining,
  trainingMetricsSchema,
  trainUntil,
  type TrainModelInput,
  type TrainModelPorts,
} from './train-model.ts';
import { storedCheckpoints, trainingRunFile } from './training-run.ts';

/** What `rung.json` of a trial says: how far it was brought, and how good it was there. */
export const rungSchema = z.strictObject({
  untilStep: z.int(),
  /** Null: it could not be trained, for this reason. */
  metrics: trainingMetricsSchema.nullable(),
  reason: z.string().optional(),
  hyperparameters: z.record(z.string(), z.unknown()),
});

export type TrainTrialInput = TrainModelInput & {
  /** Ends at the first measurement at or after this step. */
  readonly untilStep: number;
};

export interface TrainTrialResult {
  /** Null: these settings cannot be trained. */
  readonly validationLoss: number | null;
  readonly steps: number;
}

/**
 * Brings one trial of a search to a rung. Idempotent by (`runId`, `untilStep`): a rung that was reached is read, and the next one, or
 * `trainModel` of the same job, goes on from its checkpoint. Settings that cannot be trained are a result and no failure.
 */
export const trainTrial =
  (ports: TrainModelPorts) =>
  async ({ untilStep, ...input }: TrainTrialInput): Promise<TrainTrialResult> => {
    if (!Number.isInteger(untilStep) || untilStep < 1)
      throw failure('InvalidInput', `trainTrial: untilStep: expected a whole number from 1 on, got ${untilStep}`);
    const request = parseTraining('trainTrial', input);
    await claimRun(ports.store, request);
    const key = trainingRunFile(request.runId, 'rung.json');
    const stored = await readJson(ports.store, key, rungSchema);
    if (stored?.untilStep === untilStep) return resultOf(stored);
    const { hyperparameters } = request;
    const before = stored?.metrics?.curve ?? [];
    const reached = await trainUntil(ports, request, untilStep).then(
      (metrics) => ({ untilStep, metrics: { ...metrics, curve: joinedCurve(before, metrics.curve) }, hyperparameters }),
      (error: unknown) => {
        if (!isFailure(error, 'TrainingImpossible')) throw error;
        return { untilStep, metrics: null, reason: error.message.slice(0, 1000), hyperparameters };
      },
    );
    await ports.store.put(key, jsonBytes(reached));
    return resultOf(reached);
  };

const resultOf = ({ metrics }: z.output<typeof rungSchema>): TrainTrialResult => ({
  validationLoss: metrics?.validationLoss ?? null,
  steps: metrics?.steps ?? 0,
});

/** A program that goes on need not tell once more what it told before. */
export const joinedCurve = (before: readonly CurvePoint[], after: readonly CurvePoint[]): CurvePoint[] => [
  ...before.filter(({ step }) => step < (after[0]?.step ?? Infinity)),
  ...after,
];

/** Deletes the checkpoints of trials that do not go on. Idempotent by `runIds`: what is gone stays gone. */
export const endTrials =
  ({ store }: { readonly store: ObjectStore }) =>
  async ({ runIds }: { readonly runIds: readonly string[] }): Promise<void> => {
    for (const runId of runIds) await storedCheckpoints(store, runId).deleteAll();
  };
