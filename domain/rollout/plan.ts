import { dictionary } from '../dictionary.ts';

/** One stage: robots on the candidate, and the longest it may wait for proof before it holds, in hours of fleet time. */
export interface RolloutStagePlan {
  readonly robots: number;
  readonly maximumHours: number;
}

/** How a rollout is to go. */
export interface RolloutPlan {
  /** Stages 0 to 3; the last leaves only the holdback on the champion. */
  readonly stages: readonly RolloutStagePlan[];
  /** Stages that a person must let begin, 0 to 3. */
  readonly approvalBefore: readonly number[];
}

const stageCount = 4;

/**
 * Reads a plan; throws with field and expectation when something is unknown, missing or out of range, or a stage is
 * smaller than the one before. Written by hand: workflows carry this code, and a schema library is too heavy for them.
 */
export function parseRolloutPlan(input: unknown): RolloutPlan {
  const { stages, approvalBefore = [] } = fields(input, 'plan', ['stages', 'approvalBefore']);
  if (!Array.isArray(stages) || stages.length !== stageCount) throw refused('stages', `${stageCount} stages`, stages);
  let before = 1;
  const parsed = stages.map((stage: unknown, index): RolloutStagePlan => {
    const { robots, maximumHours } = fields(stage, `stages.${index}`, ['robots', 'maximumHours']);
    if (!isWhole(robots) || robots < before) {
      throw refused(
        `stages.${index}.robots`,
        `a whole number of at least ${before}: no stage is smaller than the one before`,
        robots,
      );
    }
    if (typeof maximumHours !== 'number' || !(maximumHours > 0)) {
      throw refused(`stages.${index}.maximumHours`, 'a number above 0', maximumHours);
    }
    before = robots;
    return { robots, maximumHours };
  });
  if (!Array.isArray(approvalBefore)) throw refused('approvalBefore', 'a list of stages', approvalBefore);
  const approvals = approvalBefore.map((stage: unknown, index) => {
    if (!isWhole(stage) || stage < 0 || stage >= stageCount) {
      throw refused(`approvalBefore.${index}`, `a stage from 0 to ${stageCount - 1}`, stage);
    }
    return stage;
  });
  return { stages: parsed, approvalBefore: approvals };
}

function fields(input: unknown, where: string, known: readonly string[]): Record<string, unknown> {
  if (typeof input !== 'object' || input === null) throw refused(where, 'an object', input);
  const entries = Object.entries(input);
  const unknown = entries.find(([key]) => !known.includes(key));
  if (unknown !== undefined) throw refused(`${where}.${unknown[0]}`, `only ${known.join(' and ')}`, unknown[1]);
  return dictionary(entries);
}

const isWhole = (value: unknown): value is number => Number.isInteger(value);

const refused = (field: string, expected: string, got: unknown): RangeError =>
  new RangeError(`rollout plan refused: ${field}: expected ${expected}, got ${JSON.stringify(got) ?? 'nothing'}`);
