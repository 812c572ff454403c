import assert from 'node:assert/strict';

import { isolatedPolicyRuntime } from '../../../fleet/agent/adapters/isolated-runtime.ts';
import { sharpToJpeg } from '../../../fleet/agent/adapters/sharp-jpeg.ts';
import { measureDecisions, percentilesOf } from '../../../fleet/agent/measure-decisions.ts';
import { plainMapping } from '../../../policies/body-mapping.ts';
import { exportPolicy } from '../../../policies/export-policy.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import { seeingParts, seeingType, tinyCamera } from '../../policies/images/tiny-images.ts';

describe('measured decisions', () => {
  it('are whole ones, with JPEG images of the cameras that the model sees, and decoding is a part of them', async () => {
    const cameras = [{ ...tinyCamera('front'), width: 320, height: 240 }];
    const robotType = seeingType(cameras);
    const runtime = isolatedPolicyRuntime({ threads: 2 });
    const {
      decision,
      decoding,
      cameras: seen,
      openMs,
    } = await measureDecisions({
      ports: { runtime, robotType, monotonic: () => performance.now(), decideTimeoutMs: 60_000 },
      model: exportPolicy(seeingParts(cameras, 3), robotType),
      file: undefined,
      body: { sizes: policySizes(robotType)!, mapping: plainMapping('discrete'), tasks: robotType.tasks },
      toJpeg: sharpToJpeg,
      warmUp: 3,
      decisions: 20,
    });
    assert.deepEqual(seen, ['front']);
    const { p50Ms, p95Ms, p99Ms, longestMs } = decision;
    assert.ok(0 < p50Ms && p50Ms <= p95Ms && p95Ms <= p99Ms && p99Ms <= longestMs && openMs > 0);
    assert.ok(decoding!.p50Ms > 0 && decoding!.p50Ms < p50Ms, JSON.stringify([decision, decoding]));
  });

  it('are ranked by nearest rank', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    assert.deepEqual(percentilesOf(values), { p50Ms: 100, p95Ms: 190, p99Ms: 198, longestMs: 200 });
    assert.deepEqual(percentilesOf([7]), { p50Ms: 7, p95Ms: 7, p99Ms: 7, longestMs: 7 });
  });
});
