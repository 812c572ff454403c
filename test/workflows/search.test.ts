import assert from 'node:assert/strict';

import { ApplicationFailure } from '@temporalio/common';

import { failureOf, withWorker } from './harness.ts';
import { stubs } from './stubs.ts';

const search = { trials: 9, reduction: 3, budgetTrainings: 3 };
const planned = {
  trials: Array.from({ length: 9 }, (_, trial) => ({ summary: `trial ${trial}`, hyperparameters: { trial } })),
  rungs: [
    { untilStep: 100, trials: 9 },
    { untilStep: 300, trials: 3 },
  ],
};
const trialOf = ({ runId }: { readonly runId: string }): number => Number(/-(\d+)$/.exec(runId)?.[1]);

/** Runs a training whose trials have these losses at each rung, and tells what was trained until where. */
async function searched(
  losses: (trial: number, untilStep: number) => number | null,
  untrainable: readonly number[] = [],
) {
  const { activities, calls } = stubs({
    planTraining: async () => planned,
    trainTrial: async (input) => ({ validationLoss: losses(trialOf(input), input.untilStep), steps: input.untilStep }),
    trainModel: async (input) => {
      if (untrainable.includes(trialOf(input))) throw ApplicationFailure.nonRetryable('diverged', 'TrainingImpossible');
      return {
        modelKey: `training-runs/${input.runId}/model.onnx`,
        modelSha256: 'c'.repeat(64),
        metricsKey: `training-runs/${input.runId}/metrics.json`,
        hyperparameters: { trial: trialOf(input) },
        validationLoss: 0.1,
        steps: 900,
      };
    },
  });
  const outcome = await withWorker(activities, async ({ start }) => {
    const handle = await start('trainPolicy', { training: { search, seed: 4 } });
    return handle.result().then(
      (result: { readonly metricsKey: string }) => result.metricsKey,
      async (error: unknown) => (await failureOf(Promise.reject(error as Error))).message,
    );
  });
  const inputs = (name: string) =>
    calls.filter((call) => call.name === name).map(({ input }) => input as { runId: string; untilStep: number });
  const reached = (untilStep: number): number[] =>
    inputs('trainTrial')
      .filter((input) => input.untilStep === untilStep)
      .map(trialOf)
      .toSorted((one, other) => one - other);
  return {
    outcome,
    plan: calls.find(({ name }) => name === 'planTraining')?.input as Record<string, unknown>,
    first: reached(100),
    second: reached(300),
    ended: inputs('trainModel').map(trialOf),
    forgotten: (calls.find(({ name }) => name === 'endTrials')?.input as { runIds: string[] } | undefined)?.runIds.map(
      (runId) => trialOf({ runId }),
    ),
  };
}

describe('a search with early stopping', () => {
  it('lets the best of each rung go on, and trains one to its end', async () => {
    const { outcome, plan, first, second, ended, forgotten } = await searched((trial, untilStep) =>
      untilStep === 100 ? Math.abs(trial - 5) : trial,
    );
    assert.deepEqual([plan['search'], plan['seed']], [search, 4]);
    assert.deepEqual(first, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(second, [4, 5, 6]);
    assert.deepEqual(ended, [4]);
    assert.match(outcome, /-4\/metrics\.json$/);
    assert.deepEqual(forgotten, [0, 1, 2, 3, 5, 6, 7, 8]);
  });

  it('leaves out what cannot be trained, and goes back to what was stopped when nothing else is left', async () => {
    const { second, ended, forgotten } = await searched((trial, untilStep) => {
      if (untilStep === 300) return null;
      return trial < 5 ? null : trial;
    });
    assert.deepEqual(second, [5, 6, 7]);
    assert.deepEqual(ended, [8]);
    assert.equal(forgotten?.length, 8);
  });

  it('takes the next best where the best diverges at its end, three at most', async () => {
    const loss = (trial: number): number => trial;
    assert.deepEqual((await searched(loss, [0, 1])).ended, [0, 1, 2]);
    const none = await searched(loss, [0, 1, 2, 3]);
    assert.deepEqual([none.ended, none.outcome, none.forgotten], [[0, 1, 2], 'diverged', undefined]);
  });

  it('says why where no trial can be trained', async () => {
    const { first, second, ended, outcome } = await searched(() => null, [0, 1, 2]);
    assert.deepEqual([first.length, second, ended, outcome], [9, [], [0, 1, 2], 'diverged']);
  });
});
