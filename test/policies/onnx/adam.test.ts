import assert from 'node:assert/strict';

import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { adamStep, adamStepSize } from '../../../policies/onnx/adam.ts';
import { createGraph } from '../../../policies/onnx/graph.ts';
import { float32Tensor } from '../../../policies/runtime.ts';

/** Algorithm 1 of Kingma and Ba with decoupled weight decay, word for word, in double precision. */
function reference(start: number[], gradients: number[][], rate: number, decay: number): number[] {
  const [m, v] = [start.map(() => 0), start.map(() => 0)];
  const theta = [...start];
  gradients.forEach((gradient, index) => {
    const t = index + 1;
    gradient.forEach((g, i) => {
      m[i] = 0.9 * m[i]! + 0.1 * g;
      v[i] = 0.999 * v[i]! + 0.001 * g * g;
      const corrected = m[i] / (1 - 0.9 ** t) / (Math.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-8);
      theta[i] = theta[i]! * (1 - rate * decay) - rate * corrected;
    });
  });
  return theta;
}

describe('the Adam graph', () => {
  it('follows the published algorithm over many steps', async () => {
    const graph = createGraph('adam');
    const vector = (name: string) => graph.input(name, 'float32', [3]);
    const state = { parameters: vector('p'), firstMoment: vector('m'), secondMoment: vector('v') };
    const scalar = (name: string) => graph.input(name, 'float32', []);
    const next = adamStep(graph, state, vector('g'), scalar('size'), scalar('shrink'));
    for (const [name, value] of Object.entries(next)) graph.output(name, value);
    const session = await onnxRuntime().open(graph.encode());

    const [rate, decay, start] = [0.05, 0.1, [1, -2, 0.5]];
    const gradients = Array.from({ length: 50 }, (_, t) => [Math.sin(t), 3 * Math.cos(t), 0.01 * (t % 5)]);
    let [p, m, v] = [Float32Array.from(start), new Float32Array(3), new Float32Array(3)];
    for (const [index, gradient] of gradients.entries()) {
      const results = await session.run({
        p: float32Tensor(p, [3]),
        m: float32Tensor(m, [3]),
        v: float32Tensor(v, [3]),
        g: float32Tensor(Float32Array.from(gradient), [3]),
        size: float32Tensor(Float32Array.of(adamStepSize(rate, index + 1)), []),
        shrink: float32Tensor(Float32Array.of(1 - rate * decay), []),
      });
      [p, m, v] = ['parameters', 'firstMoment', 'secondMoment'].map((name) => results[name]!.data as Float32Array) as [
        Float32Array<ArrayBuffer>,
        Float32Array<ArrayBuffer>,
        Float32Array<ArrayBuffer>,
      ];
    }
    await session.close();
    reference(start, gradients, rate, decay).forEach((value, index) =>
      assert.ok(Math.abs(value - p[index]!) < 1e-4, `${index}: ${value} ${p[index]}`),
    );
  });

  it('moves a parameter by the learning rate in the first step', () => {
    assert.ok(Math.abs(adamStepSize(0.01, 1) / Math.sqrt(1) - 0.01) < 1e-12);
  });
});
