import assert from 'node:assert/strict';

import { pendingSteps, type PendingActivity } from '../../console/pending-steps.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const saying = (value: unknown, encoding = 'json/plain'): NonNullable<PendingActivity['heartbeatDetails']> => ({
  payloads: [{ metadata: { encoding: bytes(encoding) }, data: bytes(JSON.stringify(value)) }],
});
const pending = (more: Partial<PendingActivity> = {}): PendingActivity => ({
  activityType: { name: 'trainModel' },
  state: 2,
  attempt: 1,
  lastStartedTime: { seconds: '1780000000', nanos: 250_000_000 },
  lastHeartbeatTime: { seconds: 1_780_000_060, nanos: 0 },
  heartbeatDetails: saying({ step: 400, maxSteps: 4_000, fromStep: 100, stage: 'training', rows: 9 }),
  ...more,
});
const nothing = { stage: null, step: null, plannedSteps: null, fromStep: null, failure: null };

describe('what a run does now', () => {
  it('is read of the last heartbeat: how far, of how many, since when', () => {
    assert.deepEqual(pendingSteps([pending()], 20), [
      {
        name: 'trainModel',
        attempt: 1,
        startedMs: 1_780_000_000_250,
        beatMs: 1_780_000_060_000,
        stage: 'training',
        step: 400,
        plannedSteps: 4_000,
        fromStep: 100,
        failure: null,
      },
    ]);
    // A trial of a search ends at its rung.
    const [trial] = pendingSteps(
      [pending({ heartbeatDetails: saying({ step: 40, maxSteps: 900, untilStep: 90 }) })],
      1,
    );
    assert.equal(trial?.plannedSteps, 90);
    const failed = { attempt: 3, state: 1, lastFailure: { message: 'x'.repeat(400) } };
    const [waiting] = pendingSteps([pending(failed)], 1);
    assert.deepEqual([waiting?.attempt, waiting?.startedMs, waiting?.failure], [3, null, 'x'.repeat(300)]);
  });

  it('is not made up: what nobody told, or told otherwise, is null', () => {
    assert.deepEqual(pendingSteps([{}], 1), [
      { ...nothing, name: 'an activity', attempt: 1, startedMs: null, beatMs: null },
    ]);
    for (const heartbeatDetails of [
      null,
      {},
      { payloads: [] },
      { payloads: [{}] },
      { payloads: [{ metadata: { encoding: bytes('json/plain') }, data: bytes('{') }] },
      saying({ step: 4 }, 'binary/encrypted'),
      saying([4]),
      saying(null),
      saying('step'),
      saying({ step: -1, maxSteps: 'many', fromStep: 1.5, stage: 7 }),
    ]) {
      const [step] = pendingSteps([pending({ heartbeatDetails })], 1);
      assert.deepEqual({ ...step, ...nothing }, step, JSON.stringify(heartbeatDetails));
    }
    const [odd] = pendingSteps([pending({ lastStartedTime: { seconds: 'soon' }, lastHeartbeatTime: null })], 1);
    assert.deepEqual([odd?.startedMs, odd?.beatMs], [null, null]);
  });

  it('is bounded, and in one order whatever order the server has', () => {
    const many = Array.from({ length: 50 }, (_, at) =>
      pending({
        activityType: { name: at % 2 === 0 ? 'trainTrial' : 'mixExperience' },
        lastStartedTime: { seconds: 50 - at },
      }),
    );
    const steps = pendingSteps(many, 30);
    assert.equal(steps.length, 30);
    assert.deepEqual(pendingSteps(many.toReversed(), 30), steps);
    assert.deepEqual([steps[0]?.name, steps[0]?.startedMs, steps[25]?.name], ['mixExperience', 1_000, 'trainTrial']);
  });
});
