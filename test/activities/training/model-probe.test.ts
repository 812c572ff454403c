import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onnxProbe } from '../../../activities/adapters/onnx-probe-process.ts';
import { createGraph } from '../../../policies/onnx/graph.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
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

  const probe = async (model: Uint8Array, timeLimitMs?: number) => {
    const path = join(directory, 'model.onnx');
    await writeFile(path, model);
    return onnxProbe(timeLimitMs === undefined ? {} : { timeLimitMs }).probe(path, testRobotType(), () => undefined);
  };

  it('finds out the same as in this process', async function () {
    this.timeout(60_000);
    const facts = await probe(tinyPolicy(testRobotType(), 1));
    assert.deepEqual(facts.outputs, { inputsTried: 10_000, badInputs: 0, reason: '' });
    assert.equal(facts.latency?.samples, 1000);
  });

  it('survives a file that is no model', async function () {
    this.timeout(60_000);
    const { load } = await probe(new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'));
    assert.equal(load?.isLoaded, false);
  });

  it('ends a model that never answers', async function () {
    this.timeout(60_000);
    const { load } = await probe(endlessModel(), 4000);
    assert.deepEqual(load, { isLoaded: false, reason: 'it was not through after 4 s' });
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
