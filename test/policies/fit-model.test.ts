import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { fitModel, type PortMap } from '../../policies/fit-model.ts';
import { readDeclaration } from '../../policies/onnx/declared-ports.ts';
import { editPorts } from '../../policies/onnx/edit-ports.ts';
import { loadProblem, newestIrVersion, newestOperatorSet } from '../../policies/onnx/file-problems.ts';
import { ioProblems, type PolicySizes } from '../../policies/policy-io.ts';
import { float32Tensor, int32Tensor, type Tensors } from '../../policies/runtime.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';
import { field, graph, int64, join, model, node, port, sequencePort, tensor } from '../support/onnx-wire.ts';

const sizes: PolicySizes = { head: 'discrete', observationSize: 2, actionSize: 3, taskCount: 1 };
const weights = [0.5, -1, 2, 1, 0.25, -0.5];
const runtime = onnxRuntime();
const rows = 4;
const observation = float32Tensor(
  Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(i)),
  [rows, 2],
);
const named = (text: Record<string, string>): PortMap => new Map(Object.entries(text));

/** softmax(observation · weights) by hand. */
const answers = Array.from({ length: rows }, (_, row) => {
  const logits = [0, 1, 2].map((action) =>
    [0, 1].reduce((sum, k) => sum + Math.sin(row * 2 + k) * (weights[k * 3 + action] ?? 0), 0),
  );
  const parts = logits.map(Math.exp);
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
}).flat();

interface Shape {
  readonly input?: string;
  readonly output?: string;
  readonly type?: 'float' | 'double' | 'float16';
  readonly batch?: number | string;
  readonly inner?: string;
  readonly more?: readonly Uint8Array[];
}

function oneLayer({ input = 'x', output = 'y', type = 'float', batch = 'n', inner = 'logits', more = [] }: Shape) {
  const values = {
    float: Float32Array.from(weights),
    double: Float64Array.from(weights),
    // 0.5, -1, 2, 1, 0.25, -0.5 in half precision.
    float16: new Uint8Array(Uint16Array.of(0x3800, 0xbc00, 0x4000, 0x3c00, 0x3400, 0xb800).buffer),
  }[type];
  return model(
    graph({
      nodes: [node('MatMul', [input, 'w'], [inner]), node('Softmax', [inner], [output], { axis: 1 })],
      constants: [tensor('w', type, values, [2, 3])],
      inputs: [port(input, type, [batch, 2])],
      outputs: [port(output, type, [batch, 3]), ...more],
    }),
  );
}

const mended = (bytes: Uint8Array, map?: PortMap, of: PolicySizes = sizes) => {
  const fitted = fitModel(bytes, of, map);
  assert.ok(fitted.kind === 'mended', JSON.stringify(fitted));
  return fitted;
};

async function assertAnswers(bytes: Uint8Array, tolerance: number, more: Tensors = {}) {
  const session = await runtime.open(bytes);
  try {
    assert.deepEqual(ioProblems(session, sizes), []);
    assert.deepEqual(
      session.outputs.map(({ name }) => name),
      ['probabilities'],
    );
    const { probabilities } = await session.run({ observation, ...more });
    assert.ok(probabilities);
    [...(probabilities.data as Float32Array)].forEach((value, index) =>
      assert.ok(Math.abs(value - (answers[index] ?? NaN)) <= tolerance, `${index}: ${value}`),
    );
  } finally {
    await session.close();
  }
}

describe('a model of another origin is fitted to the ports of a policy', () => {
  it('by names as they are mapped, and answers the same', async () => {
    const { model: copy, changes } = mended(oneLayer({}), named({ observation: 'x', probabilities: 'y' }));
    assert.deepEqual(changes, ['input "x" is now observation', 'output "y" is now probabilities']);
    await assertAnswers(copy, 1e-6);
    assert.deepEqual(fitModel(copy, sizes), { kind: 'asIs' });
  });

  it('in double and half precision by casts, on its own names and on mapped ones', async () => {
    const own = { input: 'observation', output: 'probabilities' };
    const double = mended(oneLayer({ ...own, type: 'double' }));
    assert.deepEqual(double.changes, [
      'input observation is float32 now, cast to float64',
      'output probabilities is float32 now, cast from float64',
    ]);
    await assertAnswers(double.model, 1e-6);
    await assertAnswers(mended(oneLayer({ ...own, type: 'float16' })).model, 5e-3);
    await assertAnswers(
      mended(oneLayer({ type: 'double' }), named({ observation: 'x', probabilities: 'y' })).model,
      1e-6,
    );
  });

  it('with a batch size of 1 opened; another fixed one is not touched', async () => {
    const own = { input: 'observation', output: 'probabilities' };
    const { model: copy, changes } = mended(oneLayer({ ...own, batch: 1 }));
    assert.match(changes.join(), /batch size of input observation was 1 and is open now/);
    await assertAnswers(copy, 1e-6);
    assert.deepEqual(fitModel(oneLayer({ ...own, batch: 8 }), sizes), { kind: 'asIs' });
  });

  it('with int64 tasks cast, outputs beside a mapped one dropped, inside a branch, too', async () => {
    const branch = (name: string) =>
      graph({ nodes: [node('MatMul', ['x', 'w'], [name])], outputs: [port(name, 'float', ['n', 3])] });
    const whole = model(
      graph({
        nodes: [
          node('ReduceMax', ['task'], ['most'], { keepdims: 0 }),
          node('GreaterOrEqual', ['most', 'zero'], ['yes']),
          node('If', ['yes'], ['logits'], { then_branch: { graph: branch('a') }, else_branch: { graph: branch('b') } }),
          node('ArgMax', ['logits'], ['label'], { axis: 1, keepdims: 0 }),
          node('Softmax', ['logits'], ['observation'], { axis: 1 }),
        ],
        constants: [tensor('w', 'float', Float32Array.from(weights), [2, 3]), int64('zero', 0)],
        inputs: [port('x', 'float', ['n', 2]), port('task', 'int64', ['n'])],
        outputs: [port('label', 'int64', ['n']), port('observation', 'float', ['n', 3])],
      }),
    );
    const map = named({ observation: 'x', probabilities: 'observation' });
    const { model: copy, changes } = mended(whole, map);
    assert.deepEqual(changes, [
      'input "x" is now observation',
      'input task is int32 now, cast to int64',
      'output "observation" is now probabilities',
      'output "label" was dropped',
    ]);
    await assertAnswers(copy, 1e-6, { task: int32Tensor(new Int32Array(rows), [rows]) });
  });

  it('whatever names are used inside, once and again', async () => {
    const name = fc.constantFrom(
      'observation',
      'probabilities',
      'x',
      'inside1/observation',
      'inside1/x',
      '',
      'task',
      'é',
    );
    await fc.assert(
      fc.asyncProperty(name, name, name, async (input, output, inner) => {
        fc.pre(new Set([input, output, inner, 'w']).size === 4 && ![input, output, inner].includes(''));
        const fitted = fitModel(
          oneLayer({ input, output, inner }),
          sizes,
          named({ observation: input, probabilities: output }),
        );
        if (fitted.kind === 'asIs') return assert.deepEqual([input, output], ['observation', 'probabilities']);
        assert.equal(fitted.kind, 'mended');
        if (fitted.kind !== 'mended') return;
        await assertAnswers(fitted.model, 1e-6);
        const edit = { from: 'observation', name: 'observation', type: 'float32', shape: ['n', 2] } as const;
        await assertAnswers(editPorts(fitted.model, { inputs: [edit], outputs: [], dropped: [] }), 1e-6);
      }),
      { numRuns: 12 },
    );
  });

  it('never where it fits already, or is no model', () => {
    assert.deepEqual(fitModel(tinyPolicy(testRobotType(), 1), { ...sizes, taskCount: 2 }), { kind: 'asIs' });
    for (const bytes of [new Uint8Array(), Uint8Array.of(255, 255), oneLayer({}).subarray(0, 20)])
      assert.deepEqual(fitModel(bytes, sizes), { kind: 'asIs' });
  });

  it('without throwing for damaged bytes', () => {
    const whole = oneLayer({ input: 'observation', output: 'probabilities', type: 'double' });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, end) => {
        const damaged = Uint8Array.from(whole);
        damaged[at] = value;
        assert.ok(['asIs', 'mended'].includes(fitModel(damaged, sizes).kind));
        assert.ok(['asIs', 'mended'].includes(fitModel(damaged.subarray(0, end), sizes).kind));
      }),
      { numRuns: 120 },
    );
  });

  it('not by a map that is wrong, which says what the model has', () => {
    const reason = (map: Record<string, string>, bytes = oneLayer({})) => {
      const fitted = fitModel(bytes, sizes, named(map));
      return fitted.kind === 'refused' ? fitted.reason : fitted.kind;
    };
    assert.match(reason({ action: 'y' }), /expected --map-ports to map observation, task, probabilities, got "action"/);
    assert.match(reason({ observation: 'y' }), /one of the model's inputs \(x float32 \[n, 2\]\), got "y"/);
    assert.match(reason({ observation: 'x', task: 'x' }), /each input of the model once, got "x" twice/);
    assert.match(
      reason({ task: 'observation', observation: 'observation' }, oneLayer({ input: 'observation' })),
      /once/,
    );
    const two = model(
      graph({
        nodes: [],
        inputs: [port('observation', 'float', ['n', 2]), port('x', 'float', ['n', 2])],
        outputs: [port('y', 'float', ['n', 3])],
      }),
    );
    assert.match(reason({ observation: 'x' }, two), /the model's own input of that name/);
  });
});

describe('a model that does not fit says how to export it right', () => {
  const problems = (bytes: Uint8Array, of = sizes) => {
    const { inputs, outputs } = readDeclaration(bytes);
    return ioProblems({ inputs, outputs }, of).join('\n');
  };

  it('other names: the port map, for one candidate or several', () => {
    const found = problems(oneLayer({}));
    assert.match(found, /got none of this name; if it is x float32 \[n, 2\]: --map-ports observation=x/);
    assert.match(found, /--map-ports probabilities=y/);
    const two = problems(oneLayer({ more: [port('z', 'float', ['n', 3])] }));
    assert.match(
      two,
      /2 that it may be \(y float32 \[n, 3\]; z float32 \[n, 3\]\): say which by --map-ports probabilities=NAME/,
    );
  });

  it('types, batch and widths', () => {
    const own = { input: 'observation', output: 'probabilities' };
    assert.match(
      problems(oneLayer({ ...own, type: 'double' })),
      /got float64 \[n, 2\]; export it in float32: model\.float\(\)/,
    );
    assert.match(problems(oneLayer({ ...own, type: 'float16' })), /got float16 \[n, 2\]; export it in float32/);
    assert.match(problems(oneLayer({ ...own, batch: 8 })), /dynamic_axes=\{'observation': \{0: 'batch'\}\}/);
    const wide = { ...sizes, observationSize: 5, actionSize: 4 };
    assert.match(problems(oneLayer(own), wide), /got float32 \[n, 2\]; the robot type has 5 in this order/);
    assert.match(
      problems(oneLayer({}), wide),
      /got none of this name and width \(x float32 \[n, 2\]\); the robot type has 5/,
    );
  });

  it('a classifier of scikit-learn with ZipMap, as the runtime and as the file say', async () => {
    const bytes = model(
      graph({
        nodes: [
          node('MatMul', ['observation', 'w'], ['p']),
          node('ZipMap', ['p'], ['out'], { classlabels_int64s: [0, 1, 2] }, 'ai.onnx.ml'),
        ],
        constants: [tensor('w', 'float', Float32Array.from(weights), [2, 3])],
        inputs: [port('observation', 'float', ['n', 2])],
        outputs: [sequencePort('out')],
      }),
      field(8, join(field(1, 'ai.onnx.ml'), field(2, 3))),
    );
    assert.equal(fitModel(bytes, sizes, named({ probabilities: 'out' })).kind, 'asIs');
    const session = await runtime.open(bytes);
    for (const ports of [session, readDeclaration(bytes)])
      assert.match(
        ioProblems(ports, sizes).join(),
        /expected output probabilities .* got none that is a tensor \(out is a sequence or map\); .*options=\{'zipmap': False\}/,
      );
    await session.close();
  });

  it('versions that are too new for the shipped runtime', async () => {
    const at = (ir: number, operators: number) =>
      join(
        field(1, ir),
        field(
          7,
          graph({
            nodes: [node('Identity', ['a'], ['b'])],
            inputs: [port('a', 'float', ['n'])],
            outputs: [port('b', 'float', ['n'])],
          }),
        ),
        field(8, join(field(1, ''), field(2, operators))),
      );
    await (await runtime.open(at(newestIrVersion, newestOperatorSet))).close();
    for (const [bytes, expected] of [
      [
        at(8, newestOperatorSet + 1),
        /operators of version 26 or older, got 27; torch\.onnx\.export\(…, opset_version=17\)/,
      ],
      [at(newestIrVersion + 1, 17), /IR version 13 or older, got 14; set model\.ir_version = 10/],
    ] as const) {
      const error = await runtime.open(bytes).then(
        () => '',
        (thrown: Error) => thrown.message,
      );
      assert.notEqual(error, '');
      assert.match(loadProblem(bytes, error), expected);
    }
    assert.equal(loadProblem(at(8, 17), 'as it was'), 'as it was');
  });
});
