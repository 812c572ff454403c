import type { Convolution } from '../../../policies/onnx/convolution.ts';
import type { Pooling } from '../../../policies/onnx/pooling.ts';
import type { Numbers } from './layer-check.ts';

type Sizes = readonly [number, number, number, number];
const sizesOf = ({ shape }: Numbers): Sizes => shape as unknown as Sizes;

/** Makes [n, c, h, w] from a function of place. */
function filled(shape: Sizes, value: (n: number, c: number, y: number, x: number) => number): Numbers {
  const [n, c, h, w] = shape;
  const data = new Float64Array(n * c * h * w);
  let index = 0;
  for (let row = 0; row < n; row += 1)
    for (let channel = 0; channel < c; channel += 1)
      for (let y = 0; y < h; y += 1)
        for (let x = 0; x < w; x += 1) {
          data[index] = value(row, channel, y, x);
          index += 1;
        }
  return { shape, data };
}

/** Undefined outside the picture. */
function pixel(planes: Numbers, n: number, c: number, y: number, x: number): number | undefined {
  const [, channels, height, width] = sizesOf(planes);
  if (y < 0 || x < 0 || y >= height || x >= width) return undefined;
  return planes.data[((n * channels + c) * height + y) * width + x];
}

const places = (size: number, kernel: number, stride: number, padding: number): number => {
  let count = 0;
  while (count * stride + kernel <= size + 2 * padding) count += 1;
  return count;
};

export function convolved(x: Numbers, weight: Numbers, { stride, padding, groups }: Convolution): Numbers {
  const [n, , height, width] = sizesOf(x);
  const [filters, inGroup, down, across] = sizesOf(weight);
  const shape = [n, filters, places(height, down, stride, padding), places(width, across, stride, padding)] as const;
  return filled(shape, (row, filter, y, column) => {
    const first = Math.floor(filter / (filters / groups)) * inGroup;
    let sum = 0;
    for (let c = 0; c < inGroup; c += 1)
      for (let dy = 0; dy < down; dy += 1)
        for (let dx = 0; dx < across; dx += 1)
          sum +=
            (pixel(x, row, first + c, y * stride - padding + dy, column * stride - padding + dx) ?? 0) *
            weight.data[((filter * inGroup + c) * down + dy) * across + dx]!;
    return sum;
  });
}

export function pooled(
  x: Numbers,
  { size, stride, padding }: Pooling,
  summary: (pixels: readonly number[]) => number,
): Numbers {
  const [n, channels, height, width] = sizesOf(x);
  const shape = [n, channels, places(height, size, stride, padding), places(width, size, stride, padding)] as const;
  return filled(shape, (row, channel, y, column) => {
    const seen: number[] = [];
    for (let dy = 0; dy < size; dy += 1)
      for (let dx = 0; dx < size; dx += 1) {
        const value = pixel(x, row, channel, y * stride - padding + dy, column * stride - padding + dx);
        if (value !== undefined) seen.push(value);
      }
    return summary(seen);
  });
}

export const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function normalised(x: Numbers, gain: Numbers, bias: Numbers, groups: number): Numbers {
  const [, channels, height, width] = sizesOf(x);
  const length = (channels / groups) * height * width;
  const statistics = Array.from({ length: x.data.length / length }, (_, group) => {
    const values = [...x.data.subarray(group * length, (group + 1) * length)];
    const mean = average(values);
    return { mean, deviation: Math.sqrt(average(values.map((value) => (value - mean) ** 2)) + 1e-5) };
  });
  return filled(sizesOf(x), (row, channel, y, column) => {
    const { mean, deviation } = statistics[row * groups + Math.floor(channel / (channels / groups))]!;
    const value = (pixel(x, row, channel, y, column)! - mean) / deviation;
    return value * (1 + gain.data[channel]!) + bias.data[channel]!;
  });
}
