import { z } from 'zod';

import { armFigures, taskFigures } from '../../domain/experiment/arm-figures.ts';
import { cellsPerTestBlock, judgeAbTest, judgeTasks } from '../../domain/experiment/index.ts';
import { failure } from '../../store/failures.ts';
import type { Fleet } from '../../fleet/desk/index.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { CellStore } from './cell-store.ts';
import { damageRemark, evidenceShape, leftOutRemarks, readEvidence } from './trial-evidence.ts';
import { tellVerdict } from './told-verdicts.ts';
import { trialKeys } from './trial-keys.ts';
import { withRemarks } from './verdict-remarks.ts';
import type { PlanReader } from './stored-plan.ts';

const inputSchema = z.strictObject({
  ...evidenceShape,
  look: z.int().min(1),
  hoursTotal: z.number().min(0),
});
export type JudgeLookInput = z.input<typeof inputSchema>;

const resultSchema = z.strictObject({
  decision: z.enum(['accept', 'acceptEquivalent', 'reject', 'continue', 'block']),
  reason: z.string(),
  delta: z.number(),
  low: z.number(),
  high: z.number(),
  z: z.number(),
  bound: z.number(),
  information: z.number(),
  candidateRobots: z.int(),
  controlRobots: z.int(),
  candidateEpisodes: z.int(),
  controlEpisodes: z.int(),
  /** What the champion would have lost against the best one with this candidate; null: unknown. */
  anchorLossFraction: z.number().nullable(),
  verdictKey: z.string(),
});
/** ≤ 2 KiB; everything else stands under `verdictKey`. */
export type JudgeLookResult = z.infer<typeof resultSchema>;
const storedSchema = z.object({ result: resultSchema });

/**
 * One look at an A/B test, with the net of single tasks. Idempotent by (trial, look): the decision that was written first
 * stays, so no look is taken twice.
 */
export const judgeLook =
  (ports: { store: ObjectStore; fleet: Pick<Fleet, 'readFleet'>; cells: CellStore; readPlan: PlanReader }) =>
  async (given: JudgeLookInput): Promise<JudgeLookResult> => {
    const input = parseActivityInput('judgeLook', inputSchema, given);
    const { look, hoursTotal, ...question } = input;
    const plan = await ports.readPlan(input.plan);
    const { parameters, abTest } = plan;
    if (abTest === null)
      throw failure('InvalidInput', `judgeLook: expected the plan of an A/B test, got one of a ${plan.kind}`);
    const verdictKey = trialKeys.look(plan.trialId, look);
    const earlier = await readJson(ports.store, verdictKey, storedSchema);
    if (earlier !== undefined) return earlier.result;

    const width = cellsPerTestBlock(plan.abTestLimits, plan.rolloutLimits);
    const { robots, damaged, leftOut } = await readEvidence(ports, plan, question, width);
    const daysTreated = hoursTotal / 24;
    const limits = plan.taskLimits;
    const tasks = judgeTasks({ parameters, robots, mode: 'abTest', daysTreated, tasks: plan.tasks, limits });
    const asked = {
      parameters,
      robots,
      look,
      daysTreated,
      blockedTasks: tasks.block,
      limits: plan.abTestLimits,
      looks: Math.max(look, abTest.looks),
      informationMax: abTest.informationMax,
      allowEquivalent: abTest.allowEquivalent,
    };
    const first = judgeAbTest(asked);
    const anchorLossFraction =
      abTest.anchorLossFraction === null ? null : abTest.anchorLossFraction + Math.max(0, -first.delta);
    const verdict = anchorLossFraction === null ? first : judgeAbTest({ ...asked, anchorLossFraction });
    const because = verdict.reasons.join('; ');
    const judged: JudgeLookResult = {
      decision: verdict.decision,
      reason: because,
      delta: verdict.delta,
      ...verdict.interval99,
      z: verdict.z,
      bound: verdict.bound,
      information: verdict.information,
      candidateRobots: verdict.robots.candidate,
      controlRobots: verdict.robots.control,
      candidateEpisodes: verdict.episodes.candidate,
      controlEpisodes: verdict.episodes.control,
      anchorLossFraction,
      verdictKey,
    };
    const document = {
      asked: given,
      because,
      result: judged,
      verdict,
      arms: armFigures(robots),
      taskArms: taskFigures(robots, tasks.block),
      tasks,
      leftOut,
      damaged,
    };
    const result = {
      ...judged,
      reason: withRemarks(tellVerdict(plan, document, because), [...leftOutRemarks(leftOut), ...damageRemark(damaged)]),
    };
    if ((await ports.store.putIfAbsent(verdictKey, jsonBytes({ ...document, result }))) === 'created') return result;
    return (await readJson(ports.store, verdictKey, storedSchema))?.result ?? result;
  };
