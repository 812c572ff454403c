import { z } from 'zod';

import { armFigures, taskFigures } from '../../domain/experiment/arm-figures.ts';
import { judgeGuard, judgeTasks } from '../../domain/experiment/index.ts';
import { describeWaits, type Fleet } from '../../fleet/desk/index.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import { whyFrozen } from '../../domain/trial/freeze.ts';
import type { TrialPlan } from '../../domain/trial/index.ts';
import { readFreeze } from '../../store/records/freezes.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { CellStore } from './cell-store.ts';
import { damageRemark, evidenceShape, leftOutRemarks, readEvidence, type Evidence } from './trial-evidence.ts';
import { tellVerdict } from './told-verdicts.ts';
import { trialKeys } from './trial-keys.ts';
import { withRemarks } from './verdict-remarks.ts';
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

/**
 * One tick of the guard over all cells of a trial, the nets of single tasks included. Idempotent by (trial, tick): the verdict
 * that was written first stays.
 */
export const judgeTick =
  (ports: { store: ObjectStore; fleet: Pick<Fleet, 'readFleet'>; cells: CellStore; readPlan: PlanReader }) =>
  async (given: JudgeTickInput): Promise<JudgeTickResult> => {
    const input = parseActivityInput('judgeTick', inputSchema, given);
    const { tick, generation, originMs, nowMs, exposures, faultyRobots } = input;
    const plan = await ports.readPlan(input.plan);
    const verdictKey = trialKeys.tick(plan.trialId, tick);
    const earlier = await readJson(ports.store, verdictKey, storedSchema);
    if (earlier !== undefined) return earlier.result;

    const question = { plan: input.plan, generation, originMs, nowMs, exposures, faultyRobots };
    const read = await readEvidence(ports, plan, question);
    const { robots, presence, damaged, leftOut } = read;
    const { tasks, verdict } = judgeBoth(plan, input, read);
    const { suspectRobotId } = verdict;
    const candidates = robots.filter(({ arm }) => arm === 'candidate').length;
    const waits = [...describeWaits(read.windowWaits, candidates)];
    const frozen = whyFrozen(await readFreeze(ports.store, plan.policy, nowMs));
    if (frozen !== undefined) waits.unshift(frozen);
    const isHeld = waits.length > 0 && verdict.verdict !== 'rollback' && verdict.verdict !== 'robotFault';
    const [decisive = '', ...beside] = verdict.reasons;
    const because = isHeld ? waits.join('; ') : decisive;
    const judged: JudgeTickResult = {
      verdict: isHeld ? 'hold' : verdict.verdict,
      ...(waits.length === 0 ? {} : { stopsClock: true }),
      ...(frozen === undefined ? {} : { isFrozen: true }),
      ...(suspectRobotId === undefined ? {} : { suspectRobotId }),
      reason: because,
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
    const document = {
      asked: given,
      presence,
      because,
      result: judged,
      verdict,
      arms: armFigures(robots),
      taskArms: taskFigures(robots, tasks.block),
      tasks,
      leftOut,
      damaged,
    };
    // What holds a stage stands in its sentence; of one that goes on all the same it is a remark.
    const besides = isHeld ? provenAlready(verdict.verdict) : waits;
    const remarks = [...besides, ...beside, ...leftOutRemarks(leftOut), ...damageRemark(damaged)];
    const result = { ...judged, reason: withRemarks(tellVerdict(plan, document, because), remarks) };
    if ((await ports.store.putIfAbsent(verdictKey, jsonBytes({ ...document, result }))) === 'created') return result;
    return (await readJson(ports.store, verdictKey, storedSchema))?.result ?? result;
  };

const provenAlready = (verdict: JudgeTickResult['verdict']): readonly string[] =>
  verdict === 'advance' ? ['the stage is proven, and is passed once nothing holds it'] : [];

/** The net of single tasks, and the guard. */
function judgeBoth(
  plan: TrialPlan,
  { stage, hoursInStage, hoursTotal, faultyRobots }: z.infer<typeof inputSchema>,
  { robots, presence, unsafeLateRobots }: Evidence,
) {
  const { parameters, tasks: listed, taskLimits: limits } = plan;
  const daysTreated = hoursTotal / 24;
  const tasks = judgeTasks({ parameters, robots, mode: 'guard', daysTreated, tasks: listed, limits });
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
    unsafeLateRobots: stage === 3 ? unsafeLateRobots : [],
    limits: plan.rolloutLimits,
  });
  return { tasks, verdict };
}
