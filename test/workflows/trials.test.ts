import assert from 'node:assert/strict';

import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';

import { plannedRollout, transition, type RolloutEvent } from '../../domain/rollout/index.ts';
import { describeRollout } from '../../workflows/trial/status-page.ts';
import type {
  AbTestResult,
  RollbackAnswer,
  RollbackResult,
  RollbackStatus,
  RolloutResult,
  RolloutStatus,
  TrialResult,
  TrialStatus,
} from '../../workflows/trial/messages.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { failureOf, withWorker, type Harness } from './harness.ts';
import { until } from './scenario.ts';
import { stubs, type ActivityName, type Stubs } from './stubs.ts';
import { goodTrial, holdAt, verdicts, withheldFrom } from './trial-stubs.ts';

type Changes = Parameters<typeof stubs>[0];
type Drive = (handle: WorkflowHandleWithFirstExecutionRunId, calls: Stubs['calls'], harness: Harness) => Promise<void>;

interface Results {
  readonly rolloutPolicy: RolloutResult;
  readonly abTest: AbTestResult;
  readonly trialPolicy: TrialResult;
  readonly rollbackPolicy: RollbackResult;
}

async function run<Name extends keyof Results>(
  workflow: Name,
  { changes, input, drive }: { changes?: Changes; input?: unknown; drive?: Drive } = {},
): Promise<{ result: Results[Name]; calls: Stubs['calls']; handle: WorkflowHandleWithFirstExecutionRunId }> {
  const { activities, calls } = stubs(changes);
  return withWorker(activities, async (harness) => {
    const handle = await harness.start(workflow, input);
    await drive?.(handle, calls, harness);
    return { result: (await handle.result()) as Results[Name], calls, handle };
  });
}

const inputsOf = (calls: Stubs['calls'], name: ActivityName): Record<string, unknown>[] =>
  calls.filter((call) => call.name === name).map((call) => call.input as Record<string, unknown>);
const called = (calls: Stubs['calls'], name: ActivityName, times = 1) =>
  until(() => calls.filter((call) => call.name === name).length >= times);
const signal = (handle: WorkflowHandleWithFirstExecutionRunId, kind: string) =>
  handle.signal('operator', { kind, reason: `${kind} by a test` });
const stageOf = async (handle: WorkflowHandleWithFirstExecutionRunId): Promise<string | undefined> =>
  (await handle.query<RolloutStatus>('status')).state?.kind;

describe('the course of a rollout', () => {
  it('is a list of stages with value, threshold, robots, episodes and time left', async () => {
    const plan = await goodTrial.planTrial({ policy: 'wall', kind: 'rollout', trialId: 't', nowMs: 0 });
    if (plan.kind !== 'planned') throw new Error('expected a plan');
    const stages = plan.stages.map((stage) => ({ ...stage, minimumHours: 4, maximumHours: 48 }));
    const hour = 3_600_000;
    const events: RolloutEvent[] = [
      { kind: 'started', atMs: 0 },
      { kind: 'exposed', atMs: 0, exposure: 1 },
      { kind: 'ticked', atMs: 5 * hour, verdict: { verdict: 'advance', reason: 'proven' } },
      { kind: 'exposed', atMs: 5 * hour, exposure: 2 },
      { kind: 'ticked', atMs: 6 * hour, verdict: { verdict: 'continue', reason: 'not yet proven' } },
    ];
    const state = events.reduce(transition, plannedRollout({ stages, approvalBefore: [] }, 0));
    const row = { robots: 25, lowerBound: -0.031, marginFraction: 0.02, reportingRobots: 24, episodes: 1_200 };
    const text = describeRollout({ ...plan, stages }, state, [{ stage: 1, ...row }], undefined);
    const lines = text.split('\n');
    for (const line of [
      '- **stage 1 of 4** · 5 robots · at most 2 points worse are allowed · nobody reports yet · proven',
      '- **stage 2 of 4** · 25 robots · at most 2 points worse are allowed · at most 3.1 points worse, 24 robots report, 1200 episodes · at least 3.0 h more',
      '- **stage 4 of 4** · 95 robots · at most 2 points worse are allowed · nobody reports yet · at least 4.0 h, once it begins',
    ])
      assert.ok(lines.includes(line), `${line}\n${text}`);
    const late = { ...row, lowerBound: 0.1175 };
    const hold = { kind: 'ticked', atMs: 200 * hour, verdict: { verdict: 'hold', reason: 'not proven' } } as const;
    const overdue = describeRollout({ ...plan, stages }, transition(state, hold), [{ stage: 1, ...late }], undefined);
    assert.match(overdue, /at least 11\.[78] points better, 24 robots report/);
    assert.doesNotMatch(overdue, /-\d/);
    const waits = transition(plannedRollout({ stages, approvalBefore: [0] }, 0), { kind: 'started', atMs: 0 });
    assert.match(
      describeRollout({ ...plan, stages }, waits, [], undefined),
      /\*\*stage 1 of 4\*\* .* waits for a person: flywheel trial approve or reject/,
    );
  });
});

describe('rolloutPolicy', function () {
  this.timeout(120_000);

  it('goes through its stages, moves the champion alias after the last assignment, and leaves nobody behind', async () => {
    const { result, calls } = await run('rolloutPolicy');
    assert.deepEqual([result.outcome, result.candidateVersion, result.stagesProven], ['promoted', '1.1.0', 4]);
    const exposures = inputsOf(calls, 'writeExposure');
    assert.deepEqual(
      exposures.map(({ seq, robots, isLastStage }) => [seq, robots, isLastStage]),
      [
        [4, 5, false],
        [5, 25, false],
        [6, 50, false],
        [7, 95, true],
      ],
    );
    const names = calls.map(({ name }) => name);
    assert.ok(names.indexOf('repairAliases', 2) > names.lastIndexOf('writeExposure'));
    assert.ok(names.indexOf('renewLease') < names.indexOf('writeExposure'));
    const [end] = inputsOf(calls, 'endExposure');
    assert.deepEqual([end?.['version'], end?.['urgency'], end?.['seq']], ['1.1.0', 'whenIdle', 9]);
    assert.equal(inputsOf(calls, 'recordTrialEnd')[0]?.['outcome'], 'promoted');
    assert.deepEqual(result.robots, { confirmed: 99, offline: ['robot-7'], failed: [] });
  });

  it('takes everybody back at once when a stage does harm', async () => {
    const { result, calls } = await run('rolloutPolicy', { changes: verdicts('advance', 'rollback') });
    assert.deepEqual([result.outcome, result.stagesProven], ['rolledBack', 1]);
    const [end] = inputsOf(calls, 'endExposure');
    assert.deepEqual([end?.['version'], end?.['urgency']], ['1.0.0', 'safeStop']);
    assert.equal(inputsOf(calls, 'writeExposure').length, 2);
    assert.ok(calls.map(({ name }) => name).includes('readConfirmations'));
  });

  it('holds a stage that is not proven, and ends it when it never is', async () => {
    const changes = {
      ...holdAt(0),
      planTrial: async (input: never) => {
        const plan = await goodTrial.planTrial(input);
        if (plan.kind !== 'planned') return plan;
        return { ...plan, stages: plan.stages.map((stage) => ({ ...stage, maximumHours: 50 })) };
      },
    } as Changes;
    const { result, calls } = await run('rolloutPolicy', { changes });
    assert.equal(result.outcome, 'endedWithoutPromotion');
    assert.match(result.reason, /stage 0 was not proven in time/);
    assert.equal(inputsOf(calls, 'endExposure')[0]?.['urgency'], 'whenIdle');
  });

  it('takes a faulty robot off, quarantines it and goes on', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: verdicts('robotFault', 'advance'),
    });
    assert.deepEqual([result.outcome, result.faultyRobots], ['promoted', ['robot-3']]);
    assert.deepEqual(inputsOf(calls, 'writeExposure')[1]?.['faultyRobots'], ['robot-3']);
    assert.deepEqual(
      inputsOf(calls, 'quarantineRobot').map(({ robotId }) => robotId),
      ['robot-3'],
    );
    assert.deepEqual(inputsOf(calls, 'judgeTick').at(-1)?.['faultyRobots'], ['robot-3']);
  });

  it('is aborted by a message, and the robots come back when they are idle', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: holdAt(1),
      drive: async (handle, calls) => {
        await called(calls, 'judgeTick', 3);
        await signal(handle, 'abortRequested');
      },
    });
    assert.deepEqual([result.outcome, result.reason], ['aborted', 'abortRequested by a test']);
    assert.equal(inputsOf(calls, 'endExposure')[0]?.['urgency'], 'whenIdle');
  });

  it('brings the robots back before it obeys a cancellation', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: holdAt(0),
      drive: async (handle, calls) => {
        await called(calls, 'judgeTick', 2);
        await handle.cancel();
      },
    });
    assert.deepEqual([result.outcome, result.reason], ['aborted', 'the workflow was cancelled']);
    assert.equal(inputsOf(calls, 'endExposure').length, 1);
  });

  it('judges on in a pause, in which nothing advances, and goes on afterwards', async () => {
    const { result } = await run('rolloutPolicy', {
      changes: holdAt(0, 4),
      drive: async (handle, calls) => {
        await called(calls, 'judgeTick', 1);
        await signal(handle, 'pauseRequested');
        await until(() => calls.length > 0);
        const ticks = inputsOf(calls, 'judgeTick').length;
        await called(calls, 'judgeTick', ticks + 6);
        assert.equal(await stageOf(handle), 'paused');
        assert.equal(inputsOf(calls, 'writeExposure').length, 1);
        await signal(handle, 'resumeRequested');
      },
    });
    assert.equal(result.outcome, 'promoted');
  });

  it('ends in the safe side when nobody approves in time', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      input: { approvalBefore: [1], approvalHours: 4_000, times: { tickMs: 400 } },
    });
    assert.deepEqual([result.outcome, result.reason], ['endedWithoutPromotion', 'nobody approved in time']);
    assert.equal(inputsOf(calls, 'writeExposure').length, 1);
    assert.ok(inputsOf(calls, 'judgeTick').length >= 3, 'the guard ticks while it waits');
  });

  it('lets no more robots have the candidate while it is frozen, goes on judging, and goes on afterwards', async () => {
    let refusals = 0;
    const { result, calls } = await run('rolloutPolicy', {
      changes: {
        writeExposure: async ({ seq, robots }) => {
          if (robots !== 25 || refusals >= 3) return { kind: 'written', seq };
          refusals += 1;
          return { kind: 'frozen', reason: 'frozen until tomorrow by ada: holidays' };
        },
        judgeTick: async (input) => {
          const answer = await goodTrial.judgeTick(input);
          return refusals > 0 && refusals < 3
            ? { ...answer, verdict: 'hold', stopsClock: true, isFrozen: true }
            : answer;
        },
      },
    });
    assert.deepEqual([result.outcome, result.stagesProven], ['promoted', 4]);
    assert.deepEqual(
      inputsOf(calls, 'writeExposure').map(({ seq, robots }) => [seq, robots]),
      [[4, 5], ...Array.from({ length: 4 }, () => [5, 25]), [6, 50], [7, 95]],
    );
    assert.ok(inputsOf(calls, 'judgeTick').length >= 6, 'the guard ticks while it is frozen');
  });

  it('does not call an approval late for the time in which nobody may approve', async () => {
    const [frozenMs, approvalHours] = [1_500, 800];
    let frozenSinceMs = 0;
    const { result } = await run('rolloutPolicy', {
      input: { approvalBefore: [1], approvalHours, times: { tickMs: 100 } },
      changes: {
        judgeTick: async (input) => {
          const answer = await goodTrial.judgeTick(input);
          if (input.tick === 0) return answer;
          frozenSinceMs ||= Date.now();
          return Date.now() - frozenSinceMs < frozenMs
            ? { ...answer, verdict: 'hold', stopsClock: true, isFrozen: true }
            : answer;
        },
      },
    });
    assert.deepEqual([result.outcome, result.reason], ['endedWithoutPromotion', 'nobody approved in time']);
    // A fleet hour is a millisecond here, so it would be over in the middle of the freeze.
    const waitedMs = Date.now() - frozenSinceMs;
    assert.ok(waitedMs >= frozenMs, `${waitedMs} ms`);
  });

  it('exposes no robot of a fleet that people decide for before one of them lets the first stage begin', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: {
        planTrial: (input) => goodTrial.planTrial({ ...input, approvalBefore: [0], approvalHours: 1_000_000 }),
      },
      drive: async (handle, calls) => {
        await called(calls, 'planTrial');
        while ((await stageOf(handle)) === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
        assert.equal(await stageOf(handle), 'awaitingApproval');
        assert.deepEqual(
          ['renewLease', 'writeExposure', 'judgeTick'].filter((name) => calls.some((call) => call.name === name)),
          [],
        );
        await handle.signal('operator', { kind: 'approved', reason: 'begin', who: 'ada' });
      },
    });
    assert.equal(result.outcome, 'promoted');
    const [approval] = inputsOf(calls, 'recordApproval');
    assert.deepEqual([approval?.['stage'], approval?.['answer'], approval?.['who']], [0, 'approved', 'ada']);
  });

  it('ends without any order when nobody lets the first stage begin', async () => {
    const { result, calls } = await run('rolloutPolicy', { input: { approvalBefore: [0], approvalHours: 1 } });
    assert.deepEqual([result.outcome, result.reason], ['endedWithoutPromotion', 'nobody approved in time']);
    assert.deepEqual(
      calls.filter(({ name }) => name === 'writeExposure' || name === 'endExposure'),
      [],
    );
    assert.equal(inputsOf(calls, 'recordTrialEnd').length, 1);
  });

  it('goes on as a new run with everything it knows', async () => {
    const { result, calls, handle } = await run('rolloutPolicy', { changes: holdAt(1, 12) });
    assert.equal(result.outcome, 'promoted');
    const description = await handle.describe();
    assert.notEqual(description.runId, handle.firstExecutionRunId);
    const { client } = await sharedTemporal();
    const first = await client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId).fetchHistory();
    const carried = first.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.input?.payloads ?? [];
    const sizeBytes = carried.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    assert.ok(sizeBytes > 500 && sizeBytes <= 8_192, `${sizeBytes} bytes`);
    const ticks = inputsOf(calls, 'judgeTick').map(({ tick }) => tick);
    assert.deepEqual(
      ticks,
      ticks.map((_, index) => index),
    );
    assert.deepEqual(
      inputsOf(calls, 'writeExposure').map(({ seq }) => seq),
      [4, 5, 6, 7],
    );
    assert.equal(inputsOf(calls, 'planTrial').length, 1);
  });

  it('exposes nothing more once somebody else owns the fleet', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: {
        writeExposure: async ({ seq }) =>
          seq === 4 ? { kind: 'written', seq } : { kind: 'conflict', reason: 'record 5 is another’s' },
      },
    });
    assert.deepEqual([result.outcome, result.reason], ['endedWithoutPromotion', 'record 5 is another’s']);
    assert.equal(inputsOf(calls, 'endExposure').length, 1);
  });

  it('closes its trial after a lost race at the next free place', async () => {
    let seq = 8;
    const { calls } = await run('rolloutPolicy', {
      changes: {
        ...verdicts('rollback'),
        readTrialState: async () => ({ seq: seq++, isClosed: false }),
        endExposure: async ({ seq }) => (seq < 11 ? { kind: 'conflict' } : { kind: 'written', seq }),
      },
    });
    assert.deepEqual(
      inputsOf(calls, 'endExposure').map((input) => input['seq']),
      [9, 10, 11],
    );
  });

  it('brings the robots back when the guard cannot judge', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: {
        judgeTick: async () => {
          throw ApplicationFailure.nonRetryable('a telemetry object is broken', 'CorruptData');
        },
      },
    });
    assert.equal(result.outcome, 'aborted');
    assert.match(result.reason, /the guard cannot judge: a telemetry object is broken/);
    assert.equal(inputsOf(calls, 'endExposure').length, 1);
  });

  it('exposes a stage again when its lease lapsed, evidence kept, and no wider one', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: {
        planTrial: async (input) => {
          const plan = await goodTrial.planTrial(input);
          // Over before the next tick, however quick or slow the machine is.
          return plan.kind === 'planned' ? { ...plan, times: { ...plan.times, leaseMs: 1 } } : plan;
        },
      },
      drive: async (handle, calls) => {
        await called(calls, 'writeExposure', 4);
        await signal(handle, 'abortRequested');
      },
    });
    assert.equal(result.outcome, 'aborted');
    const exposures = inputsOf(calls, 'writeExposure');
    assert.deepEqual(
      exposures.map(({ seq, robots }) => [seq, robots]),
      exposures.map((_, index) => [4 + index, 5]),
    );
    const judged = inputsOf(calls, 'judgeTick');
    const [{ originMs } = {}] = judged;
    assert.ok(judged.length >= 3);
    const since = [{ robots: 5, atMs: exposures[0]?.['atMs'] }];
    for (const tick of judged) assert.deepEqual([tick['exposures'], tick['originMs']], [since, originMs]);
  });

  it('goes on when the store was away for longer than a lease, and counts no such tick twice', async () => {
    // Tried again after the lease: it is given up at once.
    const away = { type: 'StoreUnavailable', message: 'for an hour', nextRetryDelay: '1 hour' } as const;
    let [renewals, judged] = [0, 0];
    const { result, calls } = await run('rolloutPolicy', {
      changes: {
        judgeTick: async (input) => {
          judged += 1;
          if (judged === 2) throw ApplicationFailure.create(away);
          return goodTrial.judgeTick(input);
        },
        renewLease: async () => {
          renewals += 1;
          if (renewals === 3) throw ApplicationFailure.create(away);
          return { kind: 'renewed' };
        },
      },
    });
    assert.deepEqual([result.outcome, result.stagesProven], ['promoted', 4], result.reason);
    const ticks = inputsOf(calls, 'judgeTick').map(({ tick }) => tick);
    assert.ok(ticks.length > 4);
    assert.equal(new Set(ticks).size, ticks.length);
  });

  it('does not mind signals that are none', async () => {
    const { result } = await run('rolloutPolicy', {
      changes: holdAt(0, 4),
      drive: async (handle) => {
        for (const message of [undefined, {}, 'stop', { kind: 'abortRequested' }, { kind: 'stop', reason: 'r' }])
          await handle.signal('operator', message);
      },
    });
    assert.equal(result.outcome, 'promoted');
  });

  it('does not start when nothing can be tried, and says why', async () => {
    const { result, calls } = await run('rolloutPolicy', {
      changes: { planTrial: async () => ({ kind: 'impossible', reason: 'no robot', isForPeople: false }) },
    });
    assert.deepEqual([result.outcome, result.reason], ['notStarted', 'no robot']);
    assert.deepEqual(
      calls.map(({ name }) => name),
      ['repairAliases', 'planTrial'],
    );
  });

  it('closes a trial that nobody judges any more before it plans its own', async () => {
    let asked = 0;
    const { result, calls } = await run('rolloutPolicy', {
      changes: {
        planTrial: async (input) =>
          asked++ === 0 ? { kind: 'abandoned', trialId: 'old' } : goodTrial.planTrial(input),
        planRollback: async () => ({
          seq: 2,
          openTrialId: 'old',
          choice: { kind: 'endTrial', trialId: 'old', version: '1.0.0', reason: 'ends trial old' },
        }),
      },
    });
    assert.equal(result.outcome, 'promoted');
    const [first] = inputsOf(calls, 'endExposure');
    assert.deepEqual([first?.['trialId'], first?.['seq'], first?.['version']], ['old', 3, '1.0.0']);
  });
});

describe('abTest', function () {
  this.timeout(120_000);
  const decision = (one: 'reject' | 'block' | 'acceptEquivalent' | 'continue'): Changes => ({
    judgeLook: async (input) => ({ ...(await goodTrial.judgeLook(input)), decision: one, reason: `it says ${one}` }),
  });

  it('exposes one arm, looks, accepts, and returns the arm to the champion', async () => {
    const { result, calls } = await run('abTest');
    assert.deepEqual([result.decision, result.candidateVersion], ['accept', '1.1.0']);
    assert.deepEqual(
      inputsOf(calls, 'writeExposure').map(({ robots, isLastStage }) => [robots, isLastStage]),
      [[20, false]],
    );
    const [end] = inputsOf(calls, 'endExposure');
    assert.deepEqual([end?.['version'], end?.['urgency']], ['1.0.0', 'whenIdle']);
    const [look] = inputsOf(calls, 'judgeLook');
    assert.ok(Number(look?.['look']) >= 2 && Number(look?.['look']) <= 7);
  });

  for (const one of ['reject', 'block', 'acceptEquivalent'] as const)
    it(`ends with ${one} and its reason`, async () => {
      const { result } = await run('abTest', { changes: decision(one) });
      assert.deepEqual([result.decision, result.reason], [one, `it says ${one}`]);
    });

  it('is stopped by the guard, with everybody back at once', async () => {
    const { result, calls } = await run('abTest', {
      changes: { ...decision('continue'), ...verdicts('advance', 'rollback') },
    });
    assert.equal(result.decision, 'harmful');
    assert.equal(inputsOf(calls, 'endExposure')[0]?.['urgency'], 'safeStop');
  });

  it('takes each look once, and goes on as a new run', async () => {
    const runs = new Set<string | undefined>();
    const { result, calls, handle } = await run('abTest', {
      input: { times: { dayMs: 400 } },
      changes: {
        planTrial: async (input) => {
          const plan = await goodTrial.planTrial(input);
          return plan.kind === 'planned' ? { ...plan, abTest: { looks: 500, lookHours: 6, firstLook: 2 } } : plan;
        },
        judgeLook: async (input) => {
          runs.add(activityInfo().workflowExecution?.runId);
          return { ...(await goodTrial.judgeLook(input)), decision: runs.size < 2 ? 'continue' : 'accept' };
        },
      },
    });
    assert.equal(result.decision, 'accept');
    assert.notEqual((await handle.describe()).runId, handle.firstExecutionRunId);
    const numbers = inputsOf(calls, 'judgeLook').map(({ look }) => look);
    assert.ok(numbers.length > 1);
    assert.equal(new Set(numbers).size, numbers.length);
  });

  it('says when numbers cannot decide', async () => {
    const { result } = await run('abTest', {
      changes: { planTrial: async () => ({ kind: 'impossible', reason: 'only 8 robots', isForPeople: true }) },
    });
    assert.deepEqual([result.decision, result.reason], ['infeasible', 'only 8 robots']);
  });
});

describe('trialPolicy', function () {
  this.timeout(120_000);
  /** For trials that are held while somebody speaks to them. */
  const slowTicks = { tickMs: 200 };
  const word = (reason = 'a test') => ({ args: [{ reason }] as [{ reason: string }] });
  const statusOf = (handle: WorkflowHandleWithFirstExecutionRunId) => handle.query<TrialStatus>('status');
  const step = async (handle: WorkflowHandleWithFirstExecutionRunId, kind: string): Promise<void> => {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      const { step } = await statusOf(handle);
      if (step?.kind === kind) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal((await statusOf(handle)).step?.kind, kind);
  };
  const inRollout = async (handle: WorkflowHandleWithFirstExecutionRunId): Promise<void> => {
    for (let attempt = 0; attempt < 400 && (await statusOf(handle)).stage !== 'rollout'; attempt += 1)
      await new Promise((resolve) => setTimeout(resolve, 25));
  };
  async function refused(update: Promise<unknown>, words: RegExp): Promise<void> {
    const failure = await failureOf(update);
    assert.match(failure.message, words);
  }

  it('tests, rolls out and promotes, started with no input at all', async () => {
    const { result, calls } = await run('trialPolicy');
    assert.deepEqual([result.outcome, result.abTest, result.candidateVersion], ['promoted', 'accept', '1.1.0']);
    const plans = inputsOf(calls, 'planTrial');
    assert.deepEqual(
      plans.map(({ kind }) => kind),
      ['abTest', 'rollout'],
    );
    assert.notEqual(plans[0]?.['trialId'], plans[1]?.['trialId']);
    assert.equal(plans[1]?.['candidateVersion'], '1.1.0', 'what was tested is what is rolled out');
    assert.equal(inputsOf(calls, 'repairAliases').find(({ isBetter }) => isBetter === true)?.['isBetter'], true);
  });

  it('tells while it runs, and when it promoted, which bodies get nothing by that; a trial that does not promote ends without a word of it', async () => {
    const said = 'no robot of rover@2 (4 robots) takes part in a stage';
    const seen: (string | undefined)[] = [];
    const changes = { ...withheldFrom(said), ...holdAt(1, 3) };
    const input = { abTest: false };
    const { result, calls } = await run('trialPolicy', {
      changes,
      input,
      drive: async (handle) => {
        await inRollout(handle);
        for (let attempt = 0; attempt < 400 && seen.at(-1) === undefined; attempt += 1) {
          const { step: now } = await statusOf(handle).catch(() => ({ step: null }));
          if (now !== null) seen.push(now.withheld);
        }
      },
    });
    assert.deepEqual([result.outcome, result.withheld, seen.at(-1)], ['promoted', said, said]);
    const end = inputsOf(calls, 'recordTrialEnd').at(-1)?.['facts'] as { withheld?: string };
    assert.equal(end.withheld, said);
    const harm = { ...withheldFrom(said), ...verdicts('advance', 'rollback') };
    const undone = await run('trialPolicy', { changes: harm, input });
    assert.deepEqual([undone.result.outcome, undone.result.withheld], ['rolledBack', undefined]);
  });

  it('rolls nothing out that the test rejects', async () => {
    const { result, calls } = await run('trialPolicy', {
      changes: {
        judgeLook: async (input) => ({
          ...(await goodTrial.judgeLook(input)),
          decision: 'reject',
          reason: 'no better',
        }),
      },
    });
    assert.deepEqual([result.outcome, result.reason, result.abTest], ['rejected', 'no better', 'reject']);
    assert.equal(inputsOf(calls, 'planTrial').length, 1);
  });

  it('lets people decide when the fleet is too small for a test', async () => {
    const { result, calls } = await run('trialPolicy', {
      changes: {
        planTrial: async (input) =>
          input.kind === 'abTest'
            ? { kind: 'impossible', reason: 'only 8 robots', isForPeople: true }
            : goodTrial.planTrial({ ...input, approvalBefore: [1], approvalHours: 1_000_000 }),
      },
      drive: async (handle) => {
        await inRollout(handle);
        await step(handle, 'awaitingApproval');
        await handle.executeUpdate('approve', { args: [{ reason: 'looks well', who: 'ada' }] });
      },
    });
    assert.deepEqual([result.outcome, result.abTest], ['promoted', 'infeasible']);
    const [approval] = inputsOf(calls, 'recordApproval');
    assert.deepEqual(
      [approval?.['answer'], approval?.['stage'], approval?.['reason'], approval?.['who']],
      ['approved', 1, 'looks well', 'ada'],
    );
  });

  it('answers every message that means nothing now in words', async () => {
    const { result } = await run('trialPolicy', {
      changes: holdAt(0),
      input: { abTest: false, times: slowTicks },
      drive: async (handle) => {
        await step(handle, 'held');
        await refused(handle.executeUpdate('resume', word()), /it is not paused/);
        await refused(handle.executeUpdate('approve', word()), /no stage waits for approval/);
        await refused(handle.executeUpdate('reject', word()), /no stage waits for approval/);
        await refused(handle.executeUpdate('pause', { args: [{}] }), /expected \{"reason": "why"\}/);
        assert.match(await handle.executeUpdate('pause', word()), /the guard goes on/);
        await step(handle, 'paused');
        await refused(handle.executeUpdate('pause', word()), /paused already/);
        await handle.executeUpdate('resume', word());
        await step(handle, 'held');
        await handle.executeUpdate('abort', word('enough'));
      },
    });
    assert.deepEqual([result.outcome, result.reason, result.abTest], ['aborted', 'enough', null]);
  });

  it('rejects at an approval, with the robots back', async () => {
    const { result, calls } = await run('trialPolicy', {
      input: { abTest: false, approvalBefore: [2], approvalHours: 8_000 },
      drive: async (handle) => {
        await step(handle, 'awaitingApproval');
        await refused(handle.executeUpdate('reject', word('not this week')), /who: expected the name of the person/);
        await handle.executeUpdate('reject', { args: [{ reason: 'not this week', who: 'ada' }] });
      },
    });
    assert.deepEqual([result.outcome, result.reason], ['endedWithoutPromotion', 'not this week']);
    assert.equal(inputsOf(calls, 'endExposure').length, 1);
  });

  it('lets a newer offer replace the one that waits, never the one that runs', async () => {
    const offer = (candidateVersion: string) => ({ args: [{ candidateVersion, abTest: false }] as [object] });
    let isHeld = true;
    const { calls, result } = await run('trialPolicy', {
      input: { candidateVersion: '1.1.0', abTest: false, times: slowTicks },
      changes: {
        judgeTick: async (input) => (isHeld ? holdAt(0) : goodTrial).judgeTick(input),
        planTrial: async (input) => ({
          ...(await goodTrial.planTrial(input)),
          candidateVersion: input.candidateVersion ?? 'none',
        }),
      },
      drive: async (handle) => {
        await step(handle, 'held');
        assert.match(await handle.executeUpdate('offer', offer('1.1.0')), /on trial already/);
        assert.match(await handle.executeUpdate('offer', offer('1.2.0')), /1\.2\.0 waits for the end of 1\.1\.0/);
        assert.match(await handle.executeUpdate('offer', offer('1.2.0')), /waits already/);
        assert.match(await handle.executeUpdate('offer', offer('1.3.0')), /1\.2\.0, which waited, is superseded/);
        await refused(
          handle.executeUpdate('offer', { args: [{ candidateVersion: 'latest' }] }),
          /candidateVersion: .*latest/,
        );
        assert.equal((await statusOf(handle)).waitingVersion, '1.3.0');
        isHeld = false;
      },
    });
    assert.equal(result.outcome, 'promoted');
    assert.equal(result.candidateVersion, '1.3.0');
    const ends = inputsOf(calls, 'recordTrialEnd').map(({ outcome, candidateVersion }) => [outcome, candidateVersion]);
    assert.deepEqual(ends, [
      ['promoted', '1.1.0'],
      ['superseded', '1.2.0'],
      ['promoted', '1.3.0'],
    ]);
  });

  it('leaves no candidate behind when it is terminated: its step hears of it and brings the robots back', async () => {
    const { activities, calls } = stubs(holdAt(0));
    await withWorker(activities, async ({ start }) => {
      const handle = await start('trialPolicy', { abTest: false, times: slowTicks });
      await step(handle, 'held');
      await handle.terminate('by a test');
      const { client } = await sharedTemporal();
      const result = (await client.workflow.getHandle(`${handle.workflowId}/rollout`).result()) as RolloutResult;
      assert.deepEqual([result.outcome, result.reason], ['aborted', 'the workflow was cancelled']);
    });
    assert.equal(inputsOf(calls, 'endExposure').length, 1);
  });

  it('goes on with the next offer after one that cannot be tried', async () => {
    let isHeld = true;
    const { calls, result } = await run('trialPolicy', {
      input: { candidateVersion: '1.1.0', abTest: false, times: slowTicks },
      changes: { judgeTick: async (input) => (isHeld ? holdAt(0) : goodTrial).judgeTick(input) },
      drive: async (handle) => {
        await step(handle, 'held');
        const offer = { candidateVersion: '1.2.0', candidateFraction: 7 };
        await handle.executeUpdate('offer', { args: [offer] });
        isHeld = false;
      },
    });
    assert.equal(result.outcome, 'failed');
    assert.match(result.reason, /candidateFraction/);
    assert.deepEqual(
      inputsOf(calls, 'recordTrialEnd').map(({ outcome }) => outcome),
      ['promoted'],
    );
  });

  it('tries nothing of its own when it was started for an offer that was refused', async () => {
    const { result, calls } = await run('trialPolicy', { input: { offersOnly: true } });
    assert.deepEqual([result.outcome, result.reason], ['notStarted', 'nothing was offered']);
    assert.deepEqual(calls, []);
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ candidateVersion: 'newest' }, /candidateVersion: expected a policy version/],
    [{ candidateFraction: 0.9 }, /candidateFraction/],
    [{ rolloutLimits: { guard: { tau: -1 } } }, /rolloutLimits: .*guard\.tau/],
    [{ canidate: '1.0.0' }, /"canidate"/],
  ];
  for (const [input, expected] of wrong)
    it(`fails at once on ${JSON.stringify(input)}, naming the field`, async () => {
      const { activities, calls } = stubs();
      await withWorker(activities, async ({ start }) => {
        const failure = await failureOf((await start('trialPolicy', input)).result());
        assert.equal(failure.type, 'InvalidInput');
        assert.match(failure.message, expected);
      });
      assert.deepEqual(calls, []);
    });
});

describe('workflows with a fixed id', function () {
  this.timeout(120_000);
  for (const [workflow, expected] of [
    ['trialPolicy', 'trial/wall'],
    ['abTest', 'trial/wall/ab'],
    ['rolloutPolicy', 'trial/wall/rollout'],
    ['rollbackPolicy', 'rollback/wall'],
    ['fleetMonitor', 'monitor/wall'],
  ] as const)
    it(`${workflow} refuses any other id with the one to use`, async () => {
      const { activities, calls } = stubs();
      await withWorker(activities, async ({ start, suffix }) => {
        const handle = await start(workflow, { policy: 'wall' }, `trial/second-${suffix}`);
        const failure = await failureOf(handle.result());
        assert.equal(failure.type, 'InvalidInput');
        assert.ok(failure.message.startsWith(`expected workflow id "${expected}", got "trial/second-${suffix}"`));
      });
      assert.deepEqual(calls, []);
    });
});

describe('rollbackPolicy', function () {
  this.timeout(120_000);
  const choose = (kind: 'assign' | 'ask', version: string): Changes => ({
    planRollback: async () => ({ seq: 8, openTrialId: null, choice: { kind, version, reason: `to ${version}` } }),
  });

  it('orders everybody to the champion before, safely stopped, and lists who followed', async () => {
    const { result, calls } = await run('rollbackPolicy');
    assert.deepEqual([result.outcome, result.version, result.offline], ['rolledBack', '1.0.0', ['robot-7']]);
    const [order] = inputsOf(calls, 'endExposure');
    assert.deepEqual([order?.['seq'], order?.['urgency'], order?.['trialId']], [9, 'safeStop', undefined]);
    assert.ok(inputsOf(calls, 'repairAliases').length === 1);
  });

  it('ends the trial that runs', async () => {
    const { result, calls } = await run('rollbackPolicy', {
      changes: {
        planRollback: async () => ({
          seq: 8,
          openTrialId: 't1',
          choice: { kind: 'endTrial', trialId: 't1', version: '1.0.0', reason: 'ends trial t1' },
        }),
      },
    });
    assert.deepEqual([result.outcome, result.endedTrialId], ['rolledBack', 't1']);
    assert.equal(inputsOf(calls, 'endExposure')[0]?.['trialId'], 't1');
  });

  it('decides anew when somebody wrote in between', async () => {
    let seq = 8;
    const { result, calls } = await run('rollbackPolicy', {
      changes: {
        planRollback: async () => ({
          seq: seq++,
          openTrialId: null,
          choice: { kind: 'assign', version: '1.0.0', reason: 'back' },
        }),
        endExposure: async ({ seq }) => (seq < 10 ? { kind: 'conflict' } : { kind: 'written', seq }),
      },
    });
    assert.equal(result.outcome, 'rolledBack');
    assert.equal(inputsOf(calls, 'planRollback').length, 2);
  });

  it('waits for a person before it goes anywhere else, and does not when nobody comes', async () => {
    const approved = await run('rollbackPolicy', {
      input: { target: 'baseline' },
      changes: choose('ask', '0.9.0'),
      drive: async (handle) => {
        await until(() => true);
        for (;;) {
          const { stage } = await handle.query<{ stage: string }>('status');
          if (stage === 'awaitingApproval') break;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        await assert.rejects(handle.executeUpdate('approve', { args: [{}] }));
        const nobody = await failureOf(handle.executeUpdate('approve', { args: [{ reason: 'I agree' }] }));
        assert.match(nobody.message, /who: expected the name of the person/);
        await handle.executeUpdate('approve', { args: [{ reason: 'I agree', who: 'bo' }] });
      },
    });
    assert.deepEqual([approved.result.outcome, approved.result.version], ['rolledBack', '0.9.0']);
    const [order] = inputsOf(approved.calls, 'endExposure');
    assert.equal(order?.['why'], 'asked for; approved by bo: I agree');
    assert.equal(approved.result.requests?.[0]?.answer.approvedBy, 'bo: I agree');
    const late = await run('rollbackPolicy', {
      input: { target: 'baseline', approvalMs: 50 },
      changes: choose('ask', '0.9.0'),
    });
    assert.equal(late.result.outcome, 'rejected');
    assert.deepEqual(inputsOf(late.calls, 'endExposure'), []);
  });

  describe('while one waits for a person', () => {
    /** `baseline` has to be approved, the champion before has not, and anything else is nothing. */
    const byTarget: Changes = {
      planRollback: async ({ target }) => ({
        seq: 8,
        openTrialId: null,
        choice:
          target === 'baseline' || target === '0.8.0'
            ? { kind: 'ask', version: target === 'baseline' ? '0.9.0' : target, reason: `${target} has to be approved` }
            : target === undefined
              ? { kind: 'assign', version: '1.0.0', reason: 'back to the champion before' }
              : { kind: 'nothing', reason: `there is no ${target}` },
      }),
    };
    const asked = (target: string) => ({ target, reason: 'slowly worse', who: 'ada' });
    const waits = async (handle: WorkflowHandleWithFirstExecutionRunId, version: string): Promise<void> => {
      for (let attempt = 0; attempt < 500; attempt += 1) {
        const { waiting } = await handle.query<RollbackStatus>('status');
        if (waiting?.version === version) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error(`expected ${version} to wait for a person`);
    };

    it('an emergency acts at once, with its own reason and person, and the other is overtaken', async () => {
      const { result, calls } = await run('rollbackPolicy', {
        input: asked('baseline'),
        changes: byTarget,
        drive: async (handle) => {
          await waits(handle, '0.9.0');
          const answer = await handle.executeUpdate<RollbackAnswer, [unknown]>('order', {
            args: [{ reason: 'robots crash', who: 'bo', requestId: 'b' }],
          });
          assert.deepEqual([answer.kind, answer.version, answer.seq], ['ordered', '1.0.0', 9]);
        },
      });
      assert.deepEqual([result.outcome, result.version], ['rolledBack', '1.0.0']);
      const orders = inputsOf(calls, 'endExposure').map(({ version, who, why }) => [version, who, why]);
      assert.deepEqual(orders, [['1.0.0', 'bo', 'robots crash']]);
      assert.deepEqual(
        result.requests?.map(({ who, target, answer }) => [who, target, answer.kind, answer.reason]),
        [
          ['ada', 'baseline', 'overtaken', 'overtaken by the request of bo'],
          ['bo', null, 'ordered', 'back to the champion before'],
        ],
      );
    });

    it('a newer one that waits too takes its place, one that comes to nothing does not, and what waits can be approved', async () => {
      const { result, calls } = await run('rollbackPolicy', {
        input: asked('baseline'),
        changes: byTarget,
        drive: async (handle) => {
          await waits(handle, '0.9.0');
          const order = (word: unknown) => handle.executeUpdate<RollbackAnswer, [unknown]>('order', { args: [word] });
          assert.equal((await order({ ...asked('7.7.7'), who: 'cy' })).kind, 'nothing');
          await waits(handle, '0.9.0');
          assert.equal((await order({ ...asked('0.8.0'), who: 'bo' })).kind, 'awaitingApproval');
          await waits(handle, '0.8.0');
          await assert.rejects(order({ reason: 'no name' }));
          await handle.executeUpdate('approve', { args: [{ reason: 'yes', who: 'di' }] });
        },
      });
      assert.deepEqual([result.outcome, result.version], ['rolledBack', '0.8.0']);
      assert.deepEqual(
        inputsOf(calls, 'endExposure').map(({ version, who }) => [version, who]),
        [['0.8.0', 'bo']],
      );
    });

    it('the same request twice is one', async () => {
      const { result, calls } = await run('rollbackPolicy', {
        input: { ...asked('baseline'), requestId: 'a' },
        changes: byTarget,
        drive: async (handle) => {
          const again = await handle.executeUpdate<RollbackAnswer, [unknown]>('order', {
            args: [{ ...asked('baseline'), requestId: 'a' }],
          });
          assert.equal(again.kind, 'awaitingApproval');
          await handle.executeUpdate('reject', { args: [{ reason: 'not now', who: 'bo' }] });
        },
      });
      assert.equal(result.outcome, 'rejected');
      assert.equal(result.requests?.length, 1);
      assert.equal(inputsOf(calls, 'planRollback').length, 1);
    });
  });

  it('undoes one that is named, in the name of who asks, without haste; not while another waits for an approval', async () => {
    const undone: Changes = {
      planRollback: async ({ target }) => ({
        seq: 8,
        openTrialId: null,
        choice:
          target === 'undo:8'
            ? { kind: 'assign', version: '1.1.0', reason: 'undoes the rollback of order 8' }
            : { kind: 'ask', version: '0.9.0', reason: 'a person has to agree' },
      }),
    };
    const { result, calls } = await run('rollbackPolicy', {
      input: { target: 'undo:8', reason: 'a mistake', who: 'ada' },
      changes: undone,
    });
    assert.deepEqual([result.outcome, result.version], ['rolledBack', '1.1.0']);
    assert.deepEqual(inputsOf(calls, 'planRollback')[0], { policy: 'wall-follower', target: 'undo:8', who: 'ada' });
    const [order] = inputsOf(calls, 'endExposure');
    assert.deepEqual([order?.['urgency'], order?.['seq']], ['whenIdle', 9]);
    assert.equal(order?.['why'], 'undoes the rollback of order 8: a mistake');
    assert.match(String(order?.['operationId']), /^undo-8-rollback-.*#9$/);
    const waiting = await run('rollbackPolicy', {
      input: { target: 'baseline', reason: 'r', who: 'bo' },
      changes: undone,
      drive: async (handle) => {
        for (;;) {
          const { stage } = await handle.query<{ stage: string }>('status');
          if (stage === 'awaitingApproval') break;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        const wish = { target: 'undo:8', reason: 'a mistake', who: 'ada', requestId: 'u' };
        const answer = await handle.executeUpdate<RollbackAnswer, [unknown]>('order', { args: [wish] });
        assert.deepEqual([answer.kind, answer.seq], ['nothing', null]);
        assert.match(answer.reason, /the rollback to 0\.9\.0 that bo asked for waits for an approval/);
        await handle.executeUpdate('reject', { args: [{ reason: 'no', who: 'cy' }] });
      },
    });
    assert.equal(waiting.result.outcome, 'rejected');
    assert.deepEqual(inputsOf(waiting.calls, 'endExposure'), []);
  });

  it('hears an emergency while robots of an earlier one still come back', async () => {
    let seq = 8;
    const { result, calls } = await run('rollbackPolicy', {
      input: { confirmEveryMs: 10_000 },
      changes: {
        planRollback: async ({ target }) => ({
          seq,
          openTrialId: null,
          choice: { kind: 'assign', version: target ?? '1.0.0', reason: 'back' },
        }),
        endExposure: async (input) => {
          seq = input.seq;
          return { kind: 'written', seq };
        },
        readConfirmations: async (input) => ({
          ...(await goodTrial.readConfirmations(input)),
          waiting: input.seq === 9 ? ['robot-9'] : [],
        }),
      },
      drive: async (handle, calls) => {
        await called(calls, 'readConfirmations');
        await handle.executeUpdate('order', { args: [{ target: '0.9.0', reason: 'that one is bad too', who: 'bo' }] });
      },
    });
    assert.equal(result.version, '0.9.0');
    assert.equal(inputsOf(calls, 'endExposure').length, 2);
  });

  it('waits on as a new run, without deciding or ordering again', async () => {
    let looks = 0;
    const { result, calls, handle } = await run('rollbackPolicy', {
      input: { confirmEveryMs: 10 },
      changes: {
        readConfirmations: async (input) => {
          looks += 1;
          return { ...(await goodTrial.readConfirmations(input)), waiting: looks < 15 ? ['robot-9'] : [] };
        },
      },
    });
    assert.deepEqual([result.outcome, result.version, result.failed], ['rolledBack', '1.0.0', []]);
    assert.notEqual((await handle.describe()).runId, handle.firstExecutionRunId);
    assert.equal(inputsOf(calls, 'endExposure').length, 1);
    assert.equal(inputsOf(calls, 'planRollback').length, 1);
  });

  it('lists robots that do not confirm in time as failed', async () => {
    const { result } = await run('rollbackPolicy', {
      input: { confirmMs: 60, confirmEveryMs: 20 },
      changes: {
        readConfirmations: async (input) => ({ ...(await goodTrial.readConfirmations(input)), waiting: ['robot-9'] }),
      },
    });
    assert.deepEqual(result.failed, ['robot-9: not confirmed in time']);
  });

  it('does nothing where there is nothing to go back to', async () => {
    const { result } = await run('rollbackPolicy', {
      changes: {
        planRollback: async () => ({ seq: 0, openTrialId: null, choice: { kind: 'nothing', reason: 'no previous' } }),
      },
    });
    assert.deepEqual([result.outcome, result.reason], ['nothingToDo', 'no previous']);
  });
});
