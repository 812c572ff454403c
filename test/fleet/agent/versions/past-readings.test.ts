import assert from 'node:assert/strict';

import { loadedPolicy, type PolicySession } from '../../../../fleet/agent/versions/policy-runtime.ts';
import { pastReadings } from '../../../../fleet/agent/versions/past-readings.ts';
import { plainMapping } from '../../../../policies/body-mapping.ts';
import { policySizes } from '../../../../policies/policy-io.ts';
import { float32Tensor } from '../../../../policies/runtime.ts';
import { testRobotType } from '../../../activities/training/arrow-sets.ts';

// 10 frames a second, gaps of up to 5 periods.
const robotType = testRobotType();

describe('readings that a robot has seen before', () => {
  let nowMs: number;
  let bounds: number;
  const ring = (history: number) =>
    pastReadings({ robotType, monotonic: () => nowMs, episodeBounds: () => bounds }, history);
  const asked = (readings: ReturnType<typeof ring>, value: number, afterMs = 100): number[] => {
    nowMs += afterMs;
    return [...(readings.before(Float32Array.of(value, -value)) ?? [Number.NaN])];
  };
  beforeEach(() => {
    [nowMs, bounds] = [1000, 0];
  });

  it('are the last ones, oldest first, as many as the model reads beside the present', () => {
    const readings = ring(3);
    assert.deepEqual(asked(readings, 1), []);
    assert.deepEqual(asked(readings, 2), [1, -1]);
    assert.deepEqual(asked(readings, 3), [1, -1, 2, -2]);
    assert.deepEqual(asked(readings, 4), [2, -2, 3, -3]);
  });

  it('are forgotten where an episode begins or ends', () => {
    const readings = ring(2);
    asked(readings, 1);
    bounds += 1;
    assert.deepEqual(asked(readings, 2), []);
    assert.deepEqual(asked(readings, 3), [2, -2]);
  });

  it('are forgotten after a gap that an episode may not have, and not before', () => {
    const readings = ring(2);
    asked(readings, 1);
    assert.deepEqual(asked(readings, 2, 500), [1, -1]);
    assert.deepEqual(asked(readings, 3, 501), []);
  });

  it('are copies, and nothing for a model of the present alone', () => {
    const readings = ring(2);
    const reused = Float32Array.of(1, 2);
    readings.before(reused);
    reused.fill(9);
    assert.deepEqual([...readings.before(reused)!], [1, 2]);
    assert.equal(ring(1).before(reused), undefined);
  });
});

describe('a robot whose policy has history', () => {
  it('shows its model the windows that sets have: oldest first, the earliest for those before, of one episode', async () => {
    const shown: (readonly [readonly number[], readonly number[]])[] = [];
    const session: PolicySession = {
      inputs: [
        { name: 'observation', type: 'float32', shape: ['batch', 3, 3] },
        { name: 'task', type: 'int32', shape: ['batch'] },
      ],
      outputs: [{ name: 'probabilities', type: 'float32', shape: ['batch', 3] }],
      run: async ({ observation }) => {
        shown.push([observation!.shape, [...(observation!.data as Float32Array)].filter((_, at) => at % 3 === 0)]);
        return { probabilities: float32Tensor(Float32Array.of(0, 1, 0), [1, 3]) };
      },
      close: async () => undefined,
    };
    let [nowMs, bounds] = [0, 0];
    const policy = loadedPolicy(
      {
        runtime: { open: async () => session },
        robotType,
        monotonic: () => nowMs,
        decideTimeoutMs: 30_000,
        episodeBounds: () => bounds,
        onFailed: (_slot, detail) => assert.fail(detail),
      },
      { policy: 'p', version: '1.0.0', sha256: '0'.repeat(64) },
      { session, sizes: policySizes(robotType)!, mapping: plainMapping('discrete'), tasks: robotType.tasks },
    );
    const decide = async (value: number): Promise<void> => {
      nowMs += 100;
      assert.deepEqual((await policy.decide([value, 0, 0])).action, [1]);
    };
    for (const value of [1, 2, 3, 4]) await decide(value);
    bounds += 1;
    await decide(5);
    await assert.rejects(policy.decide([Number.NaN, 0, 0]), /finite/);
    await decide(6);
    assert.deepEqual(
      shown.map(([, frames]) => frames),
      [
        [1, 1, 1],
        [1, 1, 2],
        [1, 2, 3],
        [2, 3, 4],
        [5, 5, 5],
        [5, 5, 6],
      ],
    );
    assert.ok(shown.every(([shape]) => shape.join() === '1,3,3'));
  });
});
