import { z } from 'zod';

import type { PolicySizes } from '../../policies/policy-io.ts';
import { ModelRefusal } from './model-refusal.ts';
import { runRows, type PolicySession } from './policy-runtime.ts';

const rows = z.array(z.array(z.number())).min(1).max(4096);

/** `golden.json` of a version: inputs with the answers it gave when it was judged. */
export const goldenSchema = z.object({
  observations: rows,
  tasks: z.array(z.int().min(0)).min(1).max(4096),
  outputs: rows,
  /** Largest difference that is still the same answer on another processor. */
  toleranceAbsolute: z.number().positive(),
});
export type Golden = z.infer<typeof goldenSchema>;

/**
 * Runs the model on its golden inputs and throws a `ModelRefusal` unless it gives the golden answers. A version without
 * golden answers must at least answer zeros with finite numbers.
 */
export async function selfTest(session: PolicySession, sizes: PolicySizes, golden: Golden | undefined): Promise<void> {
  const { observations, tasks, outputs, toleranceAbsolute } = golden ?? zerosFor(sizes);
  const fits =
    observations.every((row) => row.length === sizes.observationSize) &&
    outputs.every((row) => row.length === sizes.actionSize) &&
    observations.length === tasks.length &&
    outputs.length === tasks.length;
  if (!fits) throw new ModelRefusal('selfTestFailed', 'expected golden answers that fit the robot type, got others');
  let answers: Float32Array;
  try {
    answers = await runRows(session, sizes, Float32Array.from(observations.flat()), Int32Array.from(tasks));
  } catch (cause) {
    throw new ModelRefusal('selfTestFailed', 'expected the model to answer its golden inputs, it failed', cause);
  }
  const expected = outputs.flat();
  const wrong = answers.findIndex(
    (value, at) => !(Math.abs(value - (expected[at] ?? Number.NaN)) <= toleranceAbsolute),
  );
  if (wrong < 0) return;
  const row = Math.floor(wrong / sizes.actionSize);
  throw new ModelRefusal(
    'selfTestFailed',
    `expected ${expected[wrong]} within ${toleranceAbsolute}, got ${answers[wrong]} [row=${row}, output=${wrong % sizes.actionSize}]`,
  );
}

const zerosFor = (sizes: PolicySizes): Golden => ({
  observations: [Array.from({ length: sizes.observationSize }, () => 0)],
  tasks: [0],
  outputs: [Array.from({ length: sizes.actionSize }, () => 0)],
  toleranceAbsolute: Number.MAX_VALUE,
});
