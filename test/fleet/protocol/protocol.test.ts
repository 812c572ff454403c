import assert from 'node:assert/strict';

import {
  etagMatches,
  robotIdSchema,
  telemetryEntrySchema,
  telemetryRequestSchema,
  ulidSchema,
} from '../../../fleet/protocol/index.ts';

const entry = (seq: number) => ({
  kind: 'safetyEvent',
  seq,
  atMs: 1,
  policyVersion: '1.0.0',
  trialId: null,
  event: 'bump',
});
const batch = (seqs: readonly number[]) => ({
  bootId: '01J00000000000000000000000',
  clockSkewMs: 0,
  entries: seqs.map(entry),
});

describe('the wire protocol', () => {
  it('takes telemetry in ascending order only, and at most 500 entries at once', () => {
    assert.equal(telemetryRequestSchema.safeParse(batch([0, 1, 5])).success, true);
    assert.equal(telemetryRequestSchema.safeParse(batch([0, 2, 1])).success, false);
    assert.equal(telemetryRequestSchema.safeParse(batch([1, 1])).success, false);
    assert.equal(telemetryRequestSchema.safeParse(batch([])).success, false);
    assert.equal(telemetryRequestSchema.safeParse(batch(Array.from({ length: 501 }, (_, seq) => seq))).success, false);
  });

  it('takes the corrected frames of an episode, none from an older agent, and no impossible number', () => {
    const episode = {
      kind: 'episode',
      seq: 0,
      atMs: 1,
      policyVersion: '1.0.0',
      trialId: null,
      episodeId: '01J00000000000000000000000',
      task: 'follow',
      durationMs: 1_000,
      outcome: 'success',
      failureReason: null,
      intervened: false,
      latencyP50Ms: null,
    };
    const taken = (more: object): unknown => {
      const parsed = telemetryEntrySchema.safeParse({ ...episode, ...more });
      return parsed.success && parsed.data.kind === 'episode' ? parsed.data.correctedFrames : 'refused';
    };
    assert.deepEqual([taken({}), taken({ correctedFrames: 7 })], [0, 7]);
    for (const correctedFrames of [-1, 1.5, null, '7', 10_000_001]) assert.equal(taken({ correctedFrames }), 'refused');
  });

  it('refuses fields it does not know', () => {
    assert.equal(telemetryRequestSchema.safeParse({ ...batch([0]), extra: 1 }).success, false);
  });

  it('refuses robot ids that could leave their folder', () => {
    for (const id of ['..', 'a/b', 'A', '', 'a'.repeat(64), 'a b', '-a', '%2e%2e'])
      assert.equal(robotIdSchema.safeParse(id).success, false, id);
    for (const id of ['a', 'robot-01', '7']) assert.equal(robotIdSchema.safeParse(id).success, true, id);
  });

  it('knows a ULID', () => {
    assert.equal(ulidSchema.safeParse('01J00000000000000000000000').success, true);
    assert.equal(ulidSchema.safeParse('81J00000000000000000000000').success, false);
  });

  it('matches entity tags weakly, lists and the star included', () => {
    assert.equal(etagMatches('"a", W/"b"', '"b"'), true);
    assert.equal(etagMatches('*', '"b"'), true);
    assert.equal(etagMatches('"a"', '"b"'), false);
    assert.equal(etagMatches(undefined, '"b"'), false);
  });
});
