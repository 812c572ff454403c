import assert from 'node:assert/strict';

import { assert as check, constantFrom, integer, property, record } from 'fast-check';

import type { AliasRecord } from '../../../domain/registry/index.ts';
import { monitorName, undoneOrder, undoOf, undoTarget, whyNotRestored } from '../../../domain/trial/index.ts';

const minute = 60_000;
type Facts = Parameters<typeof undoOf>[0];
type Harm = Parameters<typeof whyNotRestored>[1];

const moves = (...given: readonly (readonly [operationId: string, set: AliasRecord['set'], who?: string])[]) =>
  given.map(([operationId, set, who = 'cycle c'], seq): AliasRecord => ({
    seq,
    operationId,
    set,
    atMs: 1_000 * seq,
    who,
    why: 'y',
  }));
const rolledBack = moves(
  ['baseline-a', { champion: '0.9.0', baseline: '0.9.0' }],
  ['wall-rollout-a#2', { champion: '1.0.0', previous: '0.9.0' }],
  ['wall-rollout-b#5', { champion: '1.1.0', previous: '1.0.0' }],
  ['rollback-wall-0a1b#9', { champion: '1.0.0', previous: '0.9.0' }, 'ada'],
);
const order = {
  seq: 9,
  kind: 'assign',
  defaultVersion: '1.0.0',
  operationId: 'rollback-wall-0a1b#9',
  who: 'ada',
  why: 'smoke',
  atMs: 3_000,
} as const;
const facts: Facts = {
  policy: 'wall',
  order: 9,
  who: 'ada',
  nowMs: 3_000 + minute,
  withinMs: 30 * minute,
  lastSeq: 9,
  current: order,
  championBefore: '1.1.0',
  history: rolledBack,
  baseline: '0.9.0',
};
const refusal = (more: Partial<Facts>): string => {
  const undo = undoOf({ ...facts, ...more });
  return undo.kind === 'no' ? undo.reason : assert.fail(`expected a refusal, got ${undo.version}`);
};

describe('undoing a rollback', () => {
  it('restores the champion that the rollback replaced, until its time is over', () => {
    assert.deepEqual(undoOf(facts), {
      kind: 'undo',
      version: '1.1.0',
      championSinceMs: 2_000,
      rolledBackAtMs: 3_000,
      untilMs: 3_000 + 30 * minute,
    });
    assert.equal(undoOf({ ...facts, nowMs: 3_000 + 30 * minute }).kind, 'undo');
    assert.match(refusal({ nowMs: 3_001 + 30 * minute }), /ordered 30 min ago: it can be undone for 30 min/);
    // A clock that runs backwards opens no window.
    assert.match(refusal({ nowMs: 2_999 - 30 * minute }), /can be undone for 30 min/);
    assert.match(refusal({ withinMs: 0 }), /turned off/);
  });

  it('is for who ordered it, of the last order alone, and never of what the monitor ordered', () => {
    assert.match(refusal({ who: 'bo' }), /ada ordered the rollback: only who ordered it/);
    assert.match(refusal({ who: '' }), /only who ordered it/);
    assert.match(refusal({ lastSeq: 10 }), /order 10 came after it/);
    assert.match(refusal({ order: 8 }), /order 8 is not the last one/);
    assert.match(refusal({ order: 10 }), /there is no order 10/);
    assert.match(refusal({ current: undefined, lastSeq: -1 }), /there is no order 9/);
    const monitor = { ...order, who: monitorName };
    assert.match(refusal({ current: monitor, who: monitorName }), /the monitor ordered it because of harm/);
    assert.match(refusal({ current: { ...order, operationId: 'wall-rollout-b#9' } }), /order 9 is no rollback/);
  });

  it('is done once: what is undone already says so, and an undo is not undone', () => {
    const undone = { ...order, seq: 10, operationId: 'undo-9-rollback-wall-0a1b#10', defaultVersion: '1.1.0' };
    assert.match(refusal({ current: undone, lastSeq: 10 }), /order 9 is undone already, by order 10 of ada/);
    assert.match(refusal({ current: undone, lastSeq: 10, order: 10 }), /undid a rollback itself/);
  });

  it('takes up no trial, no baseline, and nothing that the logs do not agree on', () => {
    assert.match(refusal({ current: { ...order, kind: 'closeTrial' } }), /it ended a trial/);
    assert.match(refusal({ baseline: '1.1.0' }), /1\.1\.0 is the baseline/);
    assert.match(refusal({ championBefore: undefined }), /nobody can tell what, is not 1\.1\.0/);
    assert.match(refusal({ championBefore: '1.2.0' }), /1\.2\.0, is not 1\.1\.0/);
    // The alias has not followed yet.
    assert.match(refusal({ history: rolledBack.slice(0, 3) }), /the champion alias does not stem from it/);
    assert.match(refusal({ history: [] }), /cannot be told/);
  });

  it('never restores another version than the one before, whatever was ordered by whom and when', () => {
    const asked = record({
      order: integer({ min: 7, max: 11 }),
      lastSeq: integer({ min: 8, max: 10 }),
      who: constantFrom('ada', 'bo', monitorName),
      by: constantFrom('ada', 'bo', monitorName),
      operationId: constantFrom('rollback-wall-0a1b#9', 'wall-rollout-b#9', 'undo-8-rollback-w#9'),
      kind: constantFrom('assign', 'closeTrial'),
      agoMs: integer({ min: -40 * minute, max: 40 * minute }),
    });
    let restored = 0;
    check(
      property(asked, ({ by, operationId, kind, agoMs, ...more }) => {
        const current = { ...order, who: by, operationId, kind };
        const undo = undoOf({ ...facts, ...more, current, nowMs: current.atMs + agoMs });
        if (undo.kind === 'no') return;
        restored += 1;
        assert.deepEqual([undo.version, more.who, more.order, more.lastSeq, kind], ['1.1.0', by, 9, 9, 'assign']);
        assert.ok(Math.abs(agoMs) <= 30 * minute && by !== monitorName && operationId.startsWith('rollback-'));
      }),
      { numRuns: 2_000 },
    );
    assert.ok(restored > 0, 'expected some that are restored');
  });

  it('is asked for by a target that is no version and no alias', () => {
    assert.equal(undoneOrder(undoTarget(17)), 17);
    for (const other of [null, undefined, '', 'previous', '1.2.3', 'undo:', 'undo:-1', 'undo:1.5', 'undo:x', ' undo:1'])
      assert.equal(undoneOrder(other), undefined, String(other));
  });
});

describe('a version that was rolled back', () => {
  const quiet: Harm = {
    policy: 'wall',
    history: rolledBack,
    trialEnds: [{ trialId: 'b', candidateVersion: '1.1.0', outcome: 'promoted', reason: 'r' }],
    open: [],
    events: [],
    wasFrozen: false,
    damaged: [],
  };
  const version = { version: '1.1.0', championSinceMs: 2_000 };
  const why = (more: Partial<Harm>): string => whyNotRestored(version, { ...quiet, ...more }) ?? 'nothing';

  it('may come back where nothing is known against it', () => {
    assert.equal(why({}), 'nothing');
    assert.equal(
      why({ trialEnds: [{ trialId: 'c', candidateVersion: '1.2.0', outcome: 'harmful', reason: 'r' }] }),
      'nothing',
    );
    assert.equal(why({ open: [{ cause: 'silent', subject: 'r1', openedAtMs: 2_500 }] }), 'nothing');
    // One robot that broke before the version came.
    assert.equal(why({ open: [{ cause: 'crashLoop', subject: 'r1', openedAtMs: 1_999 }] }), 'nothing');
    assert.equal(why({ events: [{ cause: 'fleetBroken', subject: 'fleet', state: 'acknowledged' }] }), 'nothing');
  });

  it('does not after a trial that ended against it, however long ago, and promoted or not since', () => {
    const end = { trialId: 'old', candidateVersion: '1.1.0', outcome: 'harmful', reason: 'harm in docking' };
    assert.match(why({ trialEnds: [end, ...quiet.trialEnds] }), /trial old ended against 1\.1\.0: harm in docking/);
    assert.match(why({ trialEnds: [{ ...end, outcome: 'reject', reason: 'proven worse: z −4' }] }), /proven worse/);
    assert.equal(why({ trialEnds: [{ ...end, outcome: 'reject', reason: 'not better' }] }), 'nothing');
  });

  it('does not once the monitor or the end of a trial took it back', () => {
    const back = (operationId: string, who: string) =>
      moves(
        ['baseline-a', { champion: '1.0.0', baseline: '1.0.0' }],
        ['wall-rollout-a#1', { champion: '1.1.0', previous: '1.0.0' }],
        [operationId, { champion: '1.0.0' }, who],
        ['wall-rollout-c#7', { champion: '1.1.0', previous: '1.0.0' }],
        ['rollback-wall-z#9', { champion: '1.0.0' }, 'ada'],
      );
    assert.match(why({ history: back('rollback-wall-y#3', monitorName) }), /taken back for harm by fleetMonitor/);
    assert.match(why({ history: back('wall-rollout-a#3', 'cycle c') }), /taken back for harm by cycle c/);
    assert.equal(why({ history: back('rollback-wall-y#3', 'bo') }), 'nothing');
  });

  it('does not with an alarm that may be about it, a freeze since, or anything that cannot be read', () => {
    for (const [cause, words] of [
      ['fleetBroken', 'the whole fleet does badly'],
      ['errorRate', 'more episodes fail than before'],
      ['failureReason', 'one reason of failures has become more frequent'],
      ['rollbackNeeded', 'the champion does harm'],
    ] as const)
      assert.equal(
        why({ open: [{ cause, subject: 'fleet', openedAtMs: 1 }] }),
        `an alarm may be about 1.1.0: ${words}`,
      );
    for (const state of ['opened', 'closed'])
      assert.match(why({ events: [{ cause: 'unsafe', subject: 'r1', state }] }), /a safety event \(r1\)/);
    assert.match(
      why({ open: [{ cause: 'crashLoop', subject: 'r1', openedAtMs: 2_000 }] }),
      /crashes again and again \(r1\)/,
    );
    assert.match(why({ wasFrozen: true }), /frozen, or a freeze was lifted/);
    assert.match(why({ damaged: ['incidents/wall'] }), /cannot be read: incidents\/wall/);
  });
});
