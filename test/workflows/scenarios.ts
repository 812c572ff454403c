import { Context } from '@temporalio/activity';

import { monitorScenarios } from './monitor-scenarios.ts';
import { until, type Scenario } from './scenario.ts';
import { stubs } from './stubs.ts';
import { trialScenarios } from './trial-scenarios.ts';

const good = stubs().activities;

/** An activity that works and heartbeats until it is cancelled. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 50);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(beat);
  }
}

export const heldByAgreement: NonNullable<Scenario['changes']> = {
  evaluateCandidate: async (input) => ({
    ...(await good.evaluateCandidate(input)),
    passed: 'hold',
    accuracyFraction: 0.5,
    gates: [
      {
        id: 'agreement',
        outcome: 'fail',
        value: 0.5,
        limit: 0.85,
        unit: 'fraction',
        sampleSize: 100,
        sentence: 'label agreement 50.0 % of 100 frames, at least 85.0 % wanted',
      },
    ],
  }),
};

export const withVerdict = (verdict: 'badData' | 'nothingNew'): NonNullable<Scenario['changes']> => ({
  concludeCollection: async (input) => ({ ...(await good.concludeCollection(input)), verdict }),
});

const hurriesOnce = (): NonNullable<Scenario['changes']> => {
  let calls = 0;
  return { sweepStore: async () => ({ swept: [], examples: [], isBehind: (calls += 1) === 1 }) };
};

const compactsTwice = (): NonNullable<Scenario['changes']> => {
  let calls = 0;
  return {
    compactFacts: async () => {
      calls += 1;
      const totals = { outcomes: calls, tooOld: 1, beforeRegistration: 1, mayRepeat: 1, damaged: 1 };
      return { steps: 1, totals, asOfMs: 1_795_305_600_000, isBehind: calls === 1 };
    },
  };
};

export const scenarios: readonly Scenario[] = [
  ...trialScenarios,
  { name: 'weekly-cycle-promoted', workflow: 'weeklyCycle', input: { bootstrap: true } },
  { name: 'weekly-cycle-offered', workflow: 'weeklyCycle' },
  {
    name: 'weekly-cycle-not-offered',
    workflow: 'weeklyCycle',
    changes: { offerCandidate: async () => ({ kind: 'notOffered', reason: 'there is no robot to try it on' }) },
  },
  { name: 'weekly-cycle-gates-hold', workflow: 'weeklyCycle', changes: heldByAgreement },
  { name: 'weekly-cycle-bad-data', workflow: 'weeklyCycle', changes: withVerdict('badData') },
  { name: 'weekly-cycle-nothing-new', workflow: 'weeklyCycle', changes: withVerdict('nothingNew') },
  {
    name: 'weekly-cycle-aborted',
    workflow: 'weeklyCycle',
    changes: { trainModel: untilCancelled },
    drive: async (handle, calls) => {
      await until(() => calls.some((call) => call.name === 'trainModel'));
      await handle.executeUpdate('abort', { args: [{ reason: 'wrong robots' }] });
    },
  },
  {
    name: 'keep-store-swept',
    workflow: 'keepStore',
    input: { profile: 'compressed', everyMs: 3_600_000 },
    // Behind at first: the second sweep comes at once, the third in an hour.
    changes: hurriesOnce(),
    isEndless: true,
    async drive(handle) {
      for (let sweeps = 0; sweeps < 2;) ({ sweeps } = await handle.query<{ sweeps: number }>('status'));
    },
  },
  {
    name: 'keep-facts-compacted',
    workflow: 'keepFacts',
    input: { profile: 'compressed', everyMs: 3_600_000 },
    // Behind at first: the second compaction comes at once; it finds what could not be read. The third one comes in an hour.
    changes: compactsTwice(),
    isEndless: true,
    async drive(handle) {
      for (let compactions = 0; compactions < 2;)
        ({ compactions } = await handle.query<{ compactions: number }>('status'));
    },
  },
  {
    name: 'keep-mirror-told',
    workflow: 'keepMirror',
    input: { profile: 'compressed', everyMs: 3_600_000 },
    isEndless: true,
    async drive(handle) {
      for (let looks = 0; looks < 1;) ({ looks } = await handle.query<{ looks: number }>('status'));
    },
  },
  { name: 'erase-data-certified', workflow: 'eraseData', input: { erasureId: 'e-1', settleMs: 10 } },
  { name: 'cycle-turn-given-back', workflow: 'cycleTurn', isEndless: true },
  {
    name: 'cycle-turn-taken',
    workflow: 'weeklyCycle',
    input: { policy: 'taken' },
    changes: withVerdict('nothingNew'),
  },
  {
    name: 'collect-experience-continued',
    workflow: 'collectExperience',
    workflowId: 'collect/scitos-g5',
    changes: { planCollection: async (input) => ({ ...(await good.planCollection(input)), batches: 25 }) },
  },
  {
    name: 'train-policy-searched',
    workflow: 'trainPolicy',
    input: { training: { search: true } },
    changes: {
      planTraining: async () => ({
        trials: [0.001, 0.003].map((learningRate) => ({
          summary: `learning rate ${learningRate}`,
          hyperparameters: { learningRate },
        })),
      }),
    },
  },
  {
    name: 'train-policy-halved',
    workflow: 'trainPolicy',
    input: { training: { search: { trials: 4, reduction: 2, budgetTrainings: 2 } } },
    changes: {
      planTraining: async () => ({
        trials: [0.001, 0.003, 0.01, 0.03].map((learningRate) => ({
          summary: `learningRate ${learningRate}`,
          hyperparameters: { learningRate },
        })),
        rungs: [
          { untilStep: 100, trials: 4 },
          { untilStep: 200, trials: 2 },
        ],
      }),
      trainTrial: async ({ runId, untilStep }) => ({
        validationLoss: runId.endsWith('-3') ? null : runId.endsWith('-2') ? 0.25 : 0.5,
        steps: untilStep,
      }),
    },
  },
  {
    name: 'collect-experience-bad-data',
    workflow: 'collectExperience',
    workflowId: 'collect/scitos-g5',
    changes: withVerdict('badData'),
  },
  { name: 'train-policy-held', workflow: 'trainPolicy', changes: heldByAgreement },
  { name: 'train-policy-registered', workflow: 'trainPolicy' },
  {
    name: 'release-quarantine',
    workflow: 'releaseQuarantine',
    input: { sha256: 'd'.repeat(64), reason: 'the sensor range was wrong', who: 'ada' },
  },
  ...monitorScenarios,
];
