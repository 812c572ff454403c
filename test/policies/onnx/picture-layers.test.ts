import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { convolve } from '../../../policies/onnx/convolution.ts';
import { createGraph } from '../../../policies/onnx/graph.ts';
import { groupNormalise } from '../../../policies/onnx/group-normalisation.ts';
import { flatten } from '../../../policies/onnx/planes.ts';
import { averagePool, globalAveragePool, maxPool } from '../../../policies/onnx/pooling.ts';
import { randomStream, shuffle, type RandomStream } from '../../../policies/random.ts';
import { checkLayer, type LayerCase, type Numbers } from './layer-check.ts';
import { average, convolved, normalised, pooled } from './reference-layers.ts';

const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
/** Uniform within ±1, rounded to what single precision holds exactly. */
const numbers = (random: RandomStream, ...shape: number[]): Numbers => ({
  shape,
  data: Float64Array.from({ length: count(shape) }, () => Math.fround(2 * random() - 1)),
});
/** All different by at least 1/64, so that small differences do not change which one is the largest. */
const distinct = (random: RandomStream, ...shape: number[]): Numbers => {
  const order = shuffle(
    Int32Array.from({ length: count(shape) }, (_, index) => index),
    random,
  );
  return { shape, data: Float64Array.from(order, (place) => (place - order.length / 2) / 64) };
};

const small = fc.integer({ min: 1, max: 3 });
const sizes = fc.record({
  n: small,
  height: fc.integer({ min: 1, max: 7 }),
  width: fc.integer({ min: 1, max: 7 }),
  groups: small,
  inGroup: small,
  outGroup: small,
  kernelHeight: fc.integer({ min: 1, max: 4 }),
  kernelWidth: fc.integer({ min: 1, max: 4 }),
  stride: small,
  padding: fc.integer({ min: 0, max: 2 }),
  seed: fc.nat(1e6),
});
type Drawn = typeof sizes extends fc.Arbitrary<infer T> ? T : never;

const property = (
  build: (drawn: Drawn, random: RandomStream) => LayerCase,
  filter: (drawn: Drawn) => boolean = () => true,
) =>
  fc.assert(
    fc.asyncProperty(sizes.filter(filter), (drawn) => checkLayer(build(drawn, randomStream(drawn.seed, 'layer')))),
    { numRuns: 40 },
  );

const fits = ({ height, width, padding }: Drawn, down: number, across: number): boolean =>
  height + 2 * padding >= down && width + 2 * padding >= across;
const poolingOf = ({ kernelHeight: size, stride, padding }: Drawn) => ({ size, stride, padding });
/** Padding alone is never seen. */
const poolFits = (drawn: Drawn): boolean =>
  drawn.padding < drawn.kernelHeight && fits(drawn, drawn.kernelHeight, drawn.kernelHeight);

describe('layers of pictures answer and differentiate as defined', () => {
  it('convolution of any shape, stride, padding and grouping', () =>
    property(
      ({ n, height, width, groups, inGroup, outGroup, kernelHeight, kernelWidth, stride, padding }, random) => {
        const convolution = { stride, padding, groups };
        return {
          inputs: {
            x: numbers(random, n, groups * inGroup, height, width),
            w: numbers(random, groups * outGroup, inGroup, kernelHeight, kernelWidth),
          },
          build: (graph, values) => convolve(graph, values('x'), values('w'), convolution),
          reference: ({ x, w }) => convolved(x!, w!, convolution),
        };
      },
      (drawn) => fits(drawn, drawn.kernelHeight, drawn.kernelWidth),
    ));

  it('depthwise convolution', () =>
    property(
      ({ n, height, width, inGroup, kernelHeight: kernel, stride, padding }, random) => {
        const channels = 2 * inGroup;
        const convolution = { stride, padding, groups: channels };
        return {
          inputs: {
            x: numbers(random, n, channels, height, width),
            w: numbers(random, channels, 1, kernel, kernel),
          },
          build: (graph, values) => convolve(graph, values('x'), values('w'), convolution),
          reference: ({ x, w }) => convolved(x!, w!, convolution),
        };
      },
      (drawn) => fits(drawn, drawn.kernelHeight, drawn.kernelHeight),
    ));

  it('max pooling, windows that overlap or leave pixels out included', () =>
    property((drawn, random) => {
      const pooling = poolingOf(drawn);
      return {
        inputs: { x: distinct(random, drawn.n, drawn.inGroup, drawn.height, drawn.width) },
        build: (graph, values) => maxPool(graph, values('x'), pooling),
        reference: ({ x }) => pooled(x!, pooling, (pixels) => Math.max(...pixels)),
      };
    }, poolFits));

  it('average pooling, padding left out', () =>
    property((drawn, random) => {
      const pooling = poolingOf(drawn);
      return {
        inputs: { x: numbers(random, drawn.n, drawn.inGroup, drawn.height, drawn.width) },
        build: (graph, values) => averagePool(graph, values('x'), pooling),
        reference: ({ x }) => pooled(x!, pooling, average),
      };
    }, poolFits));

  it('the average of whole planes', () =>
    property(({ n, inGroup, height, width }, random) => ({
      inputs: { x: numbers(random, n, inGroup, height, width) },
      build: (graph, values) => globalAveragePool(graph, values('x')),
      reference: ({ x }) => ({
        shape: [n, inGroup],
        data: Float64Array.from({ length: n * inGroup }, (_, plane) =>
          average([...x!.data.subarray(plane * height * width, (plane + 1) * height * width)]),
        ),
      }),
    })));

  it('group normalisation, from one group of all channels to a group a channel', () =>
    property(
      ({ n, groups, inGroup, height, width }, random) => {
        const channels = groups * inGroup;
        return {
          inputs: {
            x: numbers(random, n, channels, height, width),
            gain: numbers(random, channels, 1, 1),
            bias: numbers(random, channels, 1, 1),
          },
          build: (graph, values) => groupNormalise(graph, values('x'), values('gain'), values('bias'), groups),
          reference: ({ x, gain, bias }) => normalised(x!, gain!, bias!, groups),
        };
      },
      // Of two numbers only the sign remains, at a slope that single precision cannot follow.
      ({ inGroup, height, width }) => inGroup * height * width >= 6,
    ));

  it('planes as rows of numbers', () =>
    property(({ n, inGroup, height, width }, random) => ({
      inputs: { x: numbers(random, n, inGroup, height, width) },
      build: (graph, values) => flatten(graph, values('x')),
      reference: ({ x }) => ({ shape: [n, inGroup * height * width], data: x!.data }),
    })));

  it('and refuse what is no picture', () => {
    const graph = createGraph('flat');
    const x = graph.input('x', 'float32', ['batch', 3]);
    assert.throws(() => flatten(graph, x), /expected x to be \[batch, channels, height, width\], got \[batch, 3\]/);
  });
});
