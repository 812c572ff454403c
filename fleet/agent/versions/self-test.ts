import { horizonOf } from '../../../policies/chunks.ts';
import type { GoldenAnswers } from '../../../policies/golden-answers.ts';
import { goldenImagesOf } from '../../../policies/golden-images.ts';
import type { PolicySizes } from '../../../policies/policy-io.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import { noImages, pictureBytes, seenBy, type Images } from '../../../policies/seen-images.ts';
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
  const { observations, tasks, outputs, tolerances } = golden ?? zerosFor(sizes, horizonOf(session));
  const width = sizes.actionSize * horizonOf(session);
  const fits =
    observations.every((row) => row.length === sizes.observationSize) &&
    outputs.every((row) => row.length === width) &&
    tolerances.length === width &&
    observations.length === tasks.length &&
    outputs.length === tasks.length;
  if (!fits) throw new ModelRefusal('selfTestFailed', 'expected golden answers that fit the robot type, got others');
  const images = imagesOf(session, sizes, golden, observations.length);
  for (const [row, observation] of observations.entries()) {
    const inputs = { observation, task: tasks[row] ?? 0, images: images[row] ?? noImages };
    const answer = await answerOf(session, sizes, inputs, signal);
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

/** By row; without golden answers a model that sees is shown black pictures. */
function imagesOf(
  session: PolicySession,
  { cameras }: PolicySizes,
  golden: GoldenAnswers | undefined,
  rows: number,
): readonly Images[] {
  const seen = seenBy(session, cameras);
  if (golden === undefined) return [new Map(seen.map((camera) => [camera.name, new Uint8Array(pictureBytes(camera))]))];
  try {
    return goldenImagesOf(golden.images ?? [], seen, rows);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ModelRefusal('selfTestFailed', `expected golden images of what the model sees: ${why}`, cause);
  }
}

interface GoldenRow {
  readonly observation: readonly number[];
  readonly task: number;
  readonly images: Images;
}

async function answerOf(
  session: PolicySession,
  sizes: PolicySizes,
  { observation, task, images }: GoldenRow,
  signal: AbortSignal,
): Promise<Float32Array> {
  try {
    const running = runPolicy(session, sizes, Float32Array.from(observation), Int32Array.of(task), images);
    return await orAborted(running, signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ModelRefusal('selfTestFailed', 'expected the model to answer its golden inputs, it failed', cause);
  }
}

const zerosFor = (sizes: PolicySizes, steps: number): GoldenAnswers => ({
  observations: [Array.from({ length: sizes.observationSize }, () => 0)],
  tasks: [0],
  outputs: [Array.from({ length: sizes.actionSize * steps }, () => 0)],
  tolerances: Array.from({ length: sizes.actionSize * steps }, () => Number.MAX_VALUE),
});
