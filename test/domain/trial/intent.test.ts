import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { abIntentOf } from '../../../domain/ab-test/intent.ts';
import { abTransition, begunAbTest, type AbEvent, type AbProgress } from '../../../domain/ab-test/progress.ts';
import {
  exposureOf,
  intentOf,
  parseRolloutPlan,
  plannedRollout,
  transition,
  type RolloutEvent,
  type RolloutState,
} from '../../../domain/rollout/index.ts';
import type { TrialIntent } from '../../../domain/trial/intent.ts';

const reason = 'because';
const atMs = 0;

const plan = parseRolloutPlan({
  stages: [5, 25, 50, 95].map((robots) => ({ robots, maximumHours: 48 })),
  approvalBefore: [2],
});
const rolloutTick = (verdict: 'advance' | 'continue' | 'hold' | 'robotFault' | 'rollback'): RolloutEvent => ({
  kind: 'ticked',
  atMs,
  verdict: { verdict, reason, ...(verdict === 'robotFault' ? { suspectRobotId: 'robot-7' } : {}) },
});
const begun = transition(plannedRollout(plan, 0), { kind: 'started', atMs });
const watching = transition(begun, { kind: 'exposed', atMs, exposure: 1 });
const toLastStage: readonly RolloutEvent[] = [
  rolloutTick('advance'),
  { kind: 'exposed', atMs, exposure: 2 },
  rolloutTick('advance'),
  { kind: 'approved', atMs, reason },
  { kind: 'exposed', atMs, exposure: 3 },
  rolloutTick('advance'),
];

describe('what a rollout wants done', () => {
  it('is the assignment that is not written, then nothing, then the next one', () => {
    assert.deepEqual(intentOf(plannedRollout(plan, 0)), { kind: 'wait' });
    const exposing = { kind: 'expose', exposure: 1, robots: 5, isLastStage: false, what: 'stage 0', reason: 'started' };
    assert.deepEqual(intentOf(begun), exposing);
    assert.deepEqual(intentOf(watching), { kind: 'wait' });
    const next = { kind: 'expose', exposure: 2, robots: 25, isLastStage: false, what: 'stage 1', reason };
    assert.deepEqual(intentOf(transition(watching, rolloutTick('advance'))), next);
    const last = toLastStage.reduce(transition, watching);
    const all = { kind: 'expose', exposure: 4, robots: 95, isLastStage: true, what: 'stage 3', reason };
    assert.deepEqual(intentOf(last), all);
  });

  it('is to be back at once after an alarm, and when robots are idle after everything else', () => {
    const back = (event: RolloutEvent): TrialIntent => intentOf(transition(watching, event));
    assert.deepEqual(back(rolloutTick('rollback')), { kind: 'return', urgency: 'safeStop', reason });
    assert.deepEqual(back({ kind: 'rollbackRequested', atMs, reason }), {
      kind: 'return',
      urgency: 'safeStop',
      reason,
    });
    assert.deepEqual(back({ kind: 'abortRequested', atMs, reason }), { kind: 'return', urgency: 'whenIdle', reason });
    const ended = transition(transition(watching, rolloutTick('rollback')), { kind: 'returned', atMs });
    assert.deepEqual(intentOf(ended), { kind: 'end' });
  });

  it('is a new assignment without the robot that is broken, in a pause too', () => {
    const paused = transition(watching, { kind: 'pauseRequested', atMs, reason });
    for (const state of [watching, paused]) {
      const intent = intentOf(transition(state, rolloutTick('robotFault')));
      assert.deepEqual([intent.kind, intent.kind === 'expose' && intent.exposure], ['expose', 2]);
    }
  });

  it('leads to an end whatever happens, exposes only what the state names, and ends only in a state that is one', () => {
    const events: readonly RolloutEvent[] = [
      rolloutTick('advance'),
      rolloutTick('continue'),
      rolloutTick('hold'),
      rolloutTick('robotFault'),
      rolloutTick('rollback'),
      { kind: 'leaseLapsed', atMs },
      { kind: 'pauseRequested', atMs, reason },
      { kind: 'resumeRequested', atMs },
      { kind: 'approved', atMs, reason },
      { kind: 'abortRequested', atMs, reason },
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (happened) => {
        let state = plannedRollout(plan, 0);
        for (const event of [{ kind: 'started', atMs } as const, ...happened]) state = obeyed(transition(state, event));
        state = obeyed(transition(state, { kind: 'abortRequested', atMs, reason }));
        assert.deepEqual(intentOf(state), { kind: 'end' }, state.kind);
        assert.ok(['promoted', 'rolledBack', 'endedWithoutPromotion', 'aborted'].includes(state.kind));
      }),
    );
  });
});

/** Does what is wanted until nothing is. */
function obeyed(from: RolloutState): RolloutState {
  let state = from;
  for (let intent = intentOf(state); intent.kind !== 'wait' && intent.kind !== 'end'; intent = intentOf(state)) {
    if (intent.kind === 'expose') assert.equal(intent.robots, exposureOf(state).robots);
    state =
      intent.kind === 'expose'
        ? transition(state, { kind: 'exposed', atMs, exposure: intent.exposure })
        : transition(state, { kind: 'returned', atMs });
  }
  return state;
}

describe('what an A/B test wants done', () => {
  const exposed: AbEvent = { kind: 'exposed', atMs, exposure: 1 };
  const watched = abTransition(begunAbTest(0), exposed);

  it('is its arm, then nothing, then its arm again after a lapse', () => {
    const arm = { kind: 'expose', robots: 12, isLastStage: false, what: 'A/B test' };
    assert.deepEqual(abIntentOf(begunAbTest(0), 12), { ...arm, exposure: 1, reason: 'planned' });
    assert.deepEqual(abIntentOf(watched, 12), { kind: 'wait' });
    const lapsed = abTransition(watched, { kind: 'leaseLapsed', atMs });
    assert.deepEqual(abIntentOf(lapsed, 12), { ...arm, exposure: 2, reason: 'lease lapsed' });
  });

  it('is to be back at once after an alarm, and when robots are idle after a decision', () => {
    const back = (event: AbEvent): TrialIntent => abIntentOf(abTransition(watched, event), 12);
    const alarm: AbEvent = { kind: 'ticked', atMs, verdict: 'rollback', reason };
    assert.deepEqual(back(alarm), { kind: 'return', urgency: 'safeStop', reason });
    for (const decision of ['accept', 'acceptEquivalent', 'reject', 'block'] as const) {
      const looked: AbEvent = { kind: 'looked', atMs, look: 1, decision, reason };
      assert.deepEqual(back(looked), { kind: 'return', urgency: 'whenIdle', reason });
    }
  });

  it('is nothing once it has ended, though its arm was never written', () => {
    const refused = abTransition(begunAbTest(0), { kind: 'exposureRefused', atMs, reason });
    assert.equal(abIntentOf(refused, 12).kind, 'return');
    const ended: AbProgress = abTransition(refused, { kind: 'returned', atMs });
    assert.deepEqual([ended.writtenExposure, ended.end], [0, 'notStarted']);
    assert.deepEqual(abIntentOf(ended, 12), { kind: 'end' });
  });
});
