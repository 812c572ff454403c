import assert from 'node:assert/strict';

import { followLoop, judgeLoop, type EndedRun, type LoopSight } from '../../../domain/monitoring/index.ts';

const hour = 3_600_000;
const week = 7 * 24 * hour;
const quiet: LoopSight = { schedule: { kind: 'on', periodMs: week }, ended: [], retries: [], approvals: [] };
const cycle = (outcome: string, endedMs: number): EndedRun => ({
  workflowId: `cycle/wall-${endedMs}`,
  kind: 'cycle',
  outcome,
  reason: `because ${outcome}`,
  endedMs,
});
const causes = (sight: LoopSight, nowMs: number, ...ended: readonly EndedRun[]) => {
  const { standing } = followLoop(undefined, { ...sight, ended }, 0);
  return judgeLoop(sight, standing, nowMs).map(({ cause }) => cause);
};

describe('the loop', () => {
  it('has stopped learning when no cycle ended well for one and a half periods, or since it is watched', () => {
    assert.deepEqual(causes(quiet, 1.4 * week), []);
    assert.deepEqual(causes(quiet, 1.6 * week), ['learningStopped']);
    assert.deepEqual(causes(quiet, 2 * week, cycle('offered', week)), []);
    assert.deepEqual(causes(quiet, 2.6 * week, cycle('offered', week), cycle('nothingNew', 2 * week)), [
      'learningStopped',
    ]);
    const [finding] = judgeLoop(quiet, followLoop(undefined, quiet, 0).standing, 1.6 * week);
    assert.equal(
      finding?.reason,
      'no cycle ended well for 268.8 h, more than 1.5 times the 168.0 h between scheduled cycles',
    );
  });

  it('says that the schedule is off, with the reason somebody gave, and not that learning stopped as well', () => {
    const paused: LoopSight = { ...quiet, schedule: { kind: 'paused', note: 'works council' } };
    const { standing } = followLoop(undefined, paused, 0);
    const findings = judgeLoop(paused, standing, 3 * week);
    assert.deepEqual(
      findings.map(({ cause, reason }) => [cause, reason]),
      [['scheduleOff', 'the weekly schedule is paused: works council']],
    );
    assert.deepEqual(causes({ ...quiet, schedule: { kind: 'missing' } }, week), ['scheduleOff']);
  });

  it('takes a pause that says who, why and until when for what it is, until then; every other one is an incident', () => {
    const nowMs = Date.parse('2026-11-26T10:00:00Z');
    const offWith = (note: string): boolean => {
      const paused: LoopSight = { ...quiet, schedule: { kind: 'paused', note } };
      const { standing } = followLoop(undefined, paused, nowMs);
      return judgeLoop(paused, standing, nowMs).some(({ cause }) => cause === 'scheduleOff');
    };
    assert.equal(offWith('lab: new floor, until 2026-11-26T10:01Z'), false);
    assert.equal(offWith('temporal-dev.sh: it runs cycles of its own, until 2026-11-26T12:00:00.123Z'), false);
    // A month ahead is planned, a second more is forgotten.
    assert.equal(offWith('lab: new floor, until 2026-12-27T10:00:00Z'), false);
    assert.equal(offWith('lab: new floor, until 2026-12-27T10:00:01Z'), true);
    const others = [
      '',
      'new floor',
      'new floor, until 2026-11-26T12:00Z',
      'lab: , until 2026-11-26T12:00Z',
      'lab: new floor, until tomorrow',
      'lab: new floor, until 2026-11-26T10:00Z',
      'lab: new floor, until 2026-11-26T12:00Z or so',
      'lab: new floor, until 2026-13-77T12:00Z',
      'lab: for good, until 2027-11-26T10:00Z',
    ];
    for (const note of others) assert.equal(offWith(note), true, note);
  });

  it('has a failed cycle until one does not fail', () => {
    for (const outcome of ['failed', 'terminated', 'timedOut'])
      assert.deepEqual(causes(quiet, 3, cycle('offered', 1), cycle(outcome, 2)), ['cycleFailed']);
    assert.deepEqual(causes(quiet, 4, cycle('failed', 2), cycle('nothingNew', 3)), []);
  });

  it('is held by its champion after three cycles in a row, which one without news does not end', () => {
    const held = [1, 2, 4].map((at) => cycle('gatesHold', at));
    assert.deepEqual(causes(quiet, 5, ...held.slice(0, 2), cycle('nothingNew', 3)), []);
    assert.deepEqual(causes(quiet, 5, ...held.slice(0, 2), cycle('nothingNew', 3), ...held.slice(2)), [
      'championHolds',
    ]);
    assert.deepEqual(causes(quiet, 6, ...held, cycle('offered', 5)), []);
  });

  it('names what is tried a third time with its cause, and what waits for a person', () => {
    const retry = (what: string, attempt: number) => ({
      workflowId: 'cycle/wall-1',
      what,
      attempt,
      cause: 'disk full',
    });
    const sight: LoopSight = {
      ...quiet,
      retries: [retry('mixExperience', 2), retry('trainModel', 3), retry('workflow task', 5)],
      approvals: [{ workflowId: 'trial/wall', what: 'the next stage waits for a person' }],
    };
    const findings = judgeLoop(sight, followLoop(undefined, sight, 0).standing, 1);
    assert.deepEqual(
      findings.map(({ cause, subject, reason }) => [cause, subject, reason]),
      [
        ['stepRetries', 'cycle/wall-1', 'trainModel is at attempt 3, the last one failed: disk full'],
        ['workflowStuck', 'cycle/wall-1', 'workflow task is at attempt 5, the last one failed: disk full'],
        ['approvalWaits', 'trial/wall', 'the next stage waits for a person'],
      ],
    );
  });

  it('tells of every run once, and at first of none', () => {
    const runs: EndedRun[] = [
      cycle('gatesHold', 10),
      { ...cycle('accept', 20), kind: 'abTest', workflowId: 'trial/wall/ab' },
      { ...cycle('promoted', 30), kind: 'rollout', workflowId: 'trial/wall/rollout' },
      { ...cycle('rolledBack', 40), kind: 'rollback', workflowId: 'rollback/wall' },
    ];
    const first = followLoop(undefined, { ...quiet, ended: runs.slice(0, 1) }, 15);
    assert.deepEqual(first.notices, []);
    const second = followLoop(first.standing, { ...quiet, ended: runs }, 50);
    assert.deepEqual(
      second.notices.map(({ cause, state, reason }) => [cause, state, reason]),
      [
        ['verdict', 'noticed', 'accept: because accept'],
        ['trialEnd', 'noticed', 'promoted: because promoted'],
        ['rollback', 'noticed', 'rolledBack: because rolledBack'],
      ],
    );
    assert.deepEqual(followLoop(second.standing, { ...quiet, ended: runs }, 60).notices, []);
  });
});
