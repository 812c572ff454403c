import type { Graph, Value } from './graph.ts';
import { integers, planeSizes, planeSums, reshaped, sumOverRows } from './planes.ts';

/** Added to the variance, so that a picture of one colour stays finite. */
const leastVariance = 1e-5;

/**
 * Group normalisation (Wu, He 2018, eq. 1 to 6): x [n, c, h, w], each row's channels cut into `groups` groups of mean 0 and variance 1, then
 * × (1 + gain) + bias, both [c, 1, 1]. It looks at one row only: a robot that asks for one answer gets what it would get in a batch.
 * The gain is stored as its difference from one, so that weight decay draws it to one and not to zero. dX = (g - mean(g) -
 * x̂ × mean(g × x̂)) / deviation with g = dY × (1 + gain), means over the group.
 */
export function groupNormalise(graph: Graph, x: Value, gain: Value, bias: Value, groups: number): Value {
  const { channels, height, width } = planeSizes(x);
  const [n = 0] = x.shape;
  const perGroup = (channels * height * width) / groups;
  const inGroups = (value: Value): Value => reshaped(graph, value, [0, groups, -1], [n, groups, perGroup]);
  const inPlanes = (value: Value): Value => reshaped(graph, value, [0, channels, height, width], x.shape);
  const grouped = inGroups(x);
  const meanOf = (value: Value): Value => graph.node('ReduceMean', [value], [n, groups, 1], { axes: [2], keepdims: 1 });
  const centred = graph.node('Sub', [grouped, meanOf(grouped)], grouped.shape);
  const variance = meanOf(graph.node('Mul', [centred, centred], grouped.shape));
  const lifted = graph.node('Add', [variance, graph.scalar(leastVariance)], variance.shape);
  const deviation = graph.node('Sqrt', [lifted], variance.shape);
  const normal = graph.node('Div', [centred, deviation], grouped.shape);
  const factor = graph.node('Add', [gain, graph.scalar(1)], gain.shape);
  const scaled = graph.node('Mul', [inPlanes(normal), factor], x.shape);
  const output = graph.node('Add', [scaled, bias], x.shape);
  graph.tape.push({
    inputs: [x, gain, bias],
    output,
    backward: (upstream, [wantsX]) => {
      const sums = planeSums(graph, upstream);
      const products = planeSums(graph, graph.node('Mul', [upstream, inPlanes(normal)], x.shape));
      const overBatch = (value: Value): Value => reshaped(graph, sumOverRows(graph, value), [-1, 1, 1], gain.shape);
      if (wantsX !== true) return [undefined, overBatch(products), overBatch(sums)];
      const row = reshaped(graph, factor, [-1], [channels]);
      const groupMean = (value: Value): Value => {
        const weighted = graph.node('Mul', [value, row], value.shape);
        const split = reshaped(graph, weighted, [0, groups, -1], [n, groups, channels / groups]);
        const total = graph.node('ReduceSum', [split, integers(graph, 2)], [n, groups, 1], { keepdims: 1 });
        return graph.node('Mul', [total, graph.scalar(1 / perGroup)], total.shape);
      };
      const wanted = inGroups(graph.node('Mul', [upstream, factor], x.shape));
      const level = graph.node('Sub', [wanted, groupMean(sums)], grouped.shape);
      const tilt = graph.node('Mul', [normal, groupMean(products)], grouped.shape);
      const inner = graph.node('Sub', [level, tilt], grouped.shape);
      return [inPlanes(graph.node('Div', [inner, deviation], grouped.shape)), overBatch(products), overBatch(sums)];
    },
  });
  return output;
}
