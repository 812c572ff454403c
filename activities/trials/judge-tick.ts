import { z } from 'zod';

import { judgeGuard, judgeTasks } from '../../domain/experiment/index.ts';
import { describeWaits, type Fleet } from '../../fleet/desk/index.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import { whyFrozen } from '../../domain/trial/freeze.ts';
import { readFreeze } from '../../store/records/freezes.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { CellStore } from './cell-store.ts';
import { damageRemark, evidenceShape, leftOutRemarks, readEvidence } from './trial-evidence.ts';
import { trialKeys } from './trial-keys.ts';
import type { PlanReader } from './stored-plan.ts';

const inputSchema = z.strictObject({
  ...evidenceShape,
  /** Counts up by one with every tick of a trial. */
  tick: z.int().min(0),
  stage: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]),
  hoursInStage: z.number().min(0),
  hoursTotal: z.number().min(0),
});
export type JudgeTickInput = z.input<typeof inputSchema>;

const resultSchema = z.strictObject({
  verdict: z.enum(['continue', 'advance', 'hold', 'rollback', 'robotFault']),
  suspectRobotId: z.string().optional(),
  /** Candidates wait for the update windows of their sites, or the policy is frozen: this time counts for no stage. */
  stopsClock: z.boolean().optional(),
  /** A person froze the policy: nobody may let the next stage begin either. */
  isFrozen: z.literal(true).optional(),
  reason: z.string(),
  /** Candidate minus champion, and at least this. */
  delta: z.number(),
  lowerBound: z.number(),
  marginFraction: z.number().nullable(),
  logEvidence: z.number(),
  threshold: z.number(),
  candidates: z.int(),
  robots: z.int(),
  episodes: z.int(),
  verdictKey: z.string(),
});
/** ≤ 2 KiB; everything else stands under `verdictKey`. */
export type JudgeTickResult = z.infer<typeof resultSchema>;
const storedSchema = z.object({ result: resultSchema });

const longestReason = 600;

/**
 * One tick of the guard over all cells of a trial, the nets of single tasks included. Idempotent by (trial, tick): the verdict
 * that was written first stays.
 */
export const judgeTick =
  (ports: { store: ObjectStore; fleet: Pick<Fleet, 'readFleet'>; cells: CellStore; readPlan: PlanReader }) =>
  async (given: JudgeTickInput): Promise<JudgeTickResult> => {
    const input = parseActivityInput('judgeTick', inputSchema, given);
    const { stage, hoursInStage, hoursTotal, tick, faultyRobots, ...question } = input;
    const plan = await ports.readPlan(input.plan);
    const verdictKey = trialKeys.tick(plan.trialId, tick);
    const earlier = await readJson(ports.store, verdictKey, storedSchema);
    if (earlier !== undefined) return earlier.result;

    const read = await readEvidence(ports, plan, { ...question, faultyRobots });
    const { robots, presence, damaged, leftOut } = read;
    const { parameters } = plan;
    const daysTreated = hoursTotal / 24;
    const limits = plan.taskLimits;
    const tasks = judgeTasks({ parameters, robots, mode: 'guard', daysTreated, tasks: plan.tasks, limits });
    const verdict = judgeGuard({
      parameters,
      robots,
      presence,
      stage,
      hoursInStage,
      hoursTotal,
      daysTreated,
      faultsSoFar: faultyRobots.length,
      blockedTasks: tasks.block,
      // Before it those who join late run the champion.
      unsafeLateRobots: stage === 3 ? read.unsafeLateRobots : [],
      limits: plan.rolloutLimits,
    });
    const { suspectRobotId } = verdict;
    const candidates = robots.filter(({ arm }) => arm === 'candidate').length;
    const waits = [...describeWaits(read.windowWaits, candidates)];
    const frozen = whyFrozen(await readFreeze(ports.store, plan.policy, input.nowMs));
    if (frozen !== undefined) waits.unshift(frozen);
    const isHeld = waits.length > 0 && verdict.verdict !== 'rollback' && verdict.verdict !== 'robotFault';
    const result: JudgeTickResult = {
      verdict: isHeld ? 'hold' : verdict.verdict,
      ...(waits.length === 0 ? {} : { stopsClock: true }),
      ...(frozen === undefined ? {} : { isFrozen: true }),
      ...(suspectRobotId === undefined ? {} : { suspectRobotId }),
      reason: [
        ...(isHeld ? waits : []),
        ...verdict.reasons,
        ...(isHeld ? [] : waits),
        ...leftOutRemarks(leftOut),
        ...damageRemark(damaged),
      ]
        .join('; ')
        .slice(0, longestReason),
      delta: verdict.delta,
      lowerBound: verdict.lowerBound,
      marginFraction: verdict.marginFraction,
      logEvidence: verdict.logEvidence,
      threshold: verdict.threshold,
      candidates,
      robots: verdict.treatedRobots,
      episodes: verdict.treatedEpisodes,
      verdictKey,
    };
    const document = { asked: given, presence, result, verdict, tasks, leftOut, damaged };
    if ((await ports.store.putIfAbsent(verdictKey, jsonBytes(document))) === 'created') return result;
    return (await readJson(ports.store, verdictKey, storedSchema))?.result ?? result;
  };
