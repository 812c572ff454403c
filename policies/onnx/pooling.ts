import { unseen, windowAttributes, windowPlaces, type Window } from './convolution.ts';
import type { Graph, Shape, Value } from './graph.ts';
import { integers, planeSizes, planeSums, reshaped } from './planes.ts';

export interface Pooling extends Window {
  /** Height and width of the window; more than the padding, so that no window sees padding alone. */
  readonly size: number;
}

function pooledShape(x: Value, pooling: Pooling): Shape {
  const { channels, height, width } = planeSizes(x);
  return [
    x.shape[0] ?? 0,
    channels,
    windowPlaces(height, pooling.size, pooling),
    windowPlaces(width, pooling.size, pooling),
  ];
}

const poolingAttributes = (pooling: Pooling) => ({
  kernel_shape: [pooling.size, pooling.size],
  ...windowAttributes(pooling),
});

/**
 * The largest value of each window; padding never wins. The gradient goes to where that value stood, to the first such place where
 * several are equal, and adds up where windows overlap.
 */
export function maxPool(graph: Graph, x: Value, pooling: Pooling): Value {
  const shape = pooledShape(x, pooling);
  const attributes = poolingAttributes(pooling);
  const output = graph.node('MaxPool', [x], shape, attributes);
  graph.tape.push({
    inputs: [x],
    output,
    backward: (upstream) => {
      const [, places] = graph.nodes(
        'MaxPool',
        [x],
        [
          { type: 'float32', shape },
          { type: 'int64', shape },
        ],
        attributes,
      );
      if (places === undefined) throw new Error('expected MaxPool to give places');
      const zeros = graph.node('Mul', [x, graph.scalar(0)], x.shape);
      const [flat, at, values] = [zeros, places, upstream].map((value) => reshaped(graph, value, [-1], ['flat']));
      if (flat === undefined || at === undefined || values === undefined) throw new Error('expected three tensors');
      const added = graph.node('ScatterElements', [flat, at, values], ['flat'], { axis: 0, reduction: 'add' });
      const { channels, height, width } = planeSizes(x);
      return [reshaped(graph, added, [-1, channels, height, width], x.shape)];
    },
  });
  return output;
}

/** The mean of each window; padding is left out and does not count. dX spreads dY over the window, divided by what counted. */
export function averagePool(graph: Graph, x: Value, pooling: Pooling): Value {
  const { channels, height, width } = planeSizes(x);
  const shape = pooledShape(x, pooling);
  const output = graph.node('AveragePool', [x], shape, { ...poolingAttributes(pooling), count_include_pad: 0 });
  graph.tape.push({
    inputs: [x],
    output,
    backward: (upstream) => {
      const { size } = pooling;
      const share = graph.node('Mul', [upstream, pixelShares(graph, x, pooling)], shape);
      const ones = graph.constant(`window_${channels}_${size}`, new Float32Array(channels * size * size).fill(1), [
        channels,
        1,
        size,
        size,
      ]);
      return [
        graph.node('ConvTranspose', [share, ones], x.shape, {
          ...windowAttributes(pooling),
          group: channels,
          output_padding: [unseen(height, size, pooling), unseen(width, size, pooling)],
        }),
      ];
    },
  });
  return output;
}

/** [1, 1, places, places]: one over the pixels that count in each window. */
function pixelShares(graph: Graph, x: Value, pooling: Pooling): Value {
  const { height, width } = planeSizes(x);
  const [down, across] = [pixelsInWindows(height, pooling), pixelsInWindows(width, pooling)];
  const name = `pixel_shares_${[height, width, pooling.size, pooling.stride, pooling.padding].join('_')}`;
  const values = Float32Array.from(down.flatMap((rows) => across.map((columns) => 1 / (rows * columns))));
  return graph.constant(name, values, [1, 1, down.length, across.length]);
}

const pixelsInWindows = (length: number, { size, stride, padding }: Pooling): number[] =>
  Array.from({ length: windowPlaces(length, size, { stride, padding }) }, (_, place) => {
    const start = place * stride - padding;
    return Math.min(length, start + size) - Math.max(0, start);
  });

/** [n, c, h, w] → [n, c], the mean of each plane; dX is dY divided by the pixels, at each of them. */
export function globalAveragePool(graph: Graph, x: Value): Value {
  const { channels, height, width } = planeSizes(x);
  const factor = graph.scalar(1 / (height * width));
  const output = graph.node('Mul', [planeSums(graph, x), factor], [x.shape[0] ?? 0, channels]);
  graph.tape.push({
    inputs: [x],
    output,
    backward: (upstream) => {
      const share = graph.node('Mul', [upstream, factor], upstream.shape);
      const pixel = graph.node('Unsqueeze', [share, integers(graph, 2, 3)], [...upstream.shape, 1, 1]);
      return [graph.node('Expand', [pixel, integers(graph, 1, 1, height, width)], x.shape)];
    },
  });
  return output;
}
