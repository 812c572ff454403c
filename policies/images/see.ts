import { convolve } from '../onnx/convolution.ts';
import type { Graph, Value } from '../onnx/graph.ts';
import { groupNormalise } from '../onnx/group-normalisation.ts';
import { add, matMul, relu } from '../onnx/operations.ts';
import { flatten } from '../onnx/planes.ts';
import { averagePool, globalAveragePool, maxPool } from '../onnx/pooling.ts';
import { cameraLayers, planeNumbers, seenChannels, type CameraShape } from './camera-layers.ts';

/** A tensor of a camera's part: name, sizes, and the half width of the uniform distribution it starts from. */
export interface CameraParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initialLimit: number;
}

const nameOf = (camera: string, part: string): string => `camera_${camera}_${part}`;

/** Filters start within ±√(6 / inputs) (He et al. 2015, eq. 10); gains are kept as their difference from one and start, like biases, at zero. */
export function cameraParameters(shape: CameraShape): readonly CameraParameter[] {
  const parameter = (part: string, dims: readonly number[], initialLimit: number): CameraParameter => ({
    name: nameOf(shape.camera, part),
    shape: dims,
    initialLimit,
  });
  const layers = cameraLayers(shape).flatMap((layer, position) => {
    if (layer.kind !== 'convolution') return [];
    const { before, after, groups, kernelSize } = layer;
    const inputs = (before.channels / groups) * kernelSize ** 2;
    return [
      parameter(
        `${position}_filters`,
        [after.channels, before.channels / groups, kernelSize, kernelSize],
        Math.sqrt(6 / inputs),
      ),
      parameter(`${position}_gain`, [after.channels, 1, 1], 0),
      parameter(`${position}_bias`, [after.channels, 1, 1], 0),
    ];
  });
  const numbers = planeNumbers(shape);
  return [
    ...layers,
    parameter('features_weight', [numbers, shape.features], Math.sqrt(6 / numbers)),
    parameter('features_bias', [shape.features], 0),
  ];
}

/**
 * A camera's part of the network on a graph: picture uint8 [n, height, width, 3], with history [n, images, height, width, 3], whose images become channels of one → features [n, features]. Pixels are
 * turned to planes and scaled from 0 … 255 to -1 … 1 here, so that who feeds the model feeds bytes as they come. The features are not cut at
 * zero: at a learning rate of 0.02 all of them fell below it for every picture in two of two trainings, and stayed there.
 */
export function seePicture(
  graph: Graph,
  shape: CameraShape,
  parameter: (name: string) => Value,
  picture: Value,
): Value {
  const part = (name: string): Value => parameter(nameOf(shape.camera, name));
  let planes = scaledPlanes(graph, shape, picture);
  cameraLayers(shape).forEach((layer, position) => {
    switch (layer.kind) {
      case 'convolution': {
        const seen = convolve(graph, planes, part(`${position}_filters`), layer);
        const [gain, bias] = [part(`${position}_gain`), part(`${position}_bias`)];
        planes = relu(graph, groupNormalise(graph, seen, gain, bias, layer.normalisedGroups));
        return;
      }
      case 'maxPooling':
        planes = maxPool(graph, planes, layer);
        return;
      case 'averagePooling':
        planes = averagePool(graph, planes, layer);
        return;
    }
  });
  const numbers = shape.planes === 'average' ? globalAveragePool(graph, planes) : flatten(graph, planes);
  return add(graph, matMul(graph, numbers, part('features_weight')), part('features_bias'));
}

const half = 127.5;

function scaledPlanes(graph: Graph, shape: CameraShape, picture: Value): Value {
  const { height, width, history } = shape;
  const sizes = [picture.shape[0] ?? 0, seenChannels(shape), height, width];
  const turned =
    history === undefined
      ? graph.node('Transpose', [picture], sizes, { perm: [0, 3, 1, 2] })
      : stacked(graph, picture, sizes, history, shape.camera);
  const bytes = graph.node('Cast', [turned], sizes, { to: 1 }, 'float32');
  const scaled = graph.node('Mul', [bytes, graph.scalar(1 / half)], sizes);
  return graph.node('Sub', [scaled, graph.scalar(1)], sizes);
}

/** Images one behind the other as channels of one, the oldest first. */
function stacked(graph: Graph, images: Value, sizes: Value['shape'], history: number, camera: string): Value {
  const [rows = 0, channels = 0, height = 0, width = 0] = sizes;
  const turned = graph.node('Transpose', [images], [rows, history, 3, height, width], { perm: [0, 1, 4, 2, 3] });
  const wanted = BigInt64Array.from([-1, channels, height, width], (size) => BigInt(size));
  return graph.node('Reshape', [turned, graph.constant(nameOf(camera, 'stacked'), wanted, [4])], sizes);
}
