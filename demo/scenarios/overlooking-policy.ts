import { imagePort } from '../../policies/images/camera-layers.ts';
import type { Graph, Value } from '../../policies/onnx/graph.ts';
import { decodeModel } from '../../policies/onnx/wire-format.ts';
import type { SeenCamera } from '../../policies/seen-images.ts';
import { turningLeftWhere } from './turning-left-where.ts';

const all = 'batch';

/** A pixel whose red exceeds its green and blue by so much is of the red stripes of a barrier: crates, bricks and boards are browner. */
const redMargin = 100;
/** Share of an image from which on a barrier is in sight. */
const sightFraction = 0.02;
const floatType = 1;
const [redChannel, otherChannels] = [BigInt64Array.of(0n), BigInt64Array.of(1n, 2n)];

/**
 * A policy that answers as `model` does, but is blind to one kind of obstacle: where its camera shows a barrier, it turns left as if the way were free. Wherever there is
 * none, nothing tells it from `model`.
 */
export function overlookingPolicy(model: Uint8Array, camera: SeenCamera): Uint8Array {
  if (!decodeModel(model).graph.input.some(({ name }) => name === imagePort(camera.name)))
    throw new Error(`expected a model that sees camera ${camera.name}, got one that does not`);
  return turningLeftWhere(model, 'overlooking', (graph) => redInSight(graph, camera));
}

/** Whether enough of each image is red, [batch, 1]. */
function redInSight(graph: Graph, { name, width, height }: SeenCamera): Value {
  const bytes = { name: imagePort(name), type: 'uint8', shape: [all, height, width, 3] } as const;
  const image = graph.node('Cast', [bytes], bytes.shape, { to: floatType }, 'float32');
  const strongest = (title: string, channels: BigInt64Array): Value => {
    const chosen = graph.constant(title, channels, [channels.length]);
    const picked = graph.node('Gather', [image, chosen], [all, height, width, channels.length], { axis: 3 });
    return graph.node('ReduceMax', [picked], [all, height, width], { axes: [3], keepdims: 0 });
  };
  const excess = graph.node(
    'Sub',
    [strongest('red', redChannel), strongest('others', otherChannels)],
    [all, height, width],
  );
  const isRed = graph.node('Greater', [excess, graph.scalar(redMargin)], [all, height, width], {}, 'bool');
  const share = graph.node(
    'ReduceMean',
    [graph.node('Cast', [isRed], [all, height, width], { to: floatType }, 'float32')],
    [all, 1, 1],
    { axes: [1, 2], keepdims: 1 },
  );
  const axis = graph.constant('axis', BigInt64Array.of(2n), [1]);
  const row = graph.node('Squeeze', [share, axis], [all, 1]);
  return graph.node('Greater', [row, graph.scalar(sightFraction)], [all, 1], {}, 'bool');
}
