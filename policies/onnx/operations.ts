import type { Graph, Shape, Value } from './graph.ts';
import { sumOverRows } from './planes.ts';

/**
 * The differentiable operations the policies need, each beside its gradient rule. Vectors and matrices are row-major
 * float32; the first dimension is the batch. Rules are the ones of reverse-mode differentiation (Griewank, Walther:
 * Evaluating Derivatives, 2nd ed., ch. 3) and are checked against finite differences in the tests.
 */

const axesInput = (graph: Graph, axes: readonly number[]): Value =>
  graph.constant(`axes_${axes.join('_')}`, BigInt64Array.from(axes.map(BigInt)), [axes.length]);

const product = (graph: Graph, a: Value, b: Value, shape: Shape, attributes: Record<string, number>): Value =>
  graph.node('Gemm', [a, b], shape, attributes);

/** a [n, k] × b [k, m] → [n, m]. dA = dY·Bᵀ, dB = Aᵀ·dY. */
export function matMul(graph: Graph, a: Value, b: Value): Value {
  const [n = 0] = a.shape;
  const [, m = 0] = b.shape;
  const output = graph.node('MatMul', [a, b], [n, m]);
  graph.tape.push({
    inputs: [a, b],
    output,
    backward: (upstream, [wantsA, wantsB]) => [
      wantsA === true ? product(graph, upstream, b, a.shape, { transB: 1 }) : undefined,
      wantsB === true ? product(graph, a, upstream, b.shape, { transA: 1 }) : undefined,
    ],
  });
  return output;
}

/** a + b of equal shape, or b [m] added to every row of a [n, m]; then dB is the sum over the rows. */
export function add(graph: Graph, a: Value, b: Value): Value {
  const output = graph.node('Add', [a, b], a.shape);
  const isRow = b.shape.length < a.shape.length;
  graph.tape.push({
    inputs: [a, b],
    output,
    backward: (upstream, [, wantsB]) => [upstream, isRow && wantsB === true ? sumOverRows(graph, upstream) : upstream],
  });
  return output;
}

/** The same numbers in other sizes, of which one may be −1; the gradient goes back into the sizes of `x`, [n, m]. */
export function reshape(graph: Graph, x: Value, shape: Shape, sizes: readonly number[]): Value {
  const to = (wanted: readonly number[]): Value =>
    graph.constant(`sizes_${wanted.join('_')}`, BigInt64Array.from(wanted.map(BigInt)), [wanted.length]);
  const output = graph.node('Reshape', [x, to(sizes)], shape);
  const width = Number(x.shape[1] ?? 1);
  graph.tape.push({
    inputs: [x],
    output,
    backward: (upstream) => [graph.node('Reshape', [upstream, to([-1, width])], x.shape)],
  });
  return output;
}

/** max(x, 0); the derivative at 0 is taken as 0. */
export function relu(graph: Graph, x: Value): Value {
  const output = graph.node('Relu', [x], x.shape);
  graph.tape.push({
    inputs: [x],
    output,
    backward: (upstream) => {
      const isPositive = graph.node('Greater', [output, graph.scalar(0)], x.shape, {}, 'bool');
      const slope = graph.node('Cast', [isPositive], x.shape, { to: 1 }, 'float32');
      return [graph.node('Mul', [upstream, slope], x.shape)];
    },
  });
  return output;
}

/** Rows of table [t, e] by index [n] int32 → [n, e]. The gradient adds up rows of equal index: oneHotᵀ·dY, in fixed order. */
export function gather(graph: Graph, table: Value, indices: Value): Value {
  const [t = 0, e = 0] = table.shape;
  const [n = 0] = indices.shape;
  const output = graph.node('Gather', [table, indices], [n, e], { axis: 0 });
  graph.tape.push({
    inputs: [table],
    output,
    backward: (upstream) => [product(graph, oneHot(graph, indices, Number(t)), upstream, table.shape, { transA: 1 })],
  });
  return output;
}

/** [n] int32 → [n, classes] float32 with a one at each row's index; an index out of range gives a row of zeros. */
export function oneHot(graph: Graph, indices: Value, classes: number): Value {
  const [n = 0] = indices.shape;
  const column = graph.node('Unsqueeze', [indices, axesInput(graph, [1])], [n, 1]);
  const all = graph.constant(
    `classes_${classes}`,
    Int32Array.from({ length: classes }, (_, index) => index),
    [1, classes],
  );
  const isHit = graph.node('Equal', [column, all], [n, classes], {}, 'bool');
  return graph.node('Cast', [isHit], [n, classes], { to: 1 }, 'float32');
}

/**
 * Probabilities below e⁻⁵⁰ count as that much in the gradient. A confident network would otherwise send numbers below 1e-38 back
 * through its layers, on which processors are so slow that a training takes twice as long.
 */
const leastLogProbability = -50;

/**
 * Mean over the batch of weight × -log softmax(logits)[label]: logits [n, c], labels [n] int32, weights [n] → scalar.
 * dLogits = (softmax - oneHot) × weight / n (Bishop, Pattern Recognition and Machine Learning, eq. 4.109).
 */
export function softmaxCrossEntropy(graph: Graph, logits: Value, labels: Value, weights: Value): Value {
  const [n = 0, c = 0] = logits.shape;
  const target = oneHot(graph, labels, Number(c));
  const logProbabilities = graph.node('LogSoftmax', [logits], [n, c], { axis: 1 });
  const picked = graph.node('Mul', [target, logProbabilities], [n, c]);
  const perRow = graph.node('ReduceSum', [picked, axesInput(graph, [1])], [n], { keepdims: 0 });
  const weighted = graph.node('Mul', [perRow, weights], [n]);
  const output = graph.node('Neg', [mean(graph, weighted)], []);
  graph.tape.push({
    inputs: [logits],
    output,
    backward: (upstream) => {
      const floored = graph.node('Max', [logProbabilities, graph.scalar(leastLogProbability)], [n, c]);
      const probabilities = graph.node('Exp', [floored], [n, c]);
      const difference = graph.node('Sub', [probabilities, target], [n, c]);
      return [graph.node('Mul', [difference, perRowFactor(graph, weights, upstream)], [n, c])];
    },
  });
  return output;
}

/** Mean over the batch of weight × ½‖prediction - target‖²: both [n, a], weights [n] → scalar. dPrediction = (prediction - target) × weight / n. */
export function meanSquaredError(graph: Graph, prediction: Value, target: Value, weights: Value): Value {
  const [n = 0, a = 0] = prediction.shape;
  const difference = graph.node('Sub', [prediction, target], [n, a]);
  const squared = graph.node('Mul', [difference, difference], [n, a]);
  const perRow = graph.node('ReduceSum', [squared, axesInput(graph, [1])], [n], { keepdims: 0 });
  const weighted = graph.node('Mul', [perRow, weights], [n]);
  const output = graph.node('Mul', [mean(graph, weighted), graph.scalar(0.5)], []);
  graph.tape.push({
    inputs: [prediction],
    output,
    backward: (upstream) => [graph.node('Mul', [difference, perRowFactor(graph, weights, upstream)], [n, a])],
  });
  return output;
}

const mean = (graph: Graph, perRow: Value): Value => graph.node('ReduceMean', [perRow], [], { axes: [0], keepdims: 0 });

/** upstream × weight / n as a column [n, 1]. */
function perRowFactor(graph: Graph, weights: Value, upstream: Value): Value {
  const [n = 0] = weights.shape;
  const sizes = graph.node('Shape', [weights], [1], {}, 'int64');
  const count = graph.node('Cast', [sizes], [1], { to: 1 }, 'float32');
  const scaled = graph.node('Mul', [graph.node('Div', [weights, count], [n]), upstream], [n]);
  return graph.node('Unsqueeze', [scaled, axesInput(graph, [1])], [n, 1]);
}
