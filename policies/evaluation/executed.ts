import { horizonOf } from '../chunks.ts';
import { imageHistoryOf } from '../image-windows.ts';
import type { PolicySizes } from '../policy-io.ts';
import { runPolicy } from '../run-policy.ts';
import type { GraphSession } from '../runtime.ts';
import { camerasSeenBy, noImages, pictureBytes, type Images } from '../seen-images.ts';
import { historyOf } from '../windows.ts';

/** Rows of a set, as robots met them. */
export interface MetRows {
  readonly observation: Float32Array;
  readonly task: Int32Array;
  /** With the images before, as far back as the policies that are asked see. */
  readonly images?: Images | undefined;
  /** Readings before, [rows, frames, o], oldest first. */
  readonly past?: Float32Array | undefined;
  /** How many frames lie between each row and the beginning of its run; a model that answers chunks needs it. */
  readonly runFrames?: Int32Array | undefined;
}

/** Images of a row that a model needs where its chunk is executed, that of its own frame included; 1 for one that sees none. */
export const imagesReadBy = (model: Parameters<typeof imageHistoryOf>[0] & Parameters<typeof horizonOf>[0]): number =>
  camerasSeenBy(model).length === 0 ? 1 : imageHistoryOf(model) + horizonOf(model) - 1;

/** Frames before a row that a model is asked about when its chunk is executed: those of its history, before the frame at which it was asked last. */
export const framesReadBy = (model: Parameters<typeof historyOf>[0] & Parameters<typeof horizonOf>[0]): number =>
  historyOf(model) + horizonOf(model) - 1;

/**
 * What a robot would have executed in each row, [rows, a]. A model of k actions is asked at frames 0, k, 2k, … of a run, and what it says of the frames up to the next time is
 * executed: a row that lies p frames after such a frame gets step p of the answer to that one. For a model of one action that is its answer to the row itself.
 */
export async function executedAnswers(
  session: Pick<GraphSession, 'inputs' | 'outputs' | 'run'>,
  sizes: PolicySizes,
  rows: MetRows,
): Promise<Float32Array> {
  const steps = horizonOf(session);
  if (steps === 1) return runPolicy(session, sizes, rows.observation, rows.task, rows.images, rows.past);
  const { observation, past, phases } = asked(rows, steps, historyOf(session), sizes.observationSize);
  const images = imagesAsked(session, sizes, rows, phases);
  const answers = await runPolicy(session, sizes, observation, rows.task, images, past);
  const executed = new Float32Array(phases.length * sizes.actionSize);
  for (const [row, phase] of phases.entries()) {
    const start = (row * steps + phase) * sizes.actionSize;
    executed.set(answers.subarray(start, start + sizes.actionSize), row * sizes.actionSize);
  }
  return executed;
}

/** The frame at which a robot asked last in each row, with what it read before, and how many frames ago that was. */
function asked(
  { observation, past, task, runFrames }: MetRows,
  steps: number,
  history: number,
  size: number,
): { readonly observation: Float32Array; readonly past: Float32Array; readonly phases: Int32Array } {
  const rows = task.length;
  if (runFrames === undefined) throw new Error('expected rows that say where they lie in their run, got others');
  const before = rows === 0 ? 0 : (past?.length ?? 0) / rows / size;
  const present = new Float32Array(rows * size);
  const earlier = new Float32Array(rows * (history - 1) * size);
  const phases = runFrames.map((frame) => frame % steps);
  if (rows > 0 && before < steps + history - 2)
    throw new Error(`expected rows with ${steps + history - 2} frames before them, got ${before}`);
  for (const [row, phase] of phases.entries()) {
    // Frames of a row: those before it, oldest first, then its own at place `before`.
    const frame = (place: number): Float32Array =>
      past !== undefined && place < before
        ? past.subarray((row * before + place) * size, (row * before + place + 1) * size)
        : observation.subarray(row * size, (row + 1) * size);
    const at = before - phase;
    present.set(frame(at), row * size);
    for (let back = 1; back < history; back += 1)
      earlier.set(frame(at - back), (row * (history - 1) + history - 1 - back) * size);
  }
  return { observation: present, past: earlier, phases };
}

/** What the cameras showed at the frame at which a robot asked last in each row, and before it: as many images as the model sees at once. */
function imagesAsked(
  session: Pick<GraphSession, 'inputs'>,
  { cameras = [] }: PolicySizes,
  { images = noImages, task }: MetRows,
  phases: Int32Array,
): Images {
  const rows = task.length;
  const history = imageHistoryOf(session);
  return new Map(
    camerasSeenBy(session).flatMap((name) => {
      const camera = cameras.find((each) => each.name === name);
      const bytes = images.get(name);
      if (camera === undefined || bytes === undefined || rows === 0) return [];
      const size = pictureBytes(camera);
      const has = bytes.length / rows / size;
      const windows = new Uint8Array(rows * history * size);
      for (const [row, phase] of phases.entries()) {
        const end = has - phase;
        if (end < history)
          throw new Error(`expected rows with ${phase + history} images of camera ${name}, got ${has}`);
        const from = (row * has + end - history) * size;
        windows.set(bytes.subarray(from, from + history * size), row * history * size);
      }
      return [[name, windows] as const];
    }),
  );
}
