import type { FleetActivities } from '../../activities/index.ts';

type TrialActivities = Pick<
  FleetActivities,
  | 'planTrial'
  | 'collectCells'
  | 'judgeTick'
  | 'judgeLook'
  | 'writeExposure'
  | 'endExposure'
  | 'renewLease'
  | 'readTrialState'
  | 'planRollback'
  | 'readConfirmations'
  | 'repairAliases'
  | 'quarantineRobot'
  | 'recordApproval'
  | 'recordTrialEnd'
  | 'offerCandidate'
>;

/** Times short enough for a test: a fleet hour in a millisecond. */
export const testTimes = {
  dayMs: 24,
  tickMs: 25,
  leaseMs: 60_000,
  leastLookMs: 0,
  leastStageTicks: 0,
  missingAfterMs: 1_000,
  confirmMs: 200,
};

const stage = (robots: number) => ({ robots, minimumHours: 1, maximumHours: 1_000_000, marginFraction: 0.02 });

/** A trial that goes well: accepted at the first judged look, every stage proven at its first tick, all robots confirm. */
export const goodTrial: TrialActivities = {
  planTrial: async ({ kind, trialId, times, approvalBefore = [], approvalHours = 72 }) => ({
    kind: 'planned',
    plan: { trialId, digest: 'e'.repeat(64) },
    championVersion: '1.0.0',
    candidateVersion: '1.1.0',
    robots: 100,
    stages: kind === 'abTest' ? [stage(20)] : [stage(5), stage(25), stage(50), stage(95)],
    approvalBefore,
    approvalHours,
    blockMinutes: 5,
    abTest: kind === 'abTest' ? { looks: 7, lookHours: 6, firstLook: 2 } : null,
    times: { ...testTimes, ...(times as Partial<typeof testTimes>) },
    remarks: '',
    assignmentSeq: 3,
  }),
  collectCells: async ({ generation }) => ({ generation: generation + 1, entries: 100, isBehind: false }),
  judgeTick: async ({ tick }) => ({
    verdict: 'advance',
    reason: 'at most 0.90 pp worse, 2.00 pp allowed',
    delta: 0.01,
    lowerBound: -0.009,
    marginFraction: 0.02,
    logEvidence: -1,
    threshold: 5.3,
    candidates: 5,
    robots: 5,
    episodes: 800,
    verdictKey: `trials/t/verdicts/tick-${tick}.json`,
  }),
  judgeLook: async ({ look }) => ({
    decision: 'accept',
    reason: 'proven better: z 4.10 against ±3.20 at 60 % of the information',
    delta: 0.02,
    low: 0.01,
    high: 0.03,
    z: 4.1,
    bound: 3.2,
    information: 0.6,
    candidateRobots: 20,
    controlRobots: 80,
    candidateEpisodes: 8_000,
    controlEpisodes: 32_000,
    anchorLossFraction: 0,
    verdictKey: `trials/t/verdicts/look-${look}.json`,
  }),
  writeExposure: async ({ seq }) => ({ kind: 'written', seq }),
  endExposure: async ({ seq }) => ({ kind: 'written', seq }),
  renewLease: async () => ({ kind: 'renewed' }),
  readTrialState: async () => ({ seq: 8, isClosed: false }),
  planRollback: async () => ({
    seq: 8,
    openTrialId: null,
    choice: { kind: 'assign', version: '1.0.0', reason: 'back to the champion before, 1.0.0' },
  }),
  readConfirmations: async ({ seq }) => ({
    seq,
    confirmed: 99,
    waiting: [],
    failed: [],
    offline: ['robot-7'],
    confirmedRobots: ['robot-1'],
  }),
  repairAliases: async () => ({ championVersion: '1.0.0', isMoved: false }),
  quarantineRobot: async () => undefined,
  offerCandidate: async ({ candidateVersion }) => ({ kind: 'offered', reason: `${candidateVersion} begins` }),
  recordApproval: async ({ trialId, stage }) => ({ key: `trials/${trialId}/approvals/stage-${stage}.json` }),
  recordTrialEnd: async ({ trialId }) => ({ key: `trials/${trialId}/end.json` }),
};

type Verdict = Awaited<ReturnType<TrialActivities['judgeTick']>>['verdict'];

/** The guard says these, one a tick, and the last one from then on. */
export function verdicts(...list: readonly Verdict[]): Pick<TrialActivities, 'judgeTick'> {
  return {
    judgeTick: async (input) => {
      const verdict = list[Math.min(input.tick, list.length - 1)] ?? 'advance';
      const suspect = verdict === 'robotFault' ? { suspectRobotId: 'robot-3' } : {};
      return { ...(await goodTrial.judgeTick(input)), verdict, ...suspect, reason: `the guard says ${verdict}` };
    },
  };
}

/** A stage is held, for ever or for some ticks of the trial; the others advance. */
export function holdAt(stage: number, ticks = Number.POSITIVE_INFINITY): Pick<TrialActivities, 'judgeTick'> {
  let held = 0;
  return {
    judgeTick: async (input) => {
      const answer = await goodTrial.judgeTick(input);
      if (input.stage !== stage || held >= ticks) return answer;
      held += 1;
      return { ...answer, verdict: 'hold', reason: `stage ${stage} is not proven` };
    },
  };
}

/** Robots of a body take part in no stage. */
export const withheldFrom = (withheld: string): Partial<TrialActivities> => ({
  planTrial: async (input) => {
    const planned = await goodTrial.planTrial(input);
    return planned.kind === 'planned' && input.kind === 'rollout' ? { ...planned, withheld } : planned;
  },
});
