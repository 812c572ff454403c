import assert from 'node:assert/strict';

import { DivergedTraining, learningRateAt, trainNetwork } from '../../policies/training-loop.ts';
import { learnableRows, sourceOf, tinyTraining } from './tiny-training.ts';

class Killed extends Error {}

describe('the training loop', () => {
  it('learns what can be learned, and reports the curve', async () => {
    const { curve, steps, bestStep } = await trainNetwork(
      tinyTraining({ hyperparameters: { ...tinyTraining().hyperparameters, maxSteps: 300 } }),
    );
    assert.equal(steps, 300);
    assert.deepEqual(
      curve.map(({ step }) => step),
      Array.from({ length: 30 }, (_, index) => 10 * (index + 1)),
    );
    const best = curve.find(({ step }) => step === bestStep)!;
    assert.ok(best.validationAgreementFraction > 0.9, `${best.validationAgreementFraction}`);
    assert.ok(best.validationLoss < curve[0]!.validationLoss / 2);
  });

  it('gives the same parameters for the same seed and others for another', async () => {
    const [first, second, other] = [
      await trainNetwork(tinyTraining()),
      await trainNetwork(tinyTraining()),
      await trainNetwork(tinyTraining({ seed: 6 })),
    ];
    assert.deepEqual(first.parameters, second.parameters);
    assert.notDeepEqual(first.parameters, other.parameters);
  });

  it('goes on from any checkpoint to bit-identical results, whatever step it was killed at', async () => {
    const whole = await trainNetwork(tinyTraining());
    for (const killedAt of [7, 14, 35, 56]) {
      let saved: Uint8Array | undefined;
      const checkpoints = {
        save: async (step: number, bytes: Uint8Array) => {
          saved = bytes;
          if (step === killedAt) throw new Killed();
        },
        latest: async () => saved,
      };
      await assert.rejects(trainNetwork(tinyTraining({ checkpoints })), Killed);
      const { dataWaitFraction: _, ...resumed } = await trainNetwork(
        tinyTraining({ checkpoints: { save: async () => undefined, latest: async () => saved } }),
      );
      const { dataWaitFraction: __, ...expected } = whole;
      assert.deepEqual(resumed, expected, `killed at ${killedAt}`);
    }
  });

  it('stops at the first measurement at or after a step, and goes on from there as if it had not', async () => {
    const { dataWaitFraction: _, ...whole } = await trainNetwork(tinyTraining());
    let saved: Uint8Array | undefined;
    const checkpoints = {
      save: async (_step: number, bytes: Uint8Array) => void (saved = bytes),
      latest: async () => saved,
    };
    for (const [untilStep, steps] of [
      [1, 10],
      [21, 30],
      [30, 30],
      [1000, 60],
    ] as const) {
      const rung = await trainNetwork(tinyTraining({ checkpoints, untilStep }));
      assert.equal(rung.steps, steps);
      assert.deepEqual(rung.curve, whole.curve.slice(0, steps / 10));
      const { dataWaitFraction: __, ...ended } = await trainNetwork(
        tinyTraining({ checkpoints: { ...checkpoints, save: async () => undefined } }),
      );
      assert.deepEqual(ended, whole, `after a stop at ${untilStep}`);
    }
  });

  it('trains on rows that come in several blocks and groups', async () => {
    const all = learnableRows(300, 1);
    const part = (start: number, end: number) => ({
      rows: end - start,
      observation: all.observation.subarray(3 * start, 3 * end),
      task: all.task.subarray(start, end),
      label: all.label.subarray(start, end),
      weight: all.weight.subarray(start, end),
    });
    const split = sourceOf(part(0, 100), part(100, 170), part(170, 300));
    const { curve } = await trainNetwork(tinyTraining({ train: split, groupRows: 120 }));
    assert.equal(curve.length, 6);
  });

  it('stops early when validation loss no longer falls, and keeps the best parameters', async () => {
    const noise = learnableRows(100, 3);
    noise.label.set(noise.label.map((_, row) => row % 3));
    const hyperparameters = { ...tinyTraining().hyperparameters, maxSteps: 2000, patienceEvaluations: 3 };
    const { steps, bestStep, curve } = await trainNetwork(
      tinyTraining({ hyperparameters, validation: sourceOf(noise) }),
    );
    assert.ok(steps < 2000);
    assert.equal(steps - bestStep, 30);
    assert.equal(
      Math.min(...curve.map(({ validationLoss }) => validationLoss)),
      curve.find(({ step }) => step === bestStep)!.validationLoss,
    );
  });

  it('begins again where the checkpoint is of other settings, such as the defaults of an earlier build', async () => {
    const saved: Uint8Array[] = [];
    const checkpoints = {
      save: async (_: number, bytes: Uint8Array) => void saved.push(bytes),
      latest: async () => saved.at(-1),
    };
    const other = { ...tinyTraining().hyperparameters, learningRate: 0.1, maxSteps: 30 };
    await trainNetwork(tinyTraining({ hyperparameters: other, checkpoints }));
    assert.ok(saved.length > 0);
    const begun = await trainNetwork(tinyTraining({ checkpoints: { ...checkpoints, save: async () => undefined } }));
    assert.deepEqual(begun.parameters, (await trainNetwork(tinyTraining())).parameters);
  });

  it('ends with an error of its own when the loss is no number', async () => {
    const broken = learnableRows(100, 1);
    broken.weight[5] = Number.NaN;
    await assert.rejects(trainNetwork(tinyTraining({ train: sourceOf(broken) })), DivergedTraining);
  });

  it('trains on fewer rows than a batch', async () => {
    const { steps } = await trainNetwork(tinyTraining({ train: sourceOf(learnableRows(5, 1)) }));
    assert.equal(steps, 60);
  });

  it('learns continuous actions', async () => {
    const rows = learnableRows(300, 1);
    const label = Float32Array.from(
      { length: 600 },
      (_, index) => 3 + rows.observation[3 * (index >> 1)]! * (index % 2),
    );
    const continuous = { ...tinyTraining().shape, head: 'continuous' as const, actionSize: 2 };
    const start = new Float32Array(4 + 24 + 16 + 8 + 16 + 2).map((_, index) => Math.sin(index) / 3);
    const { curve } = await trainNetwork(
      tinyTraining({
        shape: continuous,
        start,
        train: sourceOf({ ...rows, label }),
        validation: sourceOf({ ...rows, label }),
        label: { mean: Float32Array.of(3, 3), scale: Float32Array.of(0, 1) },
        tolerance: Float32Array.of(0.2, 0.2),
        hyperparameters: { ...tinyTraining().hyperparameters, maxSteps: 400 },
      }),
    );
    assert.ok(curve.at(-1)!.validationLoss < 0.01);
    assert.ok(curve.at(-1)!.validationAgreementFraction > 0.9);
  });

  it('lets the learning rate fall along half a cosine', () => {
    const { hyperparameters } = tinyTraining();
    assert.equal(learningRateAt(hyperparameters, 0), 0.03);
    assert.ok(Math.abs(learningRateAt(hyperparameters, 30) - 0.015) < 1e-12);
    assert.ok(learningRateAt(hyperparameters, 60) < 1e-12);
  });
});
