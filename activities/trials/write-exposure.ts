import { z } from 'zod';

import type { TrialPlan } from '../../domain/trial/index.ts';
import {
  trialsOf,
  type AssignmentOverride,
  type AssignmentRecord,
  type AssignmentState,
  type Fleet,
  type RobotView,
} from '../../fleet/desk/index.ts';
import { whyFrozen } from '../../domain/trial/freeze.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readFreeze } from '../../store/records/freezes.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import { leavesOf } from './trial-evidence.ts';
import { planReferenceSchema, type PlanReader } from './stored-plan.ts';
import { withholdUntried } from './untried-bodies.ts';

const inputSchema = z.strictObject({
  plan: planReferenceSchema,
  /** Place in the assignment log the workflow decided on: one after the last it knows. */
  seq: z.int().min(0),
  /** The first so many robots of the order run the candidate. */
  robots: z.int().min(1),
  /** Everybody but the rest of the order runs it: robots that join late too. */
  isLastStage: z.boolean(),
  faultyRobots: z.array(z.string()),
  operationId: z.string(),
  who: z.string(),
  why: z.string(),
  atMs: z.int(),
});
export type WriteExposureInput = z.input<typeof inputSchema>;

/** `conflict`: the log went on without us · `refused`: the trial is closed, or another owns the fleet · `frozen`: not before the freeze of the policy ends. */
export type WriteExposureResult =
  | { readonly kind: 'written'; readonly seq: number }
  | { readonly kind: 'conflict' | 'refused' | 'frozen'; readonly reason: string };

/**
 * Puts a stage's robots on the candidate: one record at the seq the workflow decided on. Idempotent by (policy, seq, content):
 * an attempt that wakes late finds its place taken or its trial closed, and changes nothing. A trial that nobody was exposed to yet
 * begins behind what was ordered while it waited for a person, as long as the champion is the one it was planned with and no other trial
 * has the fleet: its record is found again by its operation. In the last stage everybody else gets the candidate too, and all do by a promotion:
 * bodies of which no robot runs it by then are withheld from it before, see {@link withholdUntried}. While the policy is frozen nobody gets the candidate who does
 * not have it by the record that stands.
 */
export const writeExposure =
  (ports: { store: ObjectStore; fleet: Fleet; readPlan: PlanReader }) =>
  async (given: WriteExposureInput): Promise<WriteExposureResult> => {
    const input = parseActivityInput('writeExposure', inputSchema, given);
    const plan = await ports.readPlan(input.plan);
    for (let behind = 0; ; behind += 1) {
      const state = await ports.fleet.readAssignments(plan.policy);
      const begun = ownBeginning(state, plan, input);
      if (begun !== undefined) return { kind: 'written', seq: begun };
      const isOvertaken = state.seq >= input.seq && !state.begunTrialIds.has(plan.trialId);
      const seq = isOvertaken ? state.seq + 1 : input.seq;
      if (seq === state.seq + 1) {
        const reason = whyNotOurs(state, plan);
        if (reason !== undefined) return { kind: 'refused', reason };
      }
      const result = await write(ports, plan, { ...input, seq }, state);
      if (result.kind !== 'conflict' || !isOvertaken || behind >= mostBehind) return result;
    }
  };

/** Orders that may come in between while the first exposure is being written. */
const mostBehind = 5;

/** Where the trial began behind other orders, by an earlier attempt. */
function ownBeginning(
  { current }: AssignmentState,
  { trialId }: TrialPlan,
  { seq, operationId }: z.output<typeof inputSchema>,
): number | undefined {
  if (current === undefined || current.seq <= seq || !trialsOf(current.record).has(trialId)) return undefined;
  return current.record.operationId === operationId ? current.seq : undefined;
}

/** Why the trial may not put robots on its candidate; undefined while it may. */
function whyNotOurs({ current }: AssignmentState, { trialId, championVersion }: TrialPlan): string | undefined {
  if (current === undefined) return undefined;
  const others = [...trialsOf(current.record)].filter((id) => id !== trialId);
  if (others.length > 0) return `trial ${others.join(', ')} owns the fleet`;
  const { championVersion: champion } = current.record;
  return champion === championVersion
    ? undefined
    : `the champion is ${champion} by now, the trial began with ${championVersion}`;
}

async function write(
  { store, fleet }: { readonly store: ObjectStore; readonly fleet: Fleet },
  plan: TrialPlan,
  input: z.output<typeof inputSchema>,
  { current }: AssignmentState,
): Promise<WriteExposureResult> {
  const { policy } = plan;
  // By the moment of the decision and the record before or after it: a later attempt makes the same record.
  const view = await fleet.readFleet(policy);
  const left = leavesOf(view, plan, input.atMs);
  const kept = keptOnChampion(plan, left, current?.record);
  const record = recordOf(plan, input, kept);
  const frozen = whyFrozen(await readFreeze(store, policy, input.atMs));
  if (frozen !== undefined && isWider(plan, record, current?.record)) return { kind: 'frozen', reason: frozen };
  // First, so that nobody gets by default what nobody of its body has run.
  if (input.isLastStage)
    await withholdUntried(store, plan, { ...input, robots: ranIt(plan, input, kept, view.robots) });
  const outcome = await fleet.write({ policy, seq: input.seq, record });
  switch (outcome.kind) {
    case 'written':
      return outcome;
    case 'conflict':
      return { kind: 'conflict', reason: `record ${outcome.existingSeq} of the assignment log is another's` };
    case 'refused':
      return { kind: 'refused', reason: `trial ${outcome.closedTrialId} is closed` };
    default:
      return outcome satisfies never;
  }
}

/** Whether somebody runs the candidate by this record who did not by the one before. */
function isWider(
  { candidateVersion }: TrialPlan,
  record: AssignmentRecord,
  before: AssignmentRecord | undefined,
): boolean {
  if (before?.defaultVersion === candidateVersion) return false;
  if (record.defaultVersion === candidateVersion) return true;
  const idsOf = ({ overrides }: Pick<AssignmentRecord, 'overrides'>): readonly string[] =>
    overrides.flatMap(({ version, robotIds }) => (version === candidateVersion ? robotIds : []));
  const had = new Set(before === undefined ? [] : idsOf(before));
  return idsOf(record).some((robotId) => !had.has(robotId));
}

/** Robots that left the trial, by quarantine for example, keep what they run: these do not run the candidate, and will not. */
function keptOnChampion(
  plan: TrialPlan,
  left: ReadonlyMap<string, number>,
  current: AssignmentRecord | undefined,
): ReadonlySet<string> {
  const isOfTrial = current !== undefined && trialsOf(current).has(plan.trialId);
  const own = new Map(
    isOfTrial ? current.overrides.flatMap(({ version, robotIds }) => robotIds.map((id) => [id, version] as const)) : [],
  );
  const runs = (robotId: string): string =>
    own.get(robotId) ?? (isOfTrial ? current.defaultVersion : plan.championVersion);
  return new Set([...left.keys()].filter((robotId) => runs(robotId) !== plan.candidateVersion));
}

/** Robots that ran the candidate in a stage, with the body that they have had since the plan was made, and by no fault of their own. */
function ranIt(
  plan: TrialPlan,
  input: z.output<typeof inputSchema>,
  kept: ReadonlySet<string>,
  robots: readonly RobotView[],
): readonly RobotView[] {
  const faulty = new Set(input.faultyRobots);
  const staged = new Set(plan.robots.slice(0, input.robots).map(({ robotId }) => robotId));
  return robots.filter(({ robotId, bodyChangesMs = [] }) => {
    const isOut = faulty.has(robotId) || kept.has(robotId) || bodyChangesMs.some((atMs) => atMs > plan.createdAtMs);
    return staged.has(robotId) && !isOut;
  });
}

function recordOf(plan: TrialPlan, input: z.output<typeof inputSchema>, kept: ReadonlySet<string>): AssignmentRecord {
  const { trialId, championVersion, candidateVersion } = plan;
  const { operationId, who, why, atMs, isLastStage } = input;
  const faulty = new Set(input.faultyRobots);
  const order = plan.robots.map(({ robotId }) => robotId);
  const healthy = (ids: readonly string[]): string[] => ids.filter((id) => !faulty.has(id));
  const group = (
    version: string,
    urgency: AssignmentOverride['urgency'],
    robotIds: readonly string[],
  ): AssignmentOverride[] => (robotIds.length === 0 ? [] : [{ version, trialId, urgency, robotIds }]);
  const back = group(championVersion, 'safeStop', [...faulty]);
  const origin = { operationId, who, why: why.slice(0, 500), atMs };
  const common = { kind: 'assign', championVersion, urgency: 'whenIdle', ...origin } as const;
  if (isLastStage)
    return {
      ...common,
      defaultVersion: candidateVersion,
      trialId,
      overrides: [
        ...back,
        ...group(
          championVersion,
          'whenIdle',
          healthy([
            ...order.slice(0, input.robots).filter((id) => kept.has(id)),
            ...order.slice(input.robots),
            ...plan.excluded,
          ]),
        ),
      ],
    };
  return {
    ...common,
    defaultVersion: championVersion,
    trialId: null,
    overrides: [
      ...back,
      ...group(candidateVersion, 'whenIdle', healthy(order.slice(0, input.robots).filter((id) => !kept.has(id)))),
    ],
  };
}
