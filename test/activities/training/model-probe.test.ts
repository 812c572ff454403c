import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onnxProbe, type OnnxProbeOptions } from '../../../activities/adapters/onnx-probe-process.ts';
import { onnxRuntimeProcess } from '../../../activities/adapters/onnx-runtime-process.ts';
import { float32Tensor, int32Tensor } from '../../../policies/runtime.ts';
import { createGraph } from '../../../policies/onnx/graph.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { externalTensor, float, int64s, linear, node, policyModel } from '../../support/onnx-wire.ts';
import { testRobotType } from './arrow-sets.ts';

/** A model that goes on for ever: a loop of 2⁴⁰ turns between input and output. */
function endlessModel(): Uint8Array {
  const graph = createGraph('endless');
  const observation = graph.input('observation', 'float32', ['batch', 3]);
  graph.input('task', 'int32', ['batch']);
  const turns = graph.constant('turns', BigInt64Array.of(2n ** 40n), []);
  const { state } = graph.loop(turns, [observation], (body, _, [value]) => ({
    state: [body.node('Neg', [value!], value!.shape)],
    results: [],
  }));
  graph.output('probabilities', graph.node('Abs', [state[0]!], ['batch', 3]));
  return graph.encode();
}

describe('the probe in a process of its own', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-probe-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const probe = async (model: Uint8Array, options: OnnxProbeOptions = {}) => {
    const path = join(directory, 'model.onnx');
    await writeFile(path, model);
    return onnxProbe(options).probe(path, testRobotType(), () => undefined);
  };
  const size = { readings: 3, actions: 3 };
  const { node: lastNode, constant: weights } = linear('x', size);

  it('finds out the same as in this process', async function () {
    this.timeout(60_000);
    const facts = await probe(tinyPolicy(testRobotType(), 1));
    assert.deepEqual(facts.outputs, { inputsTried: 10_000, badInputs: 0, reason: '' });
    assert.equal(facts.latency?.samples, 1024);
    assert.ok(facts.seed !== undefined && facts.seed !== (await probe(tinyPolicy(testRobotType(), 1))).seed);
  });

  it('survives a file that is no model', async function () {
    this.timeout(60_000);
    const { load } = await probe(new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'));
    assert.equal(load?.isLoaded, false);
  });

  it('ends a model that never answers', async function () {
    this.timeout(60_000);
    const { load } = await probe(endlessModel(), { timeLimitMs: 8000 });
    assert.deepEqual(load, { isLoaded: false, reason: 'it was not through after 8 s' });
  });

  it('takes the memory it is given and no more', async function () {
    this.timeout(120_000);
    const hoarding = policyModel(
      size,
      [
        node('ConstantOfShape', ['large'], ['zeros']),
        node('ReduceSum', ['zeros'], ['nothing'], { keepdims: 0 }),
        node('Shape', ['observation'], ['shape']),
        node('Gather', ['shape', 'zero'], ['batch']),
        node('Mul', ['batch', 'nothing1'], ['unused']),
        node('Add', ['observation', 'nothing'], ['x']),
        lastNode,
      ],
      [weights, int64s('large', 2_700_000_000), int64s('zero', 0), int64s('nothing1', 1), float('one', 1)],
    );
    assert.ok(hoarding.length < 3000);
    const { load, outputs } = await probe(hoarding, { memoryLimitMiB: 1024 });
    assert.ok(load?.isLoaded === false || outputs!.badInputs > 0, JSON.stringify({ load, outputs }));
    assert.match(`${load?.reason} ${outputs?.reason}`, /alloc|ended with/i);
  });

  it('runs in an empty folder without an environment, and leaves no folder behind', async function () {
    this.timeout(60_000);
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('flywheel-model-'));
    await writeFile(join(directory, 'secret.bin'), new Float32Array(9));
    const external = policyModel(
      size,
      [node('MatMul', ['observation', 'weights'], ['logits'])],
      [externalTensor('weights', 'secret.bin', 9)],
    );
    const { load } = await probe(external);
    assert.match(load!.reason, /expected all weights inside the file, got external data/);
    const after = (await readdir(tmpdir())).filter((name) => name.startsWith('flywheel-model-'));
    assert.ok(after.length <= before.length, `${after.length} of ${before.length}`);
  });

  it('serves a session that fails as an error, and one that hangs by its limit', async function () {
    this.timeout(120_000);
    const runtime = onnxRuntimeProcess({ runLimitMs: 3000 });
    const feeds = (rows: number) => ({
      observation: float32Tensor(new Float32Array(3 * rows), [rows, 3]),
      task: int32Tensor(new Int32Array(rows), [rows]),
    });
    const good = await runtime.open(tinyPolicy(testRobotType(), 1));
    assert.deepEqual((await good.run(feeds(4)))['probabilities']!.shape, [4, 3]);
    await assert.rejects(good.run({ observation: float32Tensor(new Float32Array(2), [1, 2]) }));
    assert.deepEqual((await good.run(feeds(1)))['probabilities']!.shape, [1, 3]);
    await good.close();
    const endless = await runtime.open(endlessModel());
    await assert.rejects(endless.run(feeds(1)), /not through after 3 s/);
    await assert.rejects(endless.run(feeds(1)), /ended with/);
    await assert.rejects(runtime.open(new Uint8Array(10)));
  });

  it('stops when it is told to', async function () {
    this.timeout(60_000);
    const path = join(directory, 'endless.onnx');
    await writeFile(path, endlessModel());
    const stop = (): void => {
      throw new Error('cancelled');
    };
    await assert.rejects(onnxProbe().probe(path, testRobotType(), stop), /cancelled/);
  });
});
