import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { applyAssignment, foldAssignments, noAssignments, ordersOf } from '../../../fleet/desk/assignment-log.ts';
import type { AssignmentRecord } from '../../../fleet/desk/index.ts';

const origin = { operationId: 'test', who: 'tester', why: 'test', atMs: 0 };
const snapshot = { defaultVersion: '1.0.0', championVersion: '1.0.0', trialId: null, urgency: 'whenIdle' as const };
const trials = ['t1', 't2', 't3'] as const;

const expose = (trialId: string): AssignmentRecord => ({
  kind: 'assign',
  ...snapshot,
  overrides: [{ version: '1.1.0', trialId, urgency: 'whenIdle', robotIds: ['r1'] }],
  ...origin,
});
const close = (closedTrialId: string): AssignmentRecord => ({
  kind: 'closeTrial',
  closedTrialId,
  ...snapshot,
  overrides: [],
  ...origin,
});

const anyRecord = fc.constantFrom(...trials).chain((trialId) => fc.constantFrom(expose(trialId), close(trialId)));

describe('the assignment log', () => {
  it('never lets a robot run for a trial that was closed before, whatever was written afterwards', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), (records) => {
        const closed = new Set<string>();
        let state = noAssignments;
        for (const [seq, record] of records.entries()) {
          state = applyAssignment(state, { seq, record });
          if (record.kind === 'closeTrial') closed.add(record.closedTrialId);
          assert.equal(state.seq, seq);
          assert.deepEqual(state.closedTrialIds, closed);
          assert.ok(state.current !== undefined || record.kind === 'assign');
          if (state.current === undefined) continue;
          const { trialId } = ordersOf(state.current, () => Number.POSITIVE_INFINITY)('r1', 0);
          assert.ok(trialId === null || !closed.has(trialId));
        }
      }),
    );
  });

  it('keeps what was in force when it ignores a record', () => {
    const state = foldAssignments([expose('t1'), close('t1'), expose('t1')].map((record, seq) => ({ seq, record })));
    assert.equal(state.seq, 2);
    assert.equal(state.current?.seq, 1);
  });

  it('refuses a gap, which would hide a record', () => {
    assert.throws(() => applyAssignment(noAssignments, { seq: 1, record: expose('t1') }), /expected record 0/);
  });
});
