import type { RobotType } from '../../datasets/robot-type.ts';
import type { GoldenAnswers } from '../golden-answers.ts';
import type { PolicySizes } from '../policy-io.ts';
import { randomStream } from '../random.ts';
import type { GraphSession } from '../runtime.ts';
import { runPolicy } from '../run-policy.ts';
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
  const outputs: number[][] = [];
  for (const [row, input] of rowsOf(observation, sizes.observationSize).entries())
    outputs.push([...(await runPolicy(session, sizes, Float32Array.from(input), task.subarray(row, row + 1)))]);
  return {
    observations: rowsOf(observation, sizes.observationSize),
    tasks: [...task],
    outputs,
    tolerances: Array.from({ length: sizes.actionSize }, (_, action) => toleranceFraction * outputWidth(type, action)),
  };
}

const rowsOf = (values: Float32Array, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, row) => [...values.subarray(row * width, (row + 1) * width)]);
