import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { commandTrainer } from '../../../activities/adapters/command-trainer.ts';
import { readSearch } from '../../../activities/report/read-search.ts';
import { trainModel, type TrainModelInput } from '../../../activities/training/train-model.ts';
import { endTrials, trainTrial } from '../../../activities/training/train-trial.ts';
import { isFailure } from '../../../store/failures.ts';
import { toolForTest } from '../../support/tool.ts';
import { quick, trainingWorld } from './training-world.ts';

const example = fileURLToPath(new URL('../../../docs/examples/command_trainer.py', import.meta.url));

describe('trainTrial', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  beforeEach(async () => {
    world = await trainingWorld();
  });
  afterEach(() => world.close());

  const input = (runId: string, changes: Partial<TrainModelInput> = {}): TrainModelInput => ({
    runId,
    trainingSetDigest: world.trainingSetDigest,
    robotType: world.robotType,
    hyperparameters: { ...quick, hiddenWidths: [...quick.hiddenWidths] },
    seed: 7,
    trainer: { kind: 'onnx' },
    ...changes,
  });
  const keys = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of world.store.list(prefix)) found.push(key.slice(prefix.length));
    return found;
  };

  it('stops at rungs and gives the model of a training without them, whatever died in between', async () => {
    const whole = await trainModel(world.ports)(input('whole'));
    const trial = input('c-0');
    const steps: number[] = [];
    const progress = ({ step, untilStep }: Readonly<Record<string, unknown>>): void => {
      assert.equal(untilStep, 200);
      if (typeof step === 'number') steps.push(step);
      if (step === 150) throw new Error('killed');
    };
    const first = await trainTrial(world.ports)({ ...trial, untilStep: 90 });
    assert.equal(first.steps, 100);
    assert.deepEqual(await keys('training-runs/c-0/'), [
      ...(await keys('training-runs/c-0/checkpoints/')).map((key) => `checkpoints/${key}`),
      'job.json',
      'rung.json',
    ]);
    await assert.rejects(trainTrial({ ...world.ports, progress })({ ...trial, untilStep: 200 }), /killed/);
    assert.ok(Math.min(...steps) > 100, 'goes on from the rung before');
    const second = await trainTrial(world.ports)({ ...trial, untilStep: 200 });
    assert.deepEqual(await trainTrial(world.ports)({ ...trial, untilStep: 200 }), second);
    const ended = await trainModel(world.ports)(trial);
    assert.equal(ended.modelSha256, whole.modelSha256);
    assert.deepEqual(await keys('training-runs/c-0/checkpoints/'), []);
  });

  it('tells settings that cannot be trained as a result, and refuses another job or no step', async () => {
    const trainers = { ...world.ports.trainers, onnx: { train: () => Promise.reject(new Error('lost the machine')) } };
    await assert.rejects(
      trainTrial({ ...world.ports, trainers })({ ...input('c-1'), untilStep: 50 }),
      /lost the machine/,
    );
    const program = join(world.ports.scratchDirectory, 'impossible.mjs');
    await writeFile(program, `console.error('no such depth'); process.exitCode = 65;`);
    const command = input('c-2', { trainer: { kind: 'command', command: [process.execPath, program] } });
    assert.deepEqual(await trainTrial(world.ports)({ ...command, untilStep: 50 }), { validationLoss: null, steps: 0 });
    await trainTrial(world.ports)({ ...input('c-0'), untilStep: 40 });
    await assert.rejects(trainTrial(world.ports)({ ...input('c-0', { seed: 8 }), untilStep: 80 }), (error) =>
      isFailure(error, 'Conflict'),
    );
    for (const untilStep of [0, -1, 1.5, Number.NaN])
      await assert.rejects(trainTrial(world.ports)({ ...input('c-3'), untilStep }), (error) =>
        isFailure(error, 'InvalidInput'),
      );
    await endTrials(world.ports)({ runIds: ['c-0', 'never-began'] });
    assert.deepEqual(await keys('training-runs/c-0/checkpoints/'), []);
  });

  it('takes a program of contract 3 to its rungs, with a whole curve in the end', async function () {
    const python = await toolForTest(this, 'python');
    const ports = {
      ...world.ports,
      trainers: { ...world.ports.trainers, command: (command: readonly string[]) => commandTrainer(command) },
    };
    const trial = (runId: string, learningRate: number): TrainModelInput =>
      input(runId, {
        hyperparameters: { learningRate, maxSteps: 300, evaluateEverySteps: 50, checkpointEverySteps: 1000 },
        trainer: { kind: 'command', command: [python, example] },
      });
    const whole = await trainModel(ports)(trial('whole', 0.01));
    const losses = await Promise.all(
      [0.01, 1e-6].map((rate, at) => trainTrial(ports)({ ...trial(`c-${at}`, rate), untilStep: 80 })),
    );
    assert.deepEqual(
      losses.map(({ steps }) => steps),
      [100, 100],
    );
    assert.ok(losses[0]!.validationLoss! < losses[1]!.validationLoss!);
    const again = await trainTrial(ports)({ ...trial('c-0', 0.01), untilStep: 100 });
    assert.deepEqual(again, losses[0], 'a rung that is reached already costs nothing and says the same');
    const ended = await trainModel(ports)(trial('c-0', 0.01));
    assert.equal(ended.modelSha256, whole.modelSha256);
    const [kept, stopped] = await readSearch(world.store, ended.metricsKey);
    assert.deepEqual(
      kept?.curve.map(({ step }) => step),
      [50, 100, 150, 200, 250, 300],
    );
    assert.deepEqual([kept?.isKept, stopped?.isKept, stopped?.stoppedAtStep], [true, false, 100]);
  });
});
