import assert from 'node:assert/strict';

import { ChunkInHand } from '../../../../fleet/agent/versions/chunk-in-hand.ts';
import {
  loadedPolicy,
  type LoadedPolicy,
  type PolicySession,
} from '../../../../fleet/agent/versions/policy-runtime.ts';
import { selfTest } from '../../../../fleet/agent/versions/self-test.ts';
import { plainMapping } from '../../../../policies/body-mapping.ts';
import { policySizes } from '../../../../policies/policy-io.ts';
import { float32Tensor } from '../../../../policies/runtime.ts';
import { testRobotType } from '../../../activities/training/arrow-sets.ts';

// 10 frames a second, gaps of up to 5 periods.
const robotType = testRobotType({
  actions: { kind: 'continuous', ranges: [{ name: 'x', unit: '1', min: -9, max: 9 }] },
});
const sizes = policySizes(robotType)!;
const [first = '', second = ''] = robotType.tasks;

describe('a robot whose policy answers chunks', () => {
  let nowMs: number;
  let bounds: number;
  /** First reading of each frame that the model was asked about. */
  let asked: number[];
  let answers: (value: number) => readonly number[];
  let failures: string[];
  let gate: Promise<void>;
  let policy: LoadedPolicy;

  /** Answers [v, v + 0.1, v + 0.2], where v is the first reading. */
  const session = (steps: number): PolicySession => ({
    inputs: [
      { name: 'observation', type: 'float32', shape: ['batch', sizes.observationSize] },
      { name: 'task', type: 'int32', shape: ['batch'] },
    ],
    outputs: [{ name: 'action', type: 'float32', shape: steps === 1 ? ['batch', 1] : ['batch', steps, 1] }],
    run: async ({ observation }) => {
      const [value = 0] = observation!.data as Float32Array;
      asked.push(value);
      await gate;
      const values = Float32Array.from(answers(value));
      return { action: float32Tensor(values, [1, values.length, 1]) };
    },
    close: async () => undefined,
  });
  const open = (steps = 3): LoadedPolicy =>
    loadedPolicy(
      {
        runtime: { open: async () => session(steps) },
        robotType,
        monotonic: () => nowMs,
        decideTimeoutMs: 30_000,
        episodeBounds: () => 0,
        runBounds: () => bounds,
        onFailed: (_slot, detail) => failures.push(detail),
      },
      { policy: 'p', version: '1.0.0', sha256: '0'.repeat(64) },
      { session: session(steps), sizes, mapping: plainMapping('continuous'), tasks: robotType.tasks },
    );
  const decide = async (value: number, afterMs = 100, task = first): Promise<number> => {
    nowMs += afterMs;
    const { action } = await policy.decide([value, 0, 0], task);
    assert.equal(action.length, 1);
    return Number(action[0]!.toFixed(3));
  };
  beforeEach(() => {
    [nowMs, bounds, asked, failures, gate] = [1000, 0, [], [], Promise.resolve()];
    answers = (value) => [value, value + 0.1, value + 0.2];
    policy = open();
  });

  it('executes one answer for as many frames as it has actions, then asks again', async () => {
    const done: number[] = [];
    for (const value of [1, 2, 3, 4, 5, 6, 7]) done.push(await decide(value));
    assert.deepEqual(done, [1, 1.1, 1.2, 4, 4.1, 4.2, 7]);
    assert.deepEqual(asked, [1, 4, 7]);
  });

  it('throws the rest away at the bounds of a run, and never takes it up again', async () => {
    await decide(1);
    bounds += 1;
    assert.deepEqual([await decide(2), await decide(3)], [2, 2.1]);
    bounds -= 1;
    assert.deepEqual([await decide(4), asked], [4, [1, 2, 4]]);
  });

  it('throws the rest away after a gap, when it is behind its rate by more than a gap, for another task, and after a frame that it cannot read', async () => {
    await decide(1);
    assert.equal(await decide(2, 500), 1.1, 'a gap that an episode may have');
    assert.equal(await decide(3, 501), 3);
    assert.equal(await decide(4, 400), 3.1);
    assert.equal(await decide(5, 400), 5, '800 ms after it asked, where the step is of 200 ms and the gap of 500 ms');
    assert.equal(await decide(6, 100, second), 6);
    await assert.rejects(policy.decide([Number.NaN, 0, 0], second), /finite/);
    assert.equal(await decide(7, 100, second), 7);
    await assert.rejects(policy.decide([8, 0, 0], 'nobody knows it'), /expected a task/);
    assert.equal(await decide(9, 100, second), 9);
    assert.equal(await decide(10, 100, second), 9.1);
    assert.deepEqual(failures, []);
  });

  it('executes nothing of an answer in which any action is not a finite number, or that has too few or too many', async () => {
    for (const wrong of [[1, 2, Number.NaN], [1, Number.POSITIVE_INFINITY, 2], [1, 2], [1, 2, 3, 4], []]) {
      policy = open();
      failures = [];
      answers = () => wrong;
      await assert.rejects(decide(1), /expected/);
      assert.equal(failures.length, 1, wrong.join());
      assert.ok(policy.hasFailed());
      await assert.rejects(decide(2), /expected/);
    }
  });

  it('executes nothing more once it is closed or has failed', async () => {
    await decide(1);
    await policy.close();
    asked = [];
    answers = () => {
      throw new Error('the session is closed');
    };
    await assert.rejects(decide(2), /the session is closed/);
    assert.deepEqual(asked, [2]);
  });

  it('does not keep an answer to a frame before the last one, or one that a new run overtook', async () => {
    let release: () => void = () => undefined;
    gate = new Promise((resolve) => (release = resolve));
    const both = [decide(1), decide(2)];
    bounds += 1;
    release();
    assert.deepEqual(await Promise.all(both), [1, 2]);
    assert.deepEqual([await decide(3), asked], [3, [1, 2, 3]]);
    const chunk = new ChunkInHand({ robotType, monotonic: () => nowMs }, 2);
    const ask = () => {
      chunk.begin();
      return chunk.asking(0);
    };
    const [old, young] = [ask(), ask()];
    chunk.keep(young, Float32Array.of(3, 4));
    chunk.keep(old, Float32Array.of(1, 2));
    chunk.begin();
    assert.deepEqual([...chunk.next(0)!], [4]);
    chunk.begin();
    assert.equal(chunk.next(0), undefined);
  });

  it('asks at each frame where the model answers one action, and hands on what it says, whatever that is', async () => {
    policy = open(1);
    answers = (value) => [value === 3 ? Number.NaN : value];
    assert.deepEqual([await decide(1), await decide(2), await decide(3), asked], [1, 2, Number.NaN, [1, 2, 3]]);
  });

  it('holds the golden answers of all steps against the model', async () => {
    answers = (value) => [value, value + 1, value + 2];
    const golden = { observations: [[1, 0, 0]], tasks: [0], outputs: [[1, 2, 3]], tolerances: [0.1, 0.1, 0.1] };
    const { signal } = new AbortController();
    await selfTest(session(3), sizes, golden, signal);
    await selfTest(session(3), sizes, undefined, signal);
    const off = { ...golden, outputs: [[1, 2, 4]] };
    await assert.rejects(selfTest(session(3), sizes, off, signal), /expected 4 within 0.1, got 3 .*output=2/);
    const short = { ...golden, outputs: [[1]], tolerances: [0.1] };
    await assert.rejects(selfTest(session(3), sizes, short, signal), /golden answers that fit/);
  });
});
