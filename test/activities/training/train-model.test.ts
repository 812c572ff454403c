import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';

import { isFailure } from '../../../store/failures.ts';
import { trainModel, trainingMetricsSchema, type TrainModelInput } from '../../../activities/training/train-model.ts';
import type { Trainer } from '../../../activities/ports/trainer.ts';
import { quick, trainingWorld } from './training-world.ts';

const counting = (trainer: Trainer): { trainer: Trainer; calls: number } => {
  const counted = {
    calls: 0,
    trainer: {
      train: (...parameters: Parameters<Trainer['train']>) => {
        counted.calls += 1;
        return trainer.train(...parameters);
      },
    },
  };
  return counted;
};

const cancelAt220 = ({ step }: Readonly<Record<string, unknown>>): void => {
  if (step === 220) throw new Error('cancelled');
};

describe('trainModel', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  beforeEach(async () => {
    world = await trainingWorld();
  });
  afterEach(() => world.close());

  const input = (changes: Partial<TrainModelInput> = {}): TrainModelInput => ({
    runId: 'run-1',
    trainingSetDigest: world.trainingSetDigest,
    robotType: world.robotType,
    hyperparameters: { ...quick, hiddenWidths: [...quick.hiddenWidths] },
    seed: 7,
    trainer: { kind: 'onnx' },
    ...changes,
  });
  const keys = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of world.store.list(prefix)) found.push(key);
    return found;
  };
  it('stores model and metrics, tells what shaped them, and leaves nothing else behind', async () => {
    const result = await trainModel(world.ports)(input());
    const model = await world.store.get(result.modelKey);
    assert.equal(createHash('sha256').update(model!).digest('hex'), result.modelSha256);
    const metrics = trainingMetricsSchema.parse(
      JSON.parse(new TextDecoder().decode(await world.store.get(result.metricsKey))),
    );
    assert.equal(metrics.steps, 300);
    assert.equal(metrics.curve.length, 15);
    assert.equal(result.hyperparameters['weightDecay'], 0.3, 'the default of small sets');
    assert.ok(metrics.validationAgreementFraction! > 0.9);
    assert.deepEqual(await keys('training-runs/'), [
      'training-runs/run-1/job.json',
      'training-runs/run-1/metrics.json',
      'training-runs/run-1/model.onnx',
    ]);
    assert.deepEqual(await readdir(world.ports.scratchDirectory), []);
  });

  it('returns a finished training without training again', async () => {
    const onnx = counting(world.ports.trainers.onnx);
    const ports = { ...world.ports, trainers: { ...world.ports.trainers, onnx: onnx.trainer } };
    const first = await trainModel(ports)(input());
    assert.deepEqual(await trainModel(ports)(input()), first);
    assert.equal(onnx.calls, 1);
  });

  it('gives the same model for the same seed on another empty store', async () => {
    const other = await trainingWorld();
    const [here, there] = [
      await trainModel(world.ports)(input()),
      await trainModel(other.ports)(input({ runId: 'b' })),
    ];
    await other.close();
    assert.equal(here.modelSha256, there.modelSha256);
    const reseeded = await trainModel(world.ports)(input({ runId: 'c', seed: 8 }));
    assert.notEqual(here.modelSha256, reseeded.modelSha256);
  });

  it('refuses another job under the same id', async () => {
    await trainModel(world.ports)(input());
    await assert.rejects(trainModel(world.ports)(input({ seed: 9 })), (error) => isFailure(error, 'Conflict'));
  });

  it('keeps two checkpoints, and goes on from the last one to the same model', async () => {
    const expected = await trainModel(world.ports)(input({ runId: 'whole' }));
    await assert.rejects(trainModel({ ...world.ports, progress: cancelAt220 })(input()), /cancelled/);
    const saved = await keys('training-runs/run-1/checkpoints/');
    assert.deepEqual(
      saved.map((key) => Number(key.split('/')[3]?.slice(0, 12))),
      [150, 200],
    );
    const seen: number[] = [];
    const from = new Set<unknown>();
    const resumed = await trainModel({
      ...world.ports,
      progress: ({ step, fromStep, maxSteps }) => {
        if (typeof step !== 'number') return;
        seen.push(step);
        from.add(`from ${String(fromStep)} of ${String(maxSteps)}`);
      },
    })(input());
    assert.ok(Math.min(...seen) > 200);
    // People are told from where this attempt went on, and how many steps there are at most.
    assert.deepEqual([...from], [`from ${seen[0]} of ${Math.max(...seen)}`]);
    assert.equal(resumed.modelSha256, expected.modelSha256);
    assert.deepEqual(await keys('training-runs/run-1/checkpoints/'), []);
  });

  it('uses the checkpoint before when the last one is damaged', async () => {
    const expected = await trainModel(world.ports)(input({ runId: 'whole' }));
    await assert.rejects(trainModel({ ...world.ports, progress: cancelAt220 })(input()), /cancelled/);
    const last = (await keys('training-runs/run-1/checkpoints/')).at(-1)!;
    await world.store.put(last, new Uint8Array(100));
    assert.equal((await trainModel(world.ports)(input())).modelSha256, expected.modelSha256);
  });

  it('starts from the champion when asked, and says so', async () => {
    const cold = await trainModel(world.ports)(input());
    await world.store.put('models/p/1.0.0/model.onnx', (await world.store.get(cold.modelKey))!);
    const warm = await trainModel(world.ports)(
      input({
        runId: 'warm',
        startFromVersion: { policy: 'p', version: '1.0.0' },
        hyperparameters: { ...quick, hiddenWidths: [8], maxSteps: 20, learningRate: 1e-4 },
      }),
    );
    const metrics = JSON.parse(new TextDecoder().decode(await world.store.get(warm.metricsKey))) as {
      warmStart: string;
    };
    assert.equal(metrics.warmStart, 'warm');
    assert.ok(warm.validationLoss < cold.validationLoss * 1.2);
  });

  it('names what is wrong with its input', async () => {
    const rejects = (
      changes: Partial<TrainModelInput>,
      type: 'InvalidInput' | 'NotFound' | 'CorruptData',
      text: RegExp,
    ) =>
      assert.rejects(trainModel(world.ports)(input({ runId: 'bad', ...changes })), (error: Error) => {
        assert.ok(isFailure(error, type), `${(error as { type?: string }).type} ${String(error)}`);
        assert.match(error.message, text);
        return true;
      });
    await rejects({ hyperparameters: { learningRat: 1 } }, 'InvalidInput', /learningRat/);
    await rejects({ hyperparameters: { learningRate: -1 } }, 'InvalidInput', /learningRate/);
    await rejects({ trainingSetDigest: 'f'.repeat(64), runId: 'b2' }, 'NotFound', /manifest/);
    await rejects({ robotType: { id: 'unknown', version: 1 }, runId: 'b3' }, 'NotFound', /unknown@1/);
    await world.store.put(`training-sets/${world.trainingSetDigest}/train.arrow`, new Uint8Array(64));
    await rejects({ runId: 'b4' }, 'CorruptData', /expected a file with sha256/);
  });
});
