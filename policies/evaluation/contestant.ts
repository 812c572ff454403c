import type { RobotType } from '../../datasets/robot-type.ts';
import { actionTolerance, highestIndex, isWithin } from '../agreement.ts';
import type { PolicySizes } from '../policy-io.ts';
import type { RowBlock } from '../rows.ts';
import type { GraphSession } from '../runtime.ts';
import { executedAnswers } from './executed.ts';
import type { Images } from '../seen-images.ts';

/** A policy's answers on some rows. */
export interface Answers {
  /** [rows, actions] probabilities, or [rows, a] actions in their units. */
  readonly outputs: Float32Array;
  /** Discrete: the chosen action a row. Continuous: empty. */
  readonly chosen: Int32Array;
  /** 1 where the answer agrees with the label. */
  readonly agrees: Uint8Array;
}

/** Pictures of a block by the cameras that they are of, in its order. */
export const imagesIn = ({ pictures = [] }: RowBlock, cameras: readonly string[]): Images =>
  new Map(cameras.flatMap((name, index) => (pictures[index] === undefined ? [] : [[name, pictures[index]] as const])));

/** What a robot would have executed in a block, whose pictures are of `cameras`, and where it agrees with the labels. `runFrames`: where each row lies in its run. An output that is not finite never agrees. */
export async function answer(
  session: GraphSession,
  type: RobotType,
  sizes: PolicySizes,
  block: RowBlock,
  cameras: readonly string[] = [],
  runFrames?: Int32Array,
): Promise<Answers> {
  const { observation, task, past } = block;
  const outputs = await executedAnswers(session, sizes, {
    observation,
    task,
    images: imagesIn(block, cameras),
    past,
    runFrames,
  });
  const agrees = new Uint8Array(block.rows);
  const tolerance = actionTolerance(type);
  const chosen = new Int32Array(tolerance === undefined ? block.rows : 0);
  for (let row = 0; row < block.rows; row += 1) {
    const values = outputs.subarray(row * sizes.actionSize, (row + 1) * sizes.actionSize);
    if (tolerance === undefined) {
      chosen[row] = highestIndex(values);
      agrees[row] = chosen[row] === block.label[row] && values.every(Number.isFinite) ? 1 : 0;
    } else agrees[row] = isWithin(values, block.label.subarray(row * sizes.actionSize), tolerance) ? 1 : 0;
  }
  return { outputs, chosen, agrees };
}
