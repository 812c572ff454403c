import assert from 'node:assert/strict';
import {
  comingStageOf,
  exposureOf,
  guardClock,
  isTerminal,
  needsGuard,
  parseRolloutPlan,
  plannedRollout,
  refusal,
  transition,
  wantsExposure,
  type RolloutEvent,
  type RolloutState,
} from '../../../domain/rollout/index.ts';

const hourMs = 3_600_000;
const plan = parseRolloutPlan({
  stages: [
    { robots: 5, maximumHours: 48 },
    { robots: 25, maximumHours: 96 },
    { robots: 50, maximumHours: 48 },
    { robots: 95, maximumHours: 96 },
  ],
  approvalBefore: [2],
});

const reason = 'because';
const tick = (verdict: 'continue' | 'advance' | 'hold' | 'rollback' | 'robotFault', atMs = 0): RolloutEvent => ({
  kind: 'ticked',
  atMs,
  verdict: { verdict, reason, ...(verdict === 'robotFault' ? { suspectRobotId: 'robot-7' } : {}) },
});

/** Every event, verdicts apart, and a tick long after the stage's maximum. */
const events = {
  started: { kind: 'started', atMs: 0 },
  exposed: { kind: 'exposed', atMs: 0, exposure: 100 },
  exposureRefused: { kind: 'exposureRefused', atMs: 0, reason },
  leaseLapsed: { kind: 'leaseLapsed', atMs: 0 },
  continue: tick('continue'),
  advance: tick('advance'),
  hold: tick('hold'),
  lateHold: tick('hold', 1000 * hourMs),
  rollback: tick('rollback'),
  robotFault: tick('robotFault'),
  pause: { kind: 'pauseRequested', atMs: 0, reason },
  resume: { kind: 'resumeRequested', atMs: 0 },
  approved: { kind: 'approved', atMs: 0, reason },
  rejected: { kind: 'rejected', atMs: 0, reason },
  approvalExpired: { kind: 'approvalExpired', atMs: 0 },
  abort: { kind: 'abortRequested', atMs: 0, reason },
  rollbackRequested: { kind: 'rollbackRequested', atMs: 0, reason },
  returned: { kind: 'returned', atMs: 0 },
} satisfies Record<string, RolloutEvent>;
type EventName = keyof typeof events;

/** Walks from planned through the named events. */
const after = (...names: EventName[]): RolloutState =>
  names.reduce((state, name) => transition(state, events[name]), plannedRollout(plan, 0));

const toStage1 = ['started', 'exposed', 'advance', 'exposed'] as const;
const toStage3 = [...toStage1, 'advance', 'approved', 'exposed', 'advance'] as const;

/** One state of every kind. */
const states = {
  planned: after(),
  exposing: after('started'),
  watching: after('started', 'exposed'),
  held: after('started', 'exposed', 'hold'),
  paused: after('started', 'exposed', 'pause'),
  awaitingApproval: after(...toStage1, 'advance'),
  holdback: after(...toStage3, 'exposed'),
  returning: after('started', 'exposed', 'abort'),
  rolledBack: after('started', 'exposed', 'rollback', 'returned'),
  endedWithoutPromotion: after('started', 'exposureRefused', 'returned'),
  aborted: after('started', 'exposed', 'abort', 'returned'),
  promoted: after(...toStage3, 'exposed', 'advance'),
} satisfies Record<RolloutState['kind'], RolloutState>;

/** The kind each event leads to; what is not named changes nothing of the kind. */
const leaves = {
  exposureRefused: 'returning',
  rollback: 'returning',
  abort: 'returning',
  rollbackRequested: 'returning',
} as const;
const table: Record<RolloutState['kind'], Partial<Record<EventName, RolloutState['kind']>>> = {
  planned: {
    started: 'exposing',
    exposureRefused: 'returning',
    rejected: 'returning',
    abort: 'returning',
    rollbackRequested: 'returning',
  },
  exposing: { ...leaves, exposed: 'watching', pause: 'paused' },
  watching: {
    ...leaves,
    leaseLapsed: 'exposing',
    advance: 'exposing',
    hold: 'held',
    lateHold: 'returning',
    pause: 'paused',
  },
  held: {
    ...leaves,
    leaseLapsed: 'exposing',
    continue: 'watching',
    advance: 'exposing',
    lateHold: 'returning',
    pause: 'paused',
  },
  paused: { ...leaves, resume: 'watching' },
  awaitingApproval: {
    ...leaves,
    pause: 'paused',
    approved: 'exposing',
    rejected: 'returning',
    approvalExpired: 'returning',
  },
  holdback: { ...leaves, leaseLapsed: 'exposing', advance: 'promoted', lateHold: 'returning', pause: 'paused' },
  returning: { returned: 'aborted' },
  rolledBack: {},
  endedWithoutPromotion: {},
  aborted: {},
  promoted: {},
};

const asked = { ...plan, approvalBefore: [0, 1, 2, 3] };
/** Nobody runs anything, and a person is to let the first stage begin. */
const unbegun = transition(plannedRollout(asked, 0), events.started);

describe('rollout state machine', () => {
  for (const [kind, state] of Object.entries(states)) {
    it(`does what the table says in state ${kind}`, () => {
      assert.equal(state.kind, kind);
      for (const [name, event] of Object.entries(events)) {
        const expected = table[state.kind][name as EventName] ?? kind;
        assert.equal(transition(state, event).kind, expected, `${kind} × ${name}`);
      }
    });
  }

  it('leaves its input alone', () => {
    const frozen = (value: unknown): unknown => {
      if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
      return value;
    };
    for (const state of Object.values(states)) {
      for (const event of Object.values(events))
        transition(frozen(state) as RolloutState, frozen(event) as RolloutEvent);
    }
  });

  it('receives verdicts in a pause and while waiting for approval', () => {
    for (const state of [states.paused, states.awaitingApproval]) {
      assert.equal(needsGuard(state), true);
      assert.equal(transition(state, events.rollback).kind, 'returning');
      const fault = transition(state, events.robotFault);
      assert.deepEqual(exposureOf(fault).without, ['robot-7']);
      assert.equal(wantsExposure(fault), true);
    }
  });

  it('freezes the clock of the stage in a pause, not the time since the start', () => {
    let state = after('started', 'exposed');
    for (const [hours, event] of [
      [2, events.continue],
      [3, events.pause],
      [10, events.continue],
      [10, events.resume],
      [11, events.continue],
    ] as const) {
      state = transition(state, { ...event, atMs: hours * hourMs });
    }
    assert.deepEqual(guardClock(state), { hoursInStage: 4, hoursTotal: 11 });
    assert.deepEqual(guardClock(state, 12 * hourMs), { hoursInStage: 5, hoursTotal: 12 });
    const paused = transition(state, { ...events.pause, atMs: 11 * hourMs });
    assert.deepEqual(guardClock(paused, 12 * hourMs), { hoursInStage: 4, hoursTotal: 12 });
  });

  it('counts no time without a lease as watched: an outage proves no stage', () => {
    let state = after('started', 'exposed');
    state = transition(state, { ...events.continue, atMs: hourMs });
    state = transition(state, { ...events.leaseLapsed, atMs: 50 * hourMs });
    assert.equal(guardClock(state).hoursInStage, 1);
    assert.equal(transition(state, { ...events.advance, atMs: 50 * hourMs }).stage, 0);
    assert.equal(transition(state, { ...events.rollback, atMs: 50 * hourMs }).kind, 'returning');
  });

  it('counts no time in which robots wait for their update windows: no stage ends for it', () => {
    const held = (atMs: number, stopsClock: boolean): RolloutEvent => ({
      kind: 'ticked',
      atMs,
      verdict: { verdict: 'hold', reason, stopsClock },
    });
    const waiting = transition(after('started', 'exposed'), held(1000 * hourMs, true));
    assert.equal(waiting.kind, 'held');
    assert.deepEqual(guardClock(waiting), { hoursInStage: 0, hoursTotal: 1000 });
    const later = transition(waiting, held(1005 * hourMs, false));
    assert.deepEqual([later.kind, guardClock(later).hoursInStage], ['held', 5]);
    assert.equal(transition(later, held(2000 * hourMs, false)).kind, 'returning');
  });

  it('does not advance on an assignment that is not written yet', () => {
    const faulted = transition(states.watching, events.robotFault);
    assert.equal(transition(faulted, events.advance).kind, 'watching');
    const old = transition(faulted, { kind: 'exposed', atMs: 0, exposure: 1 });
    assert.equal(wantsExposure(old), true);
    assert.equal(transition(transition(old, events.exposed), events.advance).kind, 'exposing');
  });

  it('ends as rolled back when harm shows while the robots return for another reason', () => {
    const state = transition(transition(states.returning, events.rollback), events.returned);
    assert.equal(state.kind, 'rolledBack');
  });

  it('keeps the reason of the first alarm while the robots return', () => {
    const alarm = (reason: string): RolloutEvent => ({
      kind: 'ticked',
      atMs: 0,
      verdict: { verdict: 'rollback', reason },
    });
    const state = [alarm('harm'), alarm('harm, but nobody runs it'), events.returned].reduce(
      transition,
      states.watching,
    );
    assert.equal(state.reason, 'harm');
  });

  it('tells an operator what means nothing now', () => {
    assert.match(refusal(states.promoted, events.pause) ?? '', /means nothing while the rollout is promoted/u);
    assert.equal(refusal(states.watching, events.pause), undefined);
  });

  it('exposes no robot before a person lets the first stage begin, whatever else happens', () => {
    assert.deepEqual([unbegun.kind, unbegun.stage, needsGuard(unbegun)], ['awaitingApproval', 0, false]);
    assert.equal(comingStageOf(unbegun), 0);
    const seen = new Set<string>();
    const queue = [{ state: plannedRollout(asked, 0), isApproved: false }];
    let exposed = 0;
    for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
      for (const event of Object.values(events)) {
        const state = transition(one.state, event);
        const isApproved = one.isApproved || (event.kind === 'approved' && one.state.kind === 'awaitingApproval');
        if (wantsExposure(state) || exposureOf(state).robots > 0 || state.startedAtMs !== null) {
          exposed += 1;
          assert.ok(isApproved, `${one.state.kind} × ${event.kind}`);
        }
        const key = `${isApproved} ${abstractOf(state)}`;
        if (seen.has(key)) continue;
        seen.add(key);
        queue.push({ state, isApproved });
      }
    }
    assert.ok(exposed > 0);
  });

  it('begins with the first stage once a person approves, and ends without any order when nobody does', () => {
    const begun = transition(transition(unbegun, { ...events.approved, atMs: hourMs }), {
      ...events.exposed,
      atMs: hourMs,
    });
    assert.deepEqual([begun.kind, begun.stage, exposureOf(begun).robots], ['watching', 0, 5]);
    assert.deepEqual(guardClock(begun, 3 * hourMs), { hoursInStage: 2, hoursTotal: 2 });
    const next = transition(begun, events.advance);
    assert.deepEqual(
      [next.kind, comingStageOf(next), transition(next, events.approved).stage],
      ['awaitingApproval', 1, 1],
    );
    for (const event of [events.rejected, events.approvalExpired]) {
      const back = transition(unbegun, event);
      assert.deepEqual([back.kind, wantsExposure(back)], ['returning', false]);
      assert.equal(transition(back, events.returned).kind, 'endedWithoutPromotion');
    }
    const paused = transition(unbegun, events.pause);
    assert.equal(transition(transition(paused, events.resume), events.approved).kind, 'exposing');
  });

  it('watches after a pause in which the last robots got the candidate, and exposes on where they did not', () => {
    const paused = transition(states.exposing, events.pause);
    assert.equal(transition(transition(paused, events.exposed), events.resume).kind, 'watching');
    assert.equal(transition(paused, events.resume).kind, 'exposing');
    const last = transition(after(...toStage3), events.pause);
    assert.equal(transition(transition(last, events.exposed), events.resume).kind, 'holdback');
  });

  it('never promotes but through an advance verdict of every stage in order, and ends otherwise only by returning', () => {
    const seen = new Map<string, RolloutState>();
    const queue: RolloutState[] = [[2], [1, 2, 3], [0, 1, 2, 3]].map((approvalBefore) =>
      plannedRollout({ ...plan, approvalBefore }, 0),
    );
    let promotions = 0;
    for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
      for (const event of Object.values(events)) {
        const next = transition(state, event);
        if (isTerminal(next) && next.kind !== state.kind) {
          if (next.kind === 'promoted') {
            promotions += 1;
            assert.deepEqual(next.proven, [0, 1, 2, 3]);
            assert.equal(event.kind === 'ticked' && event.verdict.verdict, 'advance');
          } else assert.equal(state.kind, 'returning');
        }
        const advanced = event.kind === 'ticked' && event.verdict.verdict === 'advance';
        if (next.proven.length > state.proven.length) assert.ok(advanced, `${state.kind} × ${event.kind}`);
        if (next.stage > state.stage) assert.deepEqual(next.proven, [0, 1, 2].slice(0, next.stage));
        const key = abstractOf(next);
        if (!seen.has(key)) {
          seen.set(key, next);
          queue.push(next);
        }
      }
    }
    assert.ok(promotions > 0);
    assert.equal(new Set([...seen.values()].map(({ kind }) => kind)).size, Object.keys(states).length);
    for (const state of seen.values()) {
      assert.ok(isTerminal(state) || canEnd(state), `no end from ${JSON.stringify(state)}`);
    }
  });
});

/** Two states alike but for times, reasons and the absolute number of the assignment go on alike. */
function abstractOf(state: RolloutState): string {
  const { atMs, startedAtMs, reason: _, wantedExposure, writtenExposure, stageMs, ...rest } = state;
  return JSON.stringify({
    ...rest,
    open: wantedExposure > writtenExposure,
    begun: startedAtMs !== null,
    ordered: wantedExposure > 0,
    late: atMs > 0,
    old: stageMs > 0,
  });
}

/** A rollback order and the robots' return end every rollout that is not over. */
const canEnd = (state: RolloutState): boolean =>
  isTerminal(transition(transition(state, events.rollbackRequested), events.returned));

describe('rollout plan', () => {
  const stages = plan.stages.map((stage) => ({ ...stage }));
  for (const [name, input, message] of [
    [
      'a stage that shrinks',
      { stages: stages.map((stage, index) => ({ ...stage, robots: 5 - index })) },
      /stages\.1\.robots: expected a whole number of at least 5.*got 4/u,
    ],
    ['an unknown key', { stages, approvals: [1] }, /plan\.approvals: expected only stages and approvalBefore/u],
    ['a missing stage', { stages: stages.slice(1) }, /stages: expected 4 stages/u],
    [
      'a negative time',
      { stages: stages.map((stage) => ({ ...stage, maximumHours: -1 })) },
      /stages\.0\.maximumHours: expected a number above 0, got -1/u,
    ],
    [
      'approval after the last stage',
      { stages, approvalBefore: [4] },
      /approvalBefore\.0: expected a stage from 0 to 3, got 4/u,
    ],
  ] as const) {
    it(`refuses ${name}, naming the field`, () => assert.throws(() => parseRolloutPlan(input), { message }));
  }

  it('gives a stage that is not proven exactly twice its maximum, then ends without promotion', () => {
    const longestMs = 2 * 48 * hourMs;
    for (const verdict of ['hold', 'continue'] as const) {
      assert.equal(
        transition(states.watching, tick(verdict, longestMs - 1)).kind,
        verdict === 'hold' ? 'held' : 'watching',
      );
      const ended = transition(states.watching, tick(verdict, longestMs));
      assert.ok(ended.kind === 'returning' && ended.end === 'endedWithoutPromotion');
      assert.equal(ended.reason, 'stage 0 was not proven in time');
    }
  });
});
