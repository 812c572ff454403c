import type { RobotType } from '../../datasets/robot-type.ts';
import type { GoldenAnswers } from '../golden-answers.ts';
import { goldenImagesOf, packGoldenImage, type GoldenImage } from '../golden-images.ts';
import type { PolicySizes } from '../policy-io.ts';
import { randomStream } from '../random.ts';
import type { GraphSession } from '../runtime.ts';
import { runPolicy } from '../run-policy.ts';
import { seenBy, type SeenCamera } from '../seen-images.ts';
import { drawPicture } from './robot-images.ts';
import { outputWidth } from './single-rows.ts';

const goldenRows = 32;
const goldenSeed = 1;
/** Of a probability, or of the width of an action's range. */
const toleranceFraction = 1e-3;

/** Golden inputs are uniform within the sensors' ranges, tasks in turn: a pure function of the robot type. Asked row by row, as robots decide. */
export async function goldenAnswers(
  session: GraphSession,
  type: RobotType,
  sizes: PolicySizes,
): Promise<GoldenAnswers> {
  const random = randomStream(goldenSeed, 'golden inputs');
  const observation = Float32Array.from({ length: goldenRows * sizes.observationSize }, (_, index) => {
    const { min = 0, max = 1 } = type.observations[index % sizes.observationSize] ?? {};
    return min + random() * (max - min);
  });
  const task = Int32Array.from({ length: goldenRows }, (_, row) => row % sizes.taskCount);
  const seen = seenBy(session, sizes.cameras);
  const images = seen.map(goldenImage);
  const imagesOfRow = goldenImagesOf(images, seen, goldenRows);
  const outputs: number[][] = [];
  for (const [row, input] of rowsOf(observation, sizes.observationSize).entries())
    outputs.push([
      ...(await runPolicy(session, sizes, Float32Array.from(input), task.subarray(row, row + 1), imagesOfRow[row])),
    ]);
  return {
    observations: rowsOf(observation, sizes.observationSize),
    tasks: [...task],
    outputs,
    tolerances: Array.from(
      { length: outputs[0]?.length ?? sizes.actionSize },
      (_, action) => toleranceFraction * outputWidth(type, action),
    ),
    ...(images.length === 0 ? {} : { images }),
  };
}

/** A few pictures that deflate well, those of a healthy camera and those of a blind one: a pure function of the camera. */
function goldenImage(camera: SeenCamera): GoldenImage {
  const random = randomStream(goldenSeed, `golden images of ${camera.name}`);
  const kinds = ['drawn', 'drawn', 'drawn', 'swapped channels', 'black', 'white'] as const;
  const pictures = kinds.map((kind) => drawPicture(camera, kind, random));
  const rows = Array.from({ length: goldenRows }, () => Math.floor(pictures.length * random()));
  return packGoldenImage(camera, pictures, rows);
}

const rowsOf = (values: Float32Array, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, row) => [...values.subarray(row * width, (row + 1) * width)]);
