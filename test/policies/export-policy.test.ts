import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { robotInputs } from '../../policies/evaluation/robot-inputs.ts';
import { runPolicy } from '../../policies/run-policy.ts';
import { exportPolicy, type PolicyParts } from '../../policies/export-policy.ts';
import { initialParameters, parameterCount, parameterLayout } from '../../policies/network.ts';
import { columnMoments } from '../../policies/normalisation.ts';
import { decodeModel } from '../../policies/onnx/wire-format.ts';
import { ioProblems, networkShape, policyMetadataKey, policySizes } from '../../policies/policy-io.ts';
import { randomStream } from '../../policies/random.ts';
import { float32Tensor, int32Tensor } from '../../policies/runtime.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { buildScoring, buildTrainingSteps } from '../../policies/training-graph.ts';
import { warmStart } from '../../policies/warm-start.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';
import { runtime } from './tiny-training.ts';

const ranges = [
  { name: 'speed', unit: 'm/s', min: -1, max: 1 },
  { name: 'turn', unit: 'rad/s', min: 0, max: 3 },
];
const discrete = testRobotType();
const continuous = testRobotType({ actions: { kind: 'continuous', ranges } });

function partsOf(type = discrete, seed = 1): PolicyParts {
  const shape = networkShape(policySizes(type)!, { hiddenWidths: [6, 5], taskEmbeddingSize: 2 });
  const random = randomStream(seed, 'parts');
  const normalisation = (size: number) => ({
    mean: Float32Array.from({ length: size }, () => 2 * random() - 1),
    scale: Float32Array.from({ length: size }, () => 0.5 + random()),
  });
  return {
    shape,
    parameters: initialParameters(shape, random).map((value) => value + 0.1 * random()),
    observation: normalisation(3),
    label: type.actions.kind === 'continuous' ? normalisation(2) : undefined,
  };
}

async function answers(model: Uint8Array, type = discrete, rows = 40): Promise<Float32Array> {
  const random = randomStream(9, 'rows');
  const session = await runtime.open(model);
  try {
    const observation = Float32Array.from({ length: rows * 3 }, () => 4 * random() - 2);
    const task = Int32Array.from({ length: rows }, (_, row) => row % type.tasks.length);
    return await runPolicy(session, policySizes(type)!, observation, task);
  } finally {
    await session.close();
  }
}

const near = (a: Float32Array, b: Float32Array, tolerance = 1e-4): void => {
  assert.equal(a.length, b.length);
  a.forEach((value, index) => assert.ok(Math.abs(value - b[index]!) <= tolerance, `${index}: ${value} ${b[index]}`));
};

describe('an exported policy', () => {
  it('has the inputs and outputs of its robot type', async () => {
    for (const type of [discrete, continuous]) {
      const session = await runtime.open(exportPolicy(partsOf(type), type));
      assert.deepEqual(ioProblems(session, policySizes(type)!), []);
      await session.close();
    }
  });

  it('is the same bytes for the same parts, and carries names and units only', () => {
    const model = exportPolicy(partsOf(), discrete);
    assert.deepEqual(exportPolicy(partsOf(), discrete), model);
    const { metadataProps, producerName, irVersion } = decodeModel(model);
    assert.deepEqual(
      metadataProps.map(({ key }) => key),
      [policyMetadataKey],
    );
    const description = JSON.parse(metadataProps[0]!.value) as Record<string, unknown>;
    assert.deepEqual(Object.keys(description), [
      'hiddenWidths',
      'taskEmbeddingSize',
      'observations',
      'actions',
      'tasks',
    ]);
    assert.deepEqual(
      description['observations'],
      ['a', 'b', 'c'].map((name) => ({ name, unit: 'm' })),
    );
    assert.deepEqual([producerName, irVersion], ['flywheel', 8]);
  });

  it('is the same bytes as before networks saw pictures, and so are its training and scoring graphs', () => {
    const hashes = [discrete, continuous].flatMap((type) => {
      const parts = partsOf(type);
      return [exportPolicy(parts, type), buildScoring(parts), buildTrainingSteps(parts), tinyPolicy(type, 1)].map(
        (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16),
      );
    });
    assert.deepEqual(hashes, [
      '37b2bc28071b4468',
      '296d60f7213dc93c',
      '695f182e65e84a93',
      '3d2d080ac215e59d',
      'de3c0c4263a2074a',
      '4a0e580656190730',
      'd0d5624d0d2dd8c0',
      'aef275cb941481f6',
    ]);
  });

  it('answers raw readings as the trained network does', async () => {
    const parts = partsOf();
    const scoring = await runtime.open(buildScoring(parts));
    const observation = Float32Array.of(0.1, -1.5, 2, 1, 1, 1);
    const feeds = { observation: float32Tensor(observation, [2, 3]), task: int32Tensor(Int32Array.of(0, 1), [2]) };
    const { prediction } = await scoring.run({
      ...feeds,
      parameters: float32Tensor(parts.parameters, [parts.parameters.length]),
    });
    const session = await runtime.open(exportPolicy(parts, discrete));
    const { probabilities } = await session.run(feeds);
    await Promise.all([scoring.close(), session.close()]);
    const scores = prediction!.data as Float32Array;
    const softmax = [0, 3].flatMap((start) => {
      const powers = [...scores.subarray(start, start + 3)].map(Math.exp);
      return powers.map((power) => power / powers.reduce((sum, value) => sum + value, 0));
    });
    near(Float32Array.from(softmax), probabilities!.data as Float32Array, 1e-5);
  });

  it('answers absurd readings with finite numbers, and never commands beyond the ranges', async () => {
    for (const type of [discrete, continuous]) {
      const session = await runtime.open(exportPolicy(partsOf(type), type));
      const { observation, task } = robotInputs(type, 1, 0, 400);
      const outputs = await runPolicy(session, policySizes(type)!, observation, task);
      await session.close();
      assert.ok(outputs.every(Number.isFinite));
      if (type === discrete) continue;
      outputs.forEach((value, index) => {
        const { min, max } = ranges[index % 2]!;
        assert.ok(value >= min && value <= max, `${value}`);
      });
    }
  });

  it('leaves out a reading that never varied in training', async () => {
    const parts = partsOf();
    parts.observation.scale[1] = 0;
    const session = await runtime.open(exportPolicy(parts, discrete));
    const run = (value: number) =>
      runPolicy(session, policySizes(discrete)!, Float32Array.of(0.5, value, 0.5), Int32Array.of(0));
    assert.deepEqual(await run(-100), await run(100));
    await session.close();
  });
});

describe('a tiny policy', () => {
  it('is the same for the same seed, small, and poor', async () => {
    assert.deepEqual(tinyPolicy(discrete, 1), tinyPolicy(discrete, 1));
    assert.notDeepEqual(tinyPolicy(discrete, 1), tinyPolicy(discrete, 2));
    assert.ok(tinyPolicy(discrete, 1).length < 10_000);
    assert.ok((await answers(tinyPolicy(continuous, 1), continuous)).every(Number.isFinite));
  });

  it('cannot be made for a robot without actions', () => {
    assert.throws(() => tinyPolicy(testRobotType({ actions: { kind: 'none' } }), 1), /with actions/);
  });
});

describe('a warm start', () => {
  it('answers as the model did, although the data is normalised otherwise now', async () => {
    for (const type of [discrete, continuous]) {
      const model = exportPolicy(partsOf(type), type);
      const target = partsOf(type, 2);
      const start = warmStart({ ...target, model, type, fresh: target.parameters });
      assert.equal(start.kind, 'warm');
      if (start.kind !== 'warm') return;
      near(
        await answers(exportPolicy({ ...target, parameters: start.parameters }, type), type),
        await answers(model, type),
      );
    }
  });

  it('keeps what is known of the old tasks when a task is added', async () => {
    const more = testRobotType({ tasks: ['park', 'drive', 'dock'] });
    const target = partsOf(more, 2);
    const start = warmStart({
      ...target,
      model: exportPolicy(partsOf(), discrete),
      type: more,
      fresh: target.parameters,
    });
    assert.equal(start.kind, 'warm');
    const row = (parts: PolicyParts, task: number): number[] => {
      const slot = parameterLayout(parts.shape).find(({ name }) => name === 'task_embedding')!;
      return [...parts.parameters.subarray(slot.start + 2 * task, slot.start + 2 * task + 2)];
    };
    const [old, now] = [partsOf(), { ...target, parameters: target.parameters }];
    assert.deepEqual([row(now, 0), row(now, 1)], [row(old, 1), row(old, 0)]);
  });

  it('is cold for another architecture, robot or maker, and says why', () => {
    const target = partsOf();
    const cold = (model: Uint8Array, changes: Partial<Parameters<typeof warmStart>[0]> = {}): string => {
      const start = warmStart({ ...target, model, type: discrete, fresh: target.parameters, ...changes });
      return start.kind === 'cold' ? start.reason : 'warm';
    };
    const model = exportPolicy(partsOf(), discrete);
    assert.equal(cold(tinyPolicy(discrete, 1)), 'other hidden widths');
    assert.equal(cold(model, { type: testRobotType({ observations: [] }) }), 'other observations');
    assert.equal(cold(model, { type: continuous }), 'other actions');
    assert.equal(cold(buildScoring(target)), 'the model was not made by this trainer');
  });
});

describe('the parameters of a network', () => {
  it('fill the flat vector without gaps', () => {
    const { shape } = partsOf();
    const layout = parameterLayout(shape);
    layout.forEach((slot, index) =>
      assert.equal(slot.start, index === 0 ? 0 : layout[index - 1]!.start + layout[index - 1]!.size),
    );
    assert.equal(parameterCount(shape), 2 * 2 + 3 * 6 + 2 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3);
  });
});

describe('the moments of columns', () => {
  it('are mean and standard deviation, whatever the batches', () => {
    const random = randomStream(1, 'moments');
    const values = Float32Array.from({ length: 3000 }, (_, index) => (index % 3 === 2 ? 7 : 1e4 + random()));
    const whole = columnMoments(3);
    whole.take(values);
    const parts = columnMoments(3);
    for (let start = 0; start < 3000; start += 999) parts.take(values.subarray(start, start + 999));
    const { mean, scale } = whole.finish();
    near(mean, parts.finish().mean, 1e-2);
    const column = [...values].filter((_, index) => index % 3 === 0);
    const average = column.reduce((sum, value) => sum + value, 0) / 1000;
    const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - average) ** 2, 0) / 1000);
    assert.ok(Math.abs(mean[0]! - average) < 1e-2);
    assert.equal(scale[2], 0);
    assert.ok(scale[0] === 0 || Math.abs(scale[0]! * deviation - 1) < 1e-3);
  });

  it('refuse what is no number, naming the column', () => {
    const moments = columnMoments(2);
    moments.take(Float32Array.of(1, 2, 3, Number.NaN));
    assert.throws(() => moments.finish(), /column 1/);
  });
});
