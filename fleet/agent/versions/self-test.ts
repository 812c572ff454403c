import type { GoldenAnswers } from '../../../policies/golden-answers.ts';
import type { PolicySizes } from '../../../policies/policy-io.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import { orAborted } from '../link/deadline.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { PolicySession } from './policy-runtime.ts';

/**
 * Runs the model on its golden inputs, one row at a time as a robot decides, and throws a `ModelRefusal` unless it gives the
 * golden answers, or the signal's reason. A version without golden answers must at least answer zeros with finite numbers.
 */
export async function selfTest(
  session: PolicySession,
  sizes: PolicySizes,
  golden: GoldenAnswers | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { observations, tasks, outputs, tolerances } = golden ?? zerosFor(sizes);
  const fits =
    observations.every((row) => row.length === sizes.observationSize) &&
    outputs.every((row) => row.length === sizes.actionSize) &&
    tolerances.length === sizes.actionSize &&
    observations.length === tasks.length &&
    outputs.length === tasks.length;
  if (!fits) throw new ModelRefusal('selfTestFailed', 'expected golden answers that fit the robot type, got others');
  for (const [row, observation] of observations.entries()) {
    const answer = await answerOf(session, sizes, observation, tasks[row] ?? 0, signal);
    const expected = outputs[row] ?? [];
    const isNear = (value: number, at: number): boolean =>
      Math.abs(value - (expected[at] ?? Number.NaN)) <= (tolerances[at] ?? 0);
    const wrong = answer.findIndex((value, at) => !isNear(value, at));
    if (wrong >= 0)
      throw new ModelRefusal(
        'selfTestFailed',
        `expected ${expected[wrong]} within ${tolerances[wrong]}, got ${answer[wrong]} [row=${row}, output=${wrong}]`,
      );
  }
}

async function answerOf(
  session: PolicySession,
  sizes: PolicySizes,
  observation: readonly number[],
  task: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  try {
    const running = runPolicy(session, sizes, Float32Array.from(observation), Int32Array.of(task));
    return await orAborted(running, signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ModelRefusal('selfTestFailed', 'expected the model to answer its golden inputs, it failed', cause);
  }
}

const zerosFor = (sizes: PolicySizes): GoldenAnswers => ({
  observations: [Array.from({ length: sizes.observationSize }, () => 0)],
  tasks: [0],
  outputs: [Array.from({ length: sizes.actionSize }, () => 0)],
  tolerances: Array.from({ length: sizes.actionSize }, () => Number.MAX_VALUE),
});
