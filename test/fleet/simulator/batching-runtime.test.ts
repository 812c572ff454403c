import assert from 'node:assert/strict';

import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { batchingRuntime } from '../../../fleet/simulator/batching-runtime.ts';
import { randomStream } from '../../../policies/random.ts';
import { float32Tensor, int32Tensor, type GraphRuntime, type Tensor, type Tensors } from '../../../policies/runtime.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';

const feedsOf = (rows: number, seed: number): Tensors => {
  const random = randomStream(seed, 'feeds');
  const observation = Float32Array.from({ length: rows * 24 }, () => 5 * random());
  return { observation: float32Tensor(observation, [rows, 24]), task: int32Tensor(new Int32Array(rows), [rows]) };
};

const numbersOf = (tensor: Tensor | undefined): readonly number[] =>
  tensor?.data instanceof Float32Array ? [...tensor.data] : [];

/** The real runtime, counting calls and models. */
function counted(): { readonly runtime: GraphRuntime; readonly counts: { runs: number; open: number } } {
  const counts = { runs: 0, open: 0 };
  const real = onnxRuntime();
  const runtime: GraphRuntime = {
    async open(model) {
      const session = await real.open(model);
      counts.open += 1;
      return {
        ...session,
        run(feeds) {
          counts.runs += 1;
          return session.run(feeds);
        },
        async close() {
          counts.open -= 1;
          await session.close();
        },
      };
    },
  };
  return { runtime, counts };
}

describe('the batching runtime', () => {
  const model = tinyPolicy(scitosG5Type, 1);

  it('answers many robots in one call, each with what it would have got alone', async () => {
    const { runtime, counts } = counted();
    const batching = batchingRuntime(runtime);
    const robots = await Promise.all([1, 2, 3, 4].map(() => batching.open(model)));
    const feeds = robots.map((_, robot) => feedsOf(robot + 1, robot));
    const together = await Promise.all(robots.map((robot, index) => robot.run(feeds[index] ?? {})));
    assert.deepEqual(counts, { runs: 1, open: 1 });
    const alone = await onnxRuntime().open(model);
    for (const [index, own] of feeds.entries()) {
      const { probabilities } = await alone.run(own);
      assert.deepEqual(together[index]?.['probabilities']?.shape, probabilities?.shape);
      const expected = numbersOf(probabilities);
      const got = numbersOf(together[index]?.['probabilities']);
      assert.ok(expected.every((value, at) => Math.abs(value - (got[at] ?? Number.NaN)) < 1e-6));
    }
    await alone.close();
    for (const robot of robots) await robot.close();
    assert.equal(counts.open, 0);
  });

  it('lets one robot’s wrong input fail alone', async () => {
    const batching = batchingRuntime(onnxRuntime());
    const [good, bad] = [await batching.open(model), await batching.open(model)];
    const wrong = { ...feedsOf(1, 1), observation: float32Tensor(new Float32Array(3), [1, 3]) };
    const [first, second] = await Promise.allSettled([good.run(feedsOf(1, 1)), bad.run(wrong)]);
    assert.equal(first.status, 'fulfilled');
    assert.equal(second.status, 'rejected');
    await good.close();
    await bad.close();
  });

  it('says no to bytes that are no model, and to nobody else', async () => {
    const batching = batchingRuntime(onnxRuntime());
    await assert.rejects(batching.open(Uint8Array.of(1, 2, 3)));
    const robot = await batching.open(model);
    await robot.close();
  });
});
