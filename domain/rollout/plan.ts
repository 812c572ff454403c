import { z } from 'zod';

const lastStage = 3;

const rolloutPlan = z
  .strictObject({
    /** Robots on the candidate in stages 0 to 3, and the longest a stage may wait for proof before it holds. */
    stages: z
      .array(z.strictObject({ robots: z.number().int().min(1), maximumHours: z.number().gt(0) }))
      .length(lastStage + 1),
    /** Stages that a person must let begin. */
    approvalBefore: z.array(z.number().int().min(1).max(lastStage)).default([]),
  })
  .superRefine(({ stages }, context) => {
    for (const [index, { robots }] of stages.entries()) {
      const before = stages[index - 1]?.robots ?? 0;
      if (robots > before) continue;
      const message = `expected more than ${before}: every stage is larger than the one before`;
      context.addIssue({ code: 'custom', path: ['stages', index, 'robots'], message, input: robots });
    }
  });

/** How a rollout is to go; hours are fleet time. */
export type RolloutPlan = Readonly<z.output<typeof rolloutPlan>>;

/** Reads a plan; throws with field and expectation when it is unknown in part or does not grow. */
export function parseRolloutPlan(input: unknown): RolloutPlan {
  const result = rolloutPlan.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message, input: got }) => `${path.join('.') || '(the whole)'}: ${message}, got ${JSON.stringify(got)}`,
  );
  throw new RangeError(`rollout plan refused: ${problems.join('; ')}`);
}
