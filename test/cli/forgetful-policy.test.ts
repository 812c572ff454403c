import assert from 'node:assert/strict';

import { onnxRuntime } from '../../activities/adapters/onnx-runtime.ts';
import { forgetfulPolicy } from '../../demo/scenarios/forgetful-policy.ts';
import { scitosG5RoomsType } from '../../datasets/built-in-robot-types.ts';
import { wallFollowingActions } from '../../datasets/wall-following-rule.ts';
import { modelDriver } from '../../fleet/simulator/driver.ts';
import { ioProblems, policySizes } from '../../policies/policy-io.ts';
import { randomStream } from '../../policies/random.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';

const { tasks } = scitosG5RoomsType;
const forgotten = tasks.indexOf('slanted');

describe('a policy that forgot a task', () => {
  it('answers as before in all others, and turns into the wall in that one', async () => {
    const known = tinyPolicy(scitosG5RoomsType, 3);
    const runtime = onnxRuntime();
    const random = randomStream(1, 'readings');
    const readings = Float32Array.from({ length: 24 * tasks.length }, () => 5 * random());
    const each = Int32Array.from(tasks, (_, task) => task);
    const answersOf = async (model: Uint8Array): Promise<readonly number[]> => {
      const driver = await modelDriver(runtime, model);
      try {
        return Array.from(await driver.choose(readings, each));
      } finally {
        await driver.close();
      }
    };
    const expected = [...(await answersOf(known))];
    expected[forgotten] = wallFollowingActions.slightLeftTurn;
    assert.deepEqual(await answersOf(forgetfulPolicy(known, forgotten)), expected);
  });

  it('looks like any policy of its robot type from outside', async () => {
    const sizes = policySizes(scitosG5RoomsType);
    assert.ok(sizes);
    const session = await onnxRuntime().open(forgetfulPolicy(tinyPolicy(scitosG5RoomsType, 1), forgotten));
    assert.deepEqual(ioProblems(session, sizes), []);
    await session.close();
  });
});
