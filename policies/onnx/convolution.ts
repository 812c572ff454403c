import type { Graph, Value } from './graph.ts';
import { integers, planeSizes, reshaped } from './planes.ts';

export interface Window {
  /** Pixels between two places of the window, in both directions. */
  readonly stride: number;
  /** Pixels added around the picture on each side. */
  readonly padding: number;
}

export interface Convolution extends Window {
  /** Channels are cut into so many parts that do not see each other; as many as channels is depthwise. */
  readonly groups: number;
}

/** Places of a window of `kernel` pixels along `size` pixels; what remains at the end is not looked at. */
export const windowPlaces = (size: number, kernel: number, { stride, padding }: Window): number =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1;

/** Pixels at the far end, padding included, that no window reaches. */
export const unseen = (size: number, kernel: number, { stride, padding }: Window): number =>
  (size + 2 * padding - kernel) % stride;

/** How a window is written in a node. */
export const windowAttributes = ({ stride, padding }: Window) => ({
  strides: [stride, stride],
  pads: [padding, padding, padding, padding],
});

/**
 * Cross-correlation without bias, padded with zeros: x [n, c, h, w], weight [m, c / groups, kh, kw] → [n, m, places, places].
 * dX is the transposed convolution of dY; dWeight is the convolution of x with dY as its filter, batch and channels having
 * changed places (Dumoulin, Visin 2016, A guide to convolution arithmetic, ch. 4), so that both are single operators of the
 * runtime.
 */
export function convolve(graph: Graph, x: Value, weight: Value, convolution: Convolution): Value {
  const { height, width } = planeSizes(x);
  const [filters = 0, , kernelHeight = 0, kernelWidth = 0] = weight.shape.map(Number);
  const shape = [
    x.shape[0] ?? 0,
    filters,
    windowPlaces(height, kernelHeight, convolution),
    windowPlaces(width, kernelWidth, convolution),
  ];
  const attributes = { ...windowAttributes(convolution), group: convolution.groups };
  const output = graph.node('Conv', [x, weight], shape, attributes);
  graph.tape.push({
    inputs: [x, weight],
    output,
    backward: (upstream, [wantsX, wantsWeight]) => [
      wantsX === true
        ? graph.node('ConvTranspose', [upstream, weight], x.shape, {
            ...attributes,
            output_padding: [unseen(height, kernelHeight, convolution), unseen(width, kernelWidth, convolution)],
          })
        : undefined,
      wantsWeight === true ? weightGradient(graph, x, upstream, weight, convolution) : undefined,
    ],
  });
  return output;
}

/**
 * The filters' gradient: each group's channels [c / groups, groups × n, h, w] seen through dY [m, n, places, places]. Pixels at the
 * end that no window reached are not looked at here either; where they are more than the padding the answer is cut.
 */
function weightGradient(graph: Graph, x: Value, upstream: Value, weight: Value, convolution: Convolution): Value {
  const { stride, padding, groups } = convolution;
  const { height, width } = planeSizes(x);
  const { height: placesDown, width: placesAcross } = planeSizes(upstream);
  const [filters = 0, channels = 0, kernelHeight = 0, kernelWidth = 0] = weight.shape.map(Number);
  const [batch = 0] = x.shape;
  const parts = reshaped(graph, x, [0, groups, channels, height, width], [batch, groups, channels, height, width]);
  const turned = graph.node('Transpose', [parts], [channels, groups, batch, height, width], { perm: [2, 1, 0, 3, 4] });
  const pictures = reshaped(graph, turned, [channels, -1, height, width], [channels, 'parts', height, width]);
  const filter = graph.node('Transpose', [upstream], [filters, batch, placesDown, placesAcross], {
    perm: [1, 0, 2, 3],
  });
  const [below, right] = [unseen(height, kernelHeight, convolution), unseen(width, kernelWidth, convolution)];
  const seen = graph.node('Conv', [pictures, filter], [channels, filters, 'offsets down', 'offsets across'], {
    strides: [1, 1],
    dilations: [stride, stride],
    pads: [padding, padding, Math.max(0, padding - below), Math.max(0, padding - right)],
    group: groups,
  });
  const kernels =
    below <= padding && right <= padding
      ? seen
      : graph.node(
          'Slice',
          [seen, integers(graph, 0, 0), integers(graph, kernelHeight, kernelWidth), integers(graph, 2, 3)],
          [channels, filters, kernelHeight, kernelWidth],
        );
  return graph.node('Transpose', [kernels], weight.shape, { perm: [1, 0, 2, 3] });
}
