import { highestIndex, isWithin } from './agreement.ts';
import { mostPlaneNumbers } from './images/camera-layers.ts';
import type { NetworkShape } from './network.ts';
import type { Normalisation } from './normalisation.ts';
import { sliceBlock, type RowBlock, type RowSource } from './rows.ts';
import { float32Tensor, int32Tensor, type GraphSession } from './runtime.ts';
import { pictureTensors } from './picture-tensors.ts';
import { stepInputs } from './training-graph.ts';

export interface Score {
  readonly rows: number;
  /** Weighted mean loss, of the kind the training minimises. NaN without rows. */
  readonly loss: number;
  /** Share of rows whose action agrees with the label; of chunks, of the steps that are executed. NaN without rows. */
  readonly agreementFraction: number;
}

export interface ScoringInput {
  readonly session: GraphSession;
  readonly shape: NetworkShape;
  readonly parameters: Float32Array;
  readonly source: RowSource;
  /** For continuous actions: how labels are normalised, and how far an action may be off in its own unit. */
  readonly label?: Normalisation | undefined;
  readonly tolerance?: Float32Array | undefined;
}

const mostRowsAtOnce = 2048;
/** Of a network with cameras: the planes of so many rows take at most this, or those of one row. */
const planeBytes = 16 * 1024 * 1024;

/** Rows that are scored together. */
export function rowsAtOnce({ images = [] }: NetworkShape): number {
  const numbers = Math.max(0, ...images.map(mostPlaneNumbers));
  return numbers === 0 ? mostRowsAtOnce : Math.max(1, Math.min(mostRowsAtOnce, Math.floor(planeBytes / (4 * numbers))));
}

/** Loss and agreement of the parameters on a set, read block by block in file order; sums in double precision. */
export async function scoreRows(input: ScoringInput): Promise<Score> {
  const totals = { rows: 0, loss: 0, weight: 0, agreements: 0 };
  const atOnce = rowsAtOnce(input.shape);
  for (let number = 0; number < input.source.blockRows.length; number += 1) {
    const block = await input.source.read(number);
    for (let start = 0; start < block.rows; start += atOnce)
      await scoreSlice(input, sliceBlock(block, start, Math.min(block.rows, start + atOnce)), totals);
  }
  return { rows: totals.rows, loss: totals.loss / totals.weight, agreementFraction: totals.agreements / totals.rows };
}

async function scoreSlice(
  { session, shape, parameters, label, tolerance }: ScoringInput,
  block: RowBlock,
  totals: { rows: number; loss: number; weight: number; agreements: number },
): Promise<void> {
  const results = await session.run({
    [stepInputs.observation]: float32Tensor(block.observation, [block.rows, shape.observationSize]),
    [stepInputs.task]: int32Tensor(block.task, [block.rows]),
    [stepInputs.parameters]: float32Tensor(parameters, [parameters.length]),
    ...pictureTensors(shape, block),
  });
  const prediction = results['prediction']?.data as Float32Array;
  const { horizon, execute } = shape.chunk ?? { horizon: 1, execute: 1 };
  const width = shape.actionSize / horizon;
  // A step of a chunk is scored as a row of its own; what has no label counts nowhere.
  for (let row = 0; row < block.rows * horizon; row += 1) {
    const weight = block.weight[row] ?? 0;
    if (shape.chunk !== undefined && weight === 0) continue;
    const values = prediction.subarray(row * width, (row + 1) * width);
    const [loss, agrees] =
      label === undefined || tolerance === undefined
        ? discreteRow(values, block.label[row] ?? 0)
        : continuousRow(values, block.label.subarray(row * width), label, tolerance);
    totals.loss += weight * loss;
    totals.weight += weight;
    if (row % horizon >= execute) continue;
    totals.agreements += agrees ? 1 : 0;
    totals.rows += 1;
  }
}

/** Cross-entropy of softmax(scores) and whether the highest score is the label's. */
function discreteRow(scores: Float32Array, label: number): [number, boolean] {
  const chosen = highestIndex(scores);
  const highest = scores[chosen] ?? Number.NaN;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - highest);
  return [Math.log(sum) + highest - (scores[label] ?? Number.NaN), chosen === label];
}

/** Half the squared error in normalised units, as trained, and whether the action is within its tolerance in its own. */
function continuousRow(
  values: Float32Array,
  label: Float32Array | Int32Array,
  { mean, scale }: Normalisation,
  tolerance: Float32Array,
): [number, boolean] {
  let loss = 0;
  const action = values.map((value, index) => {
    const factor = scale[index] ?? 0;
    const centre = mean[index] ?? 0;
    loss += 0.5 * (value - ((label[index] ?? Number.NaN) - centre) * factor) ** 2;
    return factor === 0 ? centre : value / factor + centre;
  });
  return [loss, isWithin(action, label, tolerance)];
}
