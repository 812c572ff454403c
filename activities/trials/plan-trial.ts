import { z } from 'zod';

import { comparePolicyVersions, parsePolicyVersion, type Aliases } from '../../domain/registry/index.ts';
import { draftTrial, type FleetTimes, type TrialFacts, type TrialPlan } from '../../domain/trial/index.ts';
import { isFailure } from '../../store/failures.ts';
import { trialsOf, type Fleet, type FleetView, type TelemetryLog } from '../../fleet/desk/index.ts';
import { readJson } from '../../store/json-objects.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readManifest } from '../../store/records/manifests.ts';
import type { Signer } from '../../policies/signer.ts';
import { readHistory } from './telemetry-history.ts';
import { unservedRemarks, unservedRobots, type UnservedRobot } from './unserved-robots.ts';
import { gainedRemark, tasksOf } from './compared-tasks.ts';
import { withheldRemark } from './untried-bodies.ts';
import { damageRemark, undatedRemark } from './trial-evidence.ts';
import { trialKeys } from './trial-keys.ts';
import { storePlan, type PlanReference } from './stored-plan.ts';
import { timesOf, trialRequestShape } from './trial-request.ts';

const inputSchema = z.strictObject({
  ...trialRequestShape,
  policy: z.string(),
  kind: z.enum(['abTest', 'rollout']),
  trialId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  /** When it was asked for, real time. */
  nowMs: z.int(),
});
export type PlanTrialInput = z.input<typeof inputSchema>;

/** `abandoned`: robots are still assigned to a trial that nobody judges any more; close it and ask again. */
export type PlanTrialResult =
  | ({ readonly kind: 'planned' } & PlannedTrial)
  | { readonly kind: 'impossible'; readonly reason: string; readonly isForPeople: boolean }
  | { readonly kind: 'abandoned'; readonly trialId: string };

/** What a workflow must know of a plan; ≤ 2 KiB. */
export interface PlannedTrial {
  readonly plan: PlanReference;
  readonly championVersion: string;
  readonly candidateVersion: string;
  readonly robots: number;
  readonly stages: TrialPlan['stages'];
  readonly approvalBefore: readonly number[];
  readonly approvalHours: number;
  readonly blockMinutes: number;
  readonly abTest: { readonly looks: number; readonly lookHours: number; readonly firstLook: number } | null;
  readonly times: FleetTimes;
  readonly remarks: string;
  /** Of a rollout: robots of which bodies a promotion does not give the candidate, and what does; absent where there are none. */
  readonly withheld?: string;
  /** Last record of the assignment log when it was planned. */
  readonly assignmentSeq: number;
}

interface PlanTrialPorts {
  readonly store: ObjectStore;
  readonly signer: Signer;
  readonly fleet: Fleet;
  readonly telemetry: TelemetryLog;
}

const historyDays = 28;
const anchorLossSchema = z.object({ lossFraction: z.number() });

/**
 * Plans an A/B test or a rollout on what the fleet did in the last 28 fleet days, and pins the plan. Idempotent by trial id: a
 * plan that stands is never made anew. What cannot be tried is an answer, not a failure.
 */
export const planTrial =
  (ports: PlanTrialPorts) =>
  async (given: PlanTrialInput): Promise<PlanTrialResult> => {
    const input = parseActivityInput('planTrial', inputSchema, given);
    const { policy, trialId } = input;
    const log = await ports.fleet.readAssignments(policy);
    const planned = (
      plan: TrialPlan,
      reference: PlanReference,
      remarks: readonly string[],
      withheld: string | undefined,
    ): PlanTrialResult => ({
      kind: 'planned',
      ...summaryOf(plan, reference, remarks),
      ...(withheld === undefined ? {} : { withheld: withheld.slice(0, 500) }),
      approvalHours: input.approvalHours,
      assignmentSeq: log.seq,
    });
    const open = log.current === undefined ? [] : [...trialsOf(log.current.record)].filter((id) => id !== trialId);
    for (const other of open) {
      const leaseEndMs = await ports.fleet.readLeaseEnd(policy, other);
      return leaseEndMs !== undefined && leaseEndMs > input.nowMs
        ? impossible(`trial ${other} runs on this fleet`)
        : { kind: 'abandoned', trialId: other };
    }
    const aliases = await readAliases(ports)({ policy });
    const candidate = await candidateOf(ports, policy, input.candidateVersion, aliases);
    if (typeof candidate !== 'string') return candidate;
    const { facts, damaged, undated, gained, unserved, robots } = await factsOf(ports, input, candidate, aliases);
    const leftOut = unservedRemarks(unserved);
    const because = leftOut.length === 0 ? '' : `; ${leftOut.join('; ')}`;
    if (facts.robots.length === 0) return impossible(`policy ${policy} has no robot that may take part${because}`);
    const draft = draftTrial(facts);
    if (draft.kind === 'impossible') return { ...draft, reason: `${draft.reason}${because}` };
    const { plan, reference } = await storePlan(ports.store, draft.plan);
    const withheld = plan.kind === 'rollout' ? await withheldRemark(ports.store, plan, robots) : undefined;
    const remarks = [
      ...leftOut,
      ...(withheld === undefined ? [] : [withheld]),
      ...undatedRemark(undated),
      ...damageRemark(damaged),
      ...gainedRemark(gained),
      ...draft.remarks,
    ];
    return planned(plan, reference, remarks, withheld);
  };

const impossible = (reason: string) => ({ kind: 'impossible', reason, isForPeople: false }) as const;

/** The version to try, registered and signed; or why there is none. */
async function candidateOf(
  ports: PlanTrialPorts,
  policy: string,
  asked: string | undefined,
  { champion }: Aliases,
): Promise<string | ReturnType<typeof impossible>> {
  if (champion === undefined) return impossible(`policy ${policy} has no champion to compare with`);
  const candidate = asked ?? (await newestAbove(ports.store, policy, champion));
  if (candidate === undefined) return impossible(`no version of ${policy} is newer than the champion ${champion}`);
  if (candidate === champion) return impossible(`${candidate} is the champion already`);
  try {
    const { gates } = await readManifest(ports, policy, candidate);
    const failed = gates.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id);
    return failed.length === 0 ? candidate : impossible(`${candidate} is held by ${failed.join(', ')}`);
  } catch (error) {
    if (isFailure(error, 'NotFound')) return impossible(`version ${candidate} of policy ${policy} is not registered`);
    throw error;
  }
}

async function newestAbove(store: ObjectStore, policy: string, champion: string): Promise<string | undefined> {
  const least = parsePolicyVersion(champion);
  let newest = least;
  let found: string | undefined;
  for await (const { key } of store.list(`models/${policy}/`)) {
    const [, , text = '', file] = key.split('/');
    const version = file === 'manifest.json' ? parsePolicyVersion(text) : undefined;
    if (version === undefined || newest === undefined || comparePolicyVersions(version, newest) <= 0) continue;
    newest = version;
    found = text;
  }
  return found;
}

async function factsOf(
  ports: PlanTrialPorts,
  input: z.output<typeof inputSchema>,
  candidateVersion: string,
  { champion = '', anchor }: Aliases,
): Promise<{
  readonly facts: TrialFacts;
  readonly damaged: readonly string[];
  readonly undated: number;
  readonly gained: readonly string[];
  readonly unserved: readonly UnservedRobot[];
  readonly robots: FleetView['robots'];
}> {
  const { policy, kind, trialId, nowMs } = input;
  const times = timesOf(input);
  const { robots } = await ports.fleet.readFleet(policy);
  const startMs = nowMs - historyDays * times.dayMs;
  const { catalogue, leftOut, known, gained } = await tasksOf(ports.store, policy, champion, candidateVersion);
  const { history, tasks, damaged, undated } = await readHistory(ports, {
    policy,
    startMs,
    endMs: nowMs,
    times,
    nowMs,
    catalogue,
    known,
  });
  const lossKey = trialKeys.anchorLoss(policy, champion);
  const loss = anchor === champion ? 0 : (await readJson(ports.store, lossKey, anchorLossSchema))?.lossFraction;
  const unserved = await unservedRobots(ports.store, policy, [champion, candidateVersion], robots);
  const isUnserved = new Set(unserved.map(({ robotId }) => robotId));
  const part = new Set(
    robots
      .filter(({ robotId, isQuarantined }) => !isQuarantined && !isUnserved.has(robotId))
      .map(({ robotId }) => robotId),
  );
  const facts: TrialFacts = {
    kind,
    policy,
    trialId,
    championVersion: champion,
    candidateVersion,
    createdAtMs: nowMs,
    times,
    tasks,
    catalogue,
    leftOut,
    robots: robots.filter(({ robotId }) => part.has(robotId)).map(({ robotId, stratum }) => ({ robotId, stratum })),
    excluded: robots.filter(({ robotId }) => !part.has(robotId)).map(({ robotId }) => robotId),
    history: history.filter(({ robotId }) => part.has(robotId)),
    candidateFraction: input.candidateFraction,
    effectFraction: input.effectFraction,
    // Who knows more need not be better at the rest as well.
    allowEquivalent: input.allowEquivalent || gained.length > 0,
    anchorLossFraction: loss ?? null,
    approvalBefore: input.approvalBefore,
    rolloutLimits: input.rolloutLimits,
    abTestLimits: input.abTestLimits,
    taskLimits: input.taskLimits,
  };
  return { facts, undated, gained, unserved, robots, damaged: damaged.map(({ key }) => key) };
}

const summaryOf = (
  plan: TrialPlan,
  reference: PlanReference,
  remarks: readonly string[],
): Omit<PlannedTrial, 'assignmentSeq' | 'approvalHours' | 'withheld'> => ({
  plan: reference,
  championVersion: plan.championVersion,
  candidateVersion: plan.candidateVersion,
  robots: plan.robots.length,
  stages: plan.stages,
  approvalBefore: plan.approvalBefore,
  blockMinutes: plan.rolloutLimits.blockMinutes,
  times: plan.times,
  abTest:
    plan.abTest === null
      ? null
      : {
          looks: plan.abTest.looks,
          lookHours: plan.abTest.lookHours,
          firstLook: Math.min(plan.abTestLimits.firstLook, plan.abTest.looks),
        },
  remarks: remarks.join('; ').slice(0, 500),
});
