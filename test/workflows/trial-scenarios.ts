import type { WorkflowHandle } from '@temporalio/client';

import { until, type Scenario } from './scenario.ts';
import type { Stubs } from './stubs.ts';
import { goodTrial, holdAt, verdicts, withheldFrom } from './trial-stubs.ts';

const called = (calls: Stubs['calls'], name: string, times: number): Promise<void> =>
  until(() => calls.filter((call) => call.name === name).length >= times);

const tell = (handle: WorkflowHandle, kind: string): Promise<void> =>
  handle.signal('operator', { kind, reason: `${kind} by an operator` });

/** One robot is on its way for so many looks. */
function waitingFor(most: number): NonNullable<Scenario['changes']> {
  let looks = 0;
  return {
    readConfirmations: async (input) => {
      looks += 1;
      return { ...(await goodTrial.readConfirmations(input)), waiting: looks < most ? ['robot-9'] : [] };
    },
  };
}

/** Every branch of the trials on the fleet that is to stay replayable. */
export const trialScenarios: readonly Scenario[] = [
  { name: 'rollout-policy-advanced', workflow: 'rolloutPolicy' },
  { name: 'rollout-policy-withheld', workflow: 'rolloutPolicy', changes: withheldFrom('rover@2') },
  { name: 'rollout-policy-held', workflow: 'rolloutPolicy', changes: holdAt(1, 3) },
  { name: 'rollout-policy-rolled-back', workflow: 'rolloutPolicy', changes: verdicts('advance', 'rollback') },
  { name: 'rollout-policy-robot-fault', workflow: 'rolloutPolicy', changes: verdicts('robotFault', 'advance') },
  {
    name: 'rollout-policy-aborted',
    workflow: 'rolloutPolicy',
    changes: holdAt(0),
    drive: async (handle, calls) => {
      await called(calls, 'judgeTick', 2);
      await tell(handle, 'abortRequested');
    },
  },
  {
    name: 'rollout-policy-paused-and-resumed',
    workflow: 'rolloutPolicy',
    changes: holdAt(0, 3),
    drive: async (handle, calls) => {
      await called(calls, 'judgeTick', 1);
      await tell(handle, 'pauseRequested');
      await called(calls, 'judgeTick', 6);
      await tell(handle, 'resumeRequested');
    },
  },
  {
    name: 'rollout-policy-approval-timed-out',
    workflow: 'rolloutPolicy',
    input: { approvalBefore: [1], approvalHours: 500 },
  },
  {
    name: 'rollout-policy-approved',
    workflow: 'rolloutPolicy',
    input: { approvalBefore: [2], approvalHours: 8_000 },
    drive: async (handle, calls) => {
      await called(calls, 'writeExposure', 2);
      for (let kind = ''; kind !== 'awaitingApproval';) {
        const { state } = await handle.query<{ state: { kind: string } | null }>('status');
        kind = state?.kind ?? '';
      }
      await handle.signal('operator', { kind: 'approved', reason: 'looks well', who: 'ada' });
    },
  },
  {
    name: 'rollout-policy-begun-by-person',
    workflow: 'rolloutPolicy',
    input: { approvalBefore: [0], approvalHours: 8_000 },
    drive: async (handle) => {
      for (let kind = ''; kind !== 'awaitingApproval';) {
        const { state } = await handle.query<{ state: { kind: string } | null }>('status');
        kind = state?.kind ?? '';
      }
      await handle.signal('operator', { kind: 'approved', reason: 'begin', who: 'ada' });
    },
  },
  { name: 'rollout-policy-continued', workflow: 'rolloutPolicy', changes: holdAt(1, 12) },
  { name: 'ab-test-accepted', workflow: 'abTest' },
  {
    name: 'ab-test-rejected',
    workflow: 'abTest',
    changes: {
      judgeLook: async (input) => ({ ...(await goodTrial.judgeLook(input)), decision: 'reject', reason: 'no better' }),
    },
  },
  { name: 'ab-test-harmful', workflow: 'abTest', changes: verdicts('rollback') },
  {
    name: 'ab-test-infeasible',
    workflow: 'abTest',
    changes: { planTrial: async () => ({ kind: 'impossible', reason: 'only 8 robots', isForPeople: true }) },
  },
  { name: 'trial-policy-promoted', workflow: 'trialPolicy' },
  {
    name: 'trial-policy-superseded',
    workflow: 'trialPolicy',
    input: { candidateVersion: '1.1.0', abTest: false },
    changes: holdAt(0, 15),
    drive: async (handle, calls) => {
      await called(calls, 'judgeTick', 2);
      for (const candidateVersion of ['1.2.0', '1.3.0'])
        await handle.executeUpdate('offer', { args: [{ candidateVersion, abTest: false }] });
    },
  },
  {
    name: 'trial-policy-next-offer',
    workflow: 'trialPolicy',
    input: { candidateVersion: '1.1.0', abTest: false },
    changes: holdAt(0, 15),
    drive: async (handle, calls) => {
      await called(calls, 'judgeTick', 2);
      await handle.executeUpdate('offer', { args: [{ candidateVersion: '1.2.0', abTest: false }] });
    },
  },
  { name: 'rollback-policy-to-previous', workflow: 'rollbackPolicy' },
  {
    name: 'rollback-policy-continued',
    workflow: 'rollbackPolicy',
    input: { confirmEveryMs: 10 },
    changes: waitingFor(15),
  },
  {
    name: 'rollback-policy-not-approved',
    workflow: 'rollbackPolicy',
    input: { target: 'baseline', approvalMs: 100 },
    changes: {
      planRollback: async () => ({
        seq: 8,
        openTrialId: null,
        choice: { kind: 'ask', version: '0.9.0', reason: '0.9.0 is not the champion before' },
      }),
    },
  },
];
