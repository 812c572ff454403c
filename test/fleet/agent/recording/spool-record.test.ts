import assert from 'node:assert/strict';

import { spoolRecordSchema } from '../../../../fleet/agent/recording/spool-record.ts';

describe('a record of the spool', () => {
  const frame = { kind: 'frame', atUs: 0, observation: [1], action: [], expertAction: null, latencyMs: null };
  const reads = (record: object): boolean => spoolRecordSchema.safeParse(record).success;

  it('has whole microseconds from 1970 on, a robot without a clock among them, and at most 1,024 numbers', () => {
    assert.ok(reads(frame));
    assert.ok(!reads({ ...frame, atUs: -1 }));
    assert.ok(!reads({ ...frame, atUs: 0.5 }));
    assert.ok(reads({ ...frame, observation: Array(1024).fill(0) }));
    assert.ok(!reads({ ...frame, observation: Array(1025).fill(0) }));
    assert.ok(reads({ ...frame, latencyMs: 0 }));
    assert.ok(!reads({ ...frame, latencyMs: -1 }));
  });

  it('of a newer agent is read for what is known of it', () => {
    assert.deepEqual(spoolRecordSchema.parse({ ...frame, later: true }), frame);
  });
});
