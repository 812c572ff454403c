import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { createGraph, type Graph, type Value } from '../../../policies/onnx/graph.ts';
import { gradients } from '../../../policies/onnx/gradients.ts';
import { add, gather, matMul, meanSquaredError, relu, softmaxCrossEntropy } from '../../../policies/onnx/operations.ts';
import { randomStream, type RandomStream } from '../../../policies/random.ts';
import { float32Tensor, int32Tensor, type Tensor, type Tensors } from '../../../policies/runtime.ts';

const runtime = onnxRuntime();

interface Case {
  /** Values the loss is differentiated by. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly data: Tensors;
  readonly loss: (graph: Graph, values: (name: string) => Value) => Value;
}

/** Compares the graph's gradient with central differences of its loss, element by element. */
async function checkGradient({ parameters, data, loss }: Case): Promise<void> {
  const graph = createGraph('case');
  const inputs = new Map(
    Object.entries({ ...parameters, ...data }).map(([name, { type, shape }]) => [name, graph.input(name, type, shape)]),
  );
  const value = (name: string): Value => inputs.get(name)!;
  const output = loss(graph, value);
  gradients(
    graph,
    output,
    Object.keys(parameters).map((name) => value(name)),
  ).forEach((gradient, index) => graph.output(`gradient_${Object.keys(parameters)[index]}`, gradient));
  graph.output('loss', output);
  const session = await runtime.open(graph.encode());
  const feeds = { ...parameters, ...data };
  const analytic = await session.run(feeds);
  const lossAt = async (): Promise<number> => Number((await session.run(feeds))['loss']!.data[0]);
  for (const [name, tensor] of Object.entries(parameters)) {
    const gradient = analytic[`gradient_${name}`]!;
    assert.deepEqual(gradient.shape, tensor.shape, name);
    const data = tensor.data as Float32Array;
    for (let index = 0; index < data.length; index += 1) {
      const original = data[index]!;
      const width = 1 / 64;
      data[index] = original + width;
      const above = await lossAt();
      data[index] = original - width;
      const below = await lossAt();
      data[index] = original;
      const numeric = (above - below) / (2 * width);
      const exact = Number(gradient.data[index]);
      assert.ok(
        Math.abs(numeric - exact) <= 2e-3 + 0.01 * Math.abs(exact),
        `${name}[${index}] of ${tensor.shape.join('×')}: differences ${numeric}, rule ${exact}`,
      );
    }
  }
  await session.close();
}

const numbers = (random: RandomStream, ...shape: number[]): Tensor =>
  float32Tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1),
    shape,
  );
/** Away from 0, where the rectifier has no derivative for differences to agree with. */
const awayFromZero = (tensor: Tensor): Tensor => {
  const data = (tensor.data as Float32Array).map((value) => value + (value < 0 ? -0.25 : 0.25));
  return float32Tensor(data, tensor.shape);
};
const indices = (random: RandomStream, count: number, end: number): Tensor =>
  int32Tensor(
    Int32Array.from({ length: count }, () => Math.floor(random() * end)),
    [count],
  );
const weights = (random: RandomStream, count: number): Tensor =>
  float32Tensor(
    Float32Array.from({ length: count }, () => 2 * random()),
    [count],
  );

const size = fc.integer({ min: 1, max: 5 });
const sizes = fc.record({ n: size, k: size, m: size, seed: fc.nat(1e6) });
const property = (build: (sizes: { n: number; k: number; m: number }, random: RandomStream) => Case) =>
  fc.assert(
    fc.asyncProperty(sizes, ({ seed, ...rest }) => checkGradient(build(rest, randomStream(seed, 'case')))),
    { numRuns: 25 },
  );
const squared = (graph: Graph, prediction: Value, values: (name: string) => Value): Value =>
  meanSquaredError(graph, prediction, values('target'), values('weight'));

describe('gradient rules agree with finite differences', () => {
  it('for MatMul', () =>
    property(({ n, k, m }, random) => ({
      parameters: { a: numbers(random, n, k), b: numbers(random, k, m) },
      data: { target: numbers(random, n, m), weight: weights(random, n) },
      loss: (graph, values) => squared(graph, matMul(graph, values('a'), values('b')), values),
    })));

  it('for Add, of equal shapes and of a row to every row', () =>
    property(({ n, m }, random) => ({
      parameters: { a: numbers(random, n, m), b: numbers(random, n, m), row: numbers(random, m) },
      data: { target: numbers(random, n, m), weight: weights(random, n) },
      loss: (graph, values) => squared(graph, add(graph, add(graph, values('a'), values('b')), values('row')), values),
    })));

  it('for Relu', () =>
    property(({ n, m }, random) => ({
      parameters: { a: awayFromZero(numbers(random, n, m)) },
      data: { target: numbers(random, n, m), weight: weights(random, n) },
      loss: (graph, values) => squared(graph, relu(graph, values('a')), values),
    })));

  it('for Gather, rows asked for several times included', () =>
    property(({ n, k, m }, random) => ({
      parameters: { table: numbers(random, k, m) },
      data: { index: indices(random, n, k), target: numbers(random, n, m), weight: weights(random, n) },
      loss: (graph, values) => squared(graph, gather(graph, values('table'), values('index')), values),
    })));

  it('for weighted softmax cross-entropy', () =>
    property(({ n, m }, random) => ({
      parameters: { logits: numbers(random, n, m + 1) },
      data: { label: indices(random, n, m + 1), weight: weights(random, n) },
      loss: (graph, values) => softmaxCrossEntropy(graph, values('logits'), values('label'), values('weight')),
    })));

  it('for weighted squared error', () =>
    property(({ n, m }, random) => ({
      parameters: { prediction: numbers(random, n, m) },
      data: { target: numbers(random, n, m), weight: weights(random, n) },
      loss: (graph, values) => squared(graph, values('prediction'), values),
    })));

  it('for a value that is used twice', () =>
    property(({ n }, random) => ({
      parameters: { a: numbers(random, n, n) },
      data: { target: numbers(random, n, n), weight: weights(random, n) },
      loss: (graph, values) => squared(graph, matMul(graph, values('a'), values('a')), values),
    })));

  it('and refuses a parameter that the loss does not depend on', () => {
    const graph = createGraph('unused');
    const [prediction, target, other] = ['p', 't', 'o'].map((name) => graph.input(name, 'float32', [1, 1]));
    const loss = meanSquaredError(graph, prediction!, target!, graph.input('w', 'float32', [1]));
    assert.throws(() => gradients(graph, loss, [other!]), /expected the loss to depend on o/);
  });
});
