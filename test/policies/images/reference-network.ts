import { cameraLayers } from '../../../policies/images/camera-layers.ts';
import type { CameraNetwork } from '../../../policies/images/camera-network.ts';
import type { PolicyParts } from '../../../policies/export-policy.ts';
import { parameterLayout } from '../../../policies/network.ts';
import type { Numbers } from '../onnx/layer-check.ts';
import { average, convolved, normalised, pooled } from '../onnx/reference-layers.ts';

/** The probabilities of one row, in double precision, word for word as the network is described. */
export function referenceAnswer(
  parts: PolicyParts,
  observation: readonly number[],
  task: number,
  pictures: readonly Uint8Array[],
): readonly number[] {
  const parameter = (name: string): Numbers => {
    const slot = parameterLayout(parts.shape).find((candidate) => candidate.name === name)!;
    return {
      shape: slot.shape,
      data: Float64Array.from(parts.parameters.subarray(slot.start, slot.start + slot.size)),
    };
  };
  const readings = observation.map((value, column) =>
    Math.max(-10, Math.min(10, (value - parts.observation.mean[column]!) * parts.observation.scale[column]!)),
  );
  const embedding = parameter('task_embedding');
  const size = parts.shape.taskEmbeddingSize;
  const sums = [
    times(readings, parameter('layer0_weight')),
    times([...embedding.data.subarray(task * size, (task + 1) * size)], parameter('task_weight')),
    ...parts.shape.images!.map((camera, index) =>
      times(
        featuresOf(camera as CameraNetwork, pictures[index]!, parameter),
        parameter(`camera_${camera.camera}_weight`),
      ),
    ),
    [...parameter('layer0_bias').data],
  ];
  const hidden = sums.reduce((total, part) => total.map((value, unit) => value + part[unit]!)).map(positive);
  const scores = times(hidden, parameter('layer1_weight')).map((value, a) => value + parameter('layer1_bias').data[a]!);
  const powers = scores.map((score) => Math.exp(score));
  return powers.map((power) => power / powers.reduce((sum, value) => sum + value, 0));
}

function featuresOf(camera: CameraNetwork, bytes: Uint8Array, parameter: (name: string) => Numbers): readonly number[] {
  const { height, width } = camera;
  const pixels = height * width;
  let planes: Numbers = {
    shape: [1, 3, height, width],
    data: Float64Array.from({ length: 3 * pixels }, (_, index) => {
      const [channel, pixel] = [Math.floor(index / pixels), index % pixels];
      return (bytes[3 * pixel + channel]! - 127.5) / 127.5;
    }),
  };
  const part = (name: string): Numbers => parameter(`camera_${camera.camera}_${name}`);
  cameraLayers(camera).forEach((layer, position) => {
    if (layer.kind === 'convolution') {
      const seen = convolved(planes, part(`${position}_filters`), layer);
      const normal = normalised(seen, part(`${position}_gain`), part(`${position}_bias`), layer.normalisedGroups);
      planes = { shape: normal.shape, data: normal.data.map(positive) };
    } else planes = pooled(planes, layer, layer.kind === 'maxPooling' ? (values) => Math.max(...values) : average);
  });
  const [, channels = 0] = planes.shape;
  const plane = planes.data.length / channels;
  const numbers =
    camera.planes === 'flatten'
      ? [...planes.data]
      : Array.from({ length: channels }, (_, c) => average([...planes.data.subarray(c * plane, (c + 1) * plane)]));
  return times(numbers, part('features_weight')).map((value, unit) => value + part('features_bias').data[unit]!);
}

const positive = (value: number): number => Math.max(0, value);

function times(row: readonly number[], { shape, data }: Numbers): number[] {
  const [, columns = 0] = shape;
  return Array.from({ length: columns }, (_, column) =>
    row.reduce((sum, value, index) => sum + value * data[index * columns + column]!, 0),
  );
}
