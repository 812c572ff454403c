import assert from 'node:assert/strict';

import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { createGraph, type Graph, type Value } from '../../../policies/onnx/graph.ts';
import { gradients } from '../../../policies/onnx/gradients.ts';
import { meanSquaredError } from '../../../policies/onnx/operations.ts';
import { reshaped } from '../../../policies/onnx/planes.ts';
import { randomStream } from '../../../policies/random.ts';
import { float32Tensor, type Tensor, type Tensors } from '../../../policies/runtime.ts';

/** Values in double precision, row-major. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface LayerCase {
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly build: (graph: Graph, values: (name: string) => Value) => Value;
  /** The layer word for word, in double precision. */
  readonly reference: (inputs: Readonly<Record<string, Numbers>>) => Numbers;
}

const runtime = onnxRuntime();
const single = ({ shape, data }: Numbers): Tensor => float32Tensor(Float32Array.from(data), shape);

/**
 * Checks a layer as the runtime runs it, in single precision, against its definition in double precision: the answer itself, and the
 * gradient of a squared error by each input against central differences of the definition. Differences of 1e-5 in double precision are exact to
 * about 1e-9, so what is allowed is the rounding of single precision alone: sums of at most some hundred products of size one.
 */
export async function checkLayer({ inputs, build, reference }: LayerCase): Promise<void> {
  const expected = reference(inputs);
  const [rows = 0] = expected.shape;
  const random = randomStream(1, 'target');
  const target = Float32Array.from(expected.data, () => 2 * random() - 1);
  const weight = Float32Array.from({ length: rows }, () => 0.5 + random());
  const answers = await run(inputs, build, target, weight);
  assert.deepEqual(answers['output']!.shape, expected.shape);
  near(answers['output']!, expected.data, 'output');

  const columns = target.length / rows;
  const lossOf = (of: Readonly<Record<string, Numbers>>): number =>
    reference(of).data.reduce(
      (sum, value, index) => sum + (weight[Math.floor(index / columns)]! * (value - target[index]!) ** 2) / (2 * rows),
      0,
    );
  for (const [name, { shape, data }] of Object.entries(inputs)) {
    const moved = (index: number, by: number): number =>
      lossOf({ ...inputs, [name]: { shape, data: data.map((value, at) => (at === index ? value + by : value)) } });
    const width = 1e-5;
    const differences = data.map((_, index) => (moved(index, width) - moved(index, -width)) / (2 * width));
    assert.deepEqual(answers[`gradient_${name}`]!.shape, shape);
    near(answers[`gradient_${name}`]!, differences, `gradient by ${name}`);
  }
}

async function run(
  inputs: LayerCase['inputs'],
  build: LayerCase['build'],
  target: Float32Array,
  weight: Float32Array,
): Promise<Tensors> {
  const graph = createGraph('case');
  const [rows, columns] = [weight.length, target.length / weight.length];
  const values = new Map(
    Object.entries(inputs).map(([name, { shape }]) => [
      name,
      graph.input(name, 'float32', name === 'x' ? ['batch', ...shape.slice(1)] : shape),
    ]),
  );
  const output = build(graph, (name) => values.get(name)!);
  const flat = reshaped(graph, output, [0, -1], ['batch', columns]);
  graph.tape.push({
    inputs: [output],
    output: flat,
    backward: (upstream) => [reshaped(graph, upstream, [-1, ...output.shape.slice(1).map(Number)], output.shape)],
  });
  const loss = meanSquaredError(
    graph,
    flat,
    graph.input('target', 'float32', ['batch', columns]),
    graph.input('weight of rows', 'float32', ['batch']),
  );
  gradients(graph, loss, [...values.values()]).forEach((gradient, index) =>
    graph.output(`gradient_${[...values.keys()][index]}`, gradient),
  );
  graph.output('output', output);
  const session = await runtime.open(graph.encode());
  try {
    return await session.run({
      ...Object.fromEntries(Object.entries(inputs).map(([name, numbers]) => [name, single(numbers)])),
      target: float32Tensor(target, [rows, columns]),
      'weight of rows': float32Tensor(weight, [rows]),
    });
  } finally {
    await session.close();
  }
}

function near({ data }: Tensor, expected: Float64Array, what: string): void {
  assert.equal(data.length, expected.length, what);
  expected.forEach((value, index) => {
    const got = Number(data[index]);
    assert.ok(
      Math.abs(got - value) <= 2e-5 + 1e-4 * Math.abs(value),
      `${what}, number ${index}: expected ${value}, got ${got}`,
    );
  });
}
