import type { GoldenAnswers } from '../../policies/golden-answers.ts';
import type { PolicySizes } from '../../policies/policy-io.ts';
import { runPolicy } from '../../policies/run-policy.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { PolicySession } from './policy-runtime.ts';

/**
 * Runs the model on its golden inputs and throws a `ModelRefusal` unless it gives the golden answers. A version without
 * golden answers must at least answer zeros with finite numbers.
 */
export async function selfTest(
  session: PolicySession,
  sizes: PolicySizes,
  golden: GoldenAnswers | undefined,
): Promise<void> {
  const { observations, tasks, outputs, tolerances } = golden ?? zerosFor(sizes);
  const fits =
    observations.every((row) => row.length === sizes.observationSize) &&
    outputs.every((row) => row.length === sizes.actionSize) &&
    tolerances.length === sizes.actionSize &&
    observations.length === tasks.length &&
    outputs.length === tasks.length;
  if (!fits) throw new ModelRefusal('selfTestFailed', 'expected golden answers that fit the robot type, got others');
  let answers: Float32Array;
  try {
    answers = await runPolicy(session, sizes, Float32Array.from(observations.flat()), Int32Array.from(tasks));
  } catch (cause) {
    throw new ModelRefusal('selfTestFailed', 'expected the model to answer its golden inputs, it failed', cause);
  }
  const expected = outputs.flat();
  const toleranceAt = (at: number): number => tolerances[at % sizes.actionSize] ?? 0;
  const wrong = answers.findIndex((value, at) => !(Math.abs(value - (expected[at] ?? Number.NaN)) <= toleranceAt(at)));
  if (wrong < 0) return;
  const row = Math.floor(wrong / sizes.actionSize);
  throw new ModelRefusal(
    'selfTestFailed',
    `expected ${expected[wrong]} within ${toleranceAt(wrong)}, got ${answers[wrong]} [row=${row}, output=${wrong % sizes.actionSize}]`,
  );
}

const zerosFor = (sizes: PolicySizes): GoldenAnswers => ({
  observations: [Array.from({ length: sizes.observationSize }, () => 0)],
  tasks: [0],
  outputs: [Array.from({ length: sizes.actionSize }, () => 0)],
  tolerances: Array.from({ length: sizes.actionSize }, () => Number.MAX_VALUE),
});
