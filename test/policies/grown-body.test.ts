import assert from 'node:assert/strict';

import { actionMap, observationMap, partialObservations } from '../../datasets/bodies/body-map.ts';
import type { Follows } from '../../datasets/bodies/follows.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { mappedSession, type ForeignBody } from '../../policies/evaluation/mapped-session.ts';
import { exportPolicy, type PolicyParts } from '../../policies/export-policy.ts';
import type { GrownBody } from '../../policies/grown-body.ts';
import { initialParameters, parameterLayout } from '../../policies/network.ts';
import { networkShape, policySizes } from '../../policies/policy-io.ts';
import { randomStream } from '../../policies/random.ts';
import { runPolicy } from '../../policies/run-policy.ts';
import { warmStart } from '../../policies/warm-start.ts';
import { body } from '../datasets/bodies/typed-bodies.ts';
import { runtime } from './tiny-training.ts';

const features: Pick<Follows, 'observations' | 'gone'> = {
  observations: [
    { name: 'ring', is: 'renamed', from: 'range' },
    { name: 'velocity', is: 'scaled', from: 'speed', factor: 100, offset: 5 },
    { name: 'bumper', is: 'new', fill: 0.5 },
  ],
  gone: [{ name: 'old', fill: 0.7 }],
};
const before = { version: 1, features: ['range', 'speed', 'old'] } as const;
const after = { version: 2, features: ['bumper', 'velocity', 'ring'] } as const;
const discrete = [
  body({ ...before, names: ['go', 'stop', 'wave'] }),
  body({
    ...after,
    names: ['jump', 'halt', 'go'],
    follows: {
      version: 1,
      ...features,
      actions: [
        { name: 'halt', is: 'renamed', from: 'stop' },
        { name: 'jump', is: 'new' },
      ],
      goneActions: ['wave'],
    },
  }),
] as const;
const continuous = [
  body({ ...before, ranges: ['turn', 'push'] }),
  body({
    ...after,
    ranges: ['push', 'steer', 'lift'],
    follows: {
      version: 1,
      ...features,
      actions: [
        { name: 'steer', is: 'scaled', from: 'turn', factor: -2, offset: 3 },
        { name: 'lift', is: 'new', fill: 1.5 },
      ],
    },
  }),
] as const;

function partsOf(type: RobotType, seed: number, hiddenWidths = [6, 5]): PolicyParts {
  const random = randomStream(seed, 'normalisation');
  const normalisation = (size: number) => ({
    mean: Float32Array.from({ length: size }, () => random() - 0.5),
    scale: Float32Array.from({ length: size }, () => 0.5 + random()),
  });
  const sizes = policySizes(type) ?? assert.fail();
  const shape = networkShape(sizes, { hiddenWidths, taskEmbeddingSize: 4 });
  return {
    shape,
    parameters: initialParameters(shape, randomStream(seed, 'parts')),
    observation: normalisation(sizes.observationSize),
    ...(sizes.head === 'continuous' ? { label: normalisation(sizes.actionSize) } : {}),
  };
}

const foreign = (from: RobotType, to: RobotType): ForeignBody & GrownBody => {
  const input = { from: to, to: from, chain: [from, to] };
  const [observations, readings] = [observationMap(input), partialObservations(input)];
  const actions = actionMap({ from, to, chain: [from, to] });
  if ('reason' in observations || 'reason' in readings || 'reason' in actions) assert.fail('no map');
  return { type: from, observations, readings, actions };
};

/** Answers of the model of before, asked as another body, and of what starts from it, on the same rows. */
async function bothAnswers([from, to]: readonly [RobotType, RobotType]): Promise<
  readonly [Float32Array, Float32Array]
> {
  const model = exportPolicy(partsOf(from, 1), from);
  const target = partsOf(to, 2);
  const start = warmStart({ ...target, model, type: to, body: foreign(from, to), fresh: target.parameters });
  assert.equal(start.kind, 'warm');
  const rows = 200;
  const random = randomStream(9, 'rows');
  const observation = Float32Array.from({ length: rows * 3 }, (_, at) => (at % 3 === 1 ? 4 : 1) * (2 * random() - 1));
  const task = Int32Array.from({ length: rows }, (_, row) => row % to.tasks.length);
  const old = await runtime.open(model);
  const next = await runtime.open(exportPolicy({ ...target, parameters: target.parameters }, to));
  try {
    const sizes = policySizes(to) ?? assert.fail();
    return [
      await runPolicy(mappedSession(old, foreign(from, to), to), sizes, observation, task),
      await runPolicy(next, sizes, observation, task),
    ];
  } finally {
    await old.close();
    await next.close();
  }
}

describe('a warm start across a body that grew', () => {
  it('answers as the model of before would through the rules, for actions that it knew', async () => {
    const [expected, got] = await bothAnswers(discrete);
    for (let row = 0; row < 200; row += 1) {
      const [jump = 0, halt = 0, go = 0] = got.subarray(row * 3, row * 3 + 3);
      assert.ok(Math.abs(halt / (halt + go) - (expected[row * 3 + 1] ?? 0)) < 1e-5);
      assert.equal(expected[row * 3], 0);
      // New, and the least likely of those known.
      assert.ok(jump > 0 && jump < 0.5);
    }
  });

  it('gives the very commands of before in the new units, and a new one its fill', async () => {
    const [expected, got] = await bothAnswers(continuous);
    assert.equal(got.length, 600);
    for (const [at, value] of got.entries()) assert.ok(Math.abs(value - (expected[at] ?? Number.NaN)) < 1e-4);
    assert.equal(expected[2], 1.5);
  });

  it('gives a new reading no weight: it changes no answer until it is learned', () => {
    const [from, to] = discrete;
    const target = partsOf(to, 2);
    const model = exportPolicy(partsOf(from, 1), from);
    warmStart({ ...target, model, type: to, body: foreign(from, to), fresh: target.parameters });
    const { start = 0 } = parameterLayout(target.shape).find(({ name }) => name === 'layer0_weight') ?? {};
    const rowOf = (place: number) => [...target.parameters.subarray(start + place * 6, start + place * 6 + 6)];
    assert.deepEqual(rowOf(0), [0, 0, 0, 0, 0, 0]);
    assert.ok([...rowOf(1), ...rowOf(2)].every((weight) => weight !== 0));
  });

  it('takes what is gone without a fill at its mean', () => {
    const [from, to] = discrete;
    const bare: RobotType = { ...to, follows: { ...(to.follows ?? assert.fail()), gone: ['old'] } };
    const readings = partialObservations({ from: bare, to: from, chain: [from, bare] });
    assert.ok(!('reason' in readings) && readings[2] === undefined);
    const target = partsOf(bare, 2);
    const model = exportPolicy(partsOf(from, 1), from);
    const start = warmStart({
      ...target,
      model,
      type: bare,
      body: { ...foreign(from, to), readings },
      fresh: target.parameters,
    });
    assert.equal(start.kind, 'warm');
    assert.ok(target.parameters.every(Number.isFinite));
  });

  it('is cold where the rules are not known, the model is another body’s, or there is no hidden layer', () => {
    const [from, to] = discrete;
    const target = partsOf(to, 2);
    const model = exportPolicy(partsOf(from, 1), from);
    const reason = (more: object): string => {
      const start = warmStart({ ...target, model, type: to, fresh: target.parameters, ...more });
      return start.kind === 'cold' ? start.reason : assert.fail('warm');
    };
    assert.equal(reason({}), 'other observations');
    assert.equal(reason({ body: { ...foreign(from, to), type: to } }), 'other observations');
    const flat = partsOf(to, 2, []);
    const linear = exportPolicy(partsOf(from, 1, []), from);
    assert.equal(
      reason({ ...flat, model: linear, fresh: flat.parameters, body: foreign(from, to) }),
      'another body, and no hidden layer',
    );
  });
});
