import type { NetworkShape } from './network.ts';
import type { Normalisation } from './normalisation.ts';
import type { RowBlock, RowSource } from './rows.ts';
import { float32Tensor, int32Tensor, type GraphSession } from './runtime.ts';
import { stepInputs } from './training-graph.ts';

/** How far a continuous action may lie from the label in each dimension to agree with it, in standard deviations of the labels. */
export const agreementTolerance = 0.5;

export interface Score {
  readonly rows: number;
  /** Weighted mean loss, of the kind the training minimises. NaN without rows. */
  readonly loss: number;
  /** Share of rows whose action agrees with the label. NaN without rows. */
  readonly agreementFraction: number;
}

export interface ScoringInput {
  readonly session: GraphSession;
  readonly shape: NetworkShape;
  readonly parameters: Float32Array;
  readonly source: RowSource;
  readonly label?: Normalisation | undefined;
}

const rowsAtOnce = 2048;

/** Loss and agreement of the parameters on a set, read block by block in file order; sums in double precision. */
export async function scoreRows(input: ScoringInput): Promise<Score> {
  const totals = { rows: 0, loss: 0, weight: 0, agreements: 0 };
  for (let number = 0; number < input.source.blockRows.length; number += 1) {
    const block = await input.source.read(number);
    for (let start = 0; start < block.rows; start += rowsAtOnce)
      await scoreSlice(input, sliceBlock(block, start, Math.min(block.rows, start + rowsAtOnce)), totals);
  }
  return { rows: totals.rows, loss: totals.loss / totals.weight, agreementFraction: totals.agreements / totals.rows };
}

function sliceBlock(block: RowBlock, start: number, end: number): RowBlock {
  const cut = <T extends Float32Array | Int32Array>(values: T): T => {
    const width = values.length / block.rows;
    return values.subarray(start * width, end * width) as T;
  };
  return {
    rows: end - start,
    observation: cut(block.observation),
    task: cut(block.task),
    label: cut(block.label),
    weight: cut(block.weight),
  };
}

async function scoreSlice(
  { session, shape, parameters, label }: ScoringInput,
  block: RowBlock,
  totals: { rows: number; loss: number; weight: number; agreements: number },
): Promise<void> {
  const results = await session.run({
    [stepInputs.observation]: float32Tensor(block.observation, [block.rows, shape.observationSize]),
    [stepInputs.task]: int32Tensor(block.task, [block.rows]),
    [stepInputs.parameters]: float32Tensor(parameters, [parameters.length]),
  });
  const prediction = results['prediction']?.data as Float32Array;
  for (let row = 0; row < block.rows; row += 1) {
    const weight = block.weight[row] ?? 0;
    const values = prediction.subarray(row * shape.actionSize, (row + 1) * shape.actionSize);
    const [loss, agrees] =
      label === undefined
        ? discreteRow(values, block.label[row] ?? 0)
        : continuousRow(values, block.label.subarray(row * shape.actionSize), label);
    totals.loss += weight * loss;
    totals.weight += weight;
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

function continuousRow(
  values: Float32Array,
  target: Float32Array | Int32Array,
  { mean, scale }: Normalisation,
): [number, boolean] {
  let loss = 0;
  let agrees = true;
  values.forEach((value, index) => {
    const wanted = ((target[index] ?? Number.NaN) - (mean[index] ?? 0)) * (scale[index] ?? 0);
    const difference = value - wanted;
    loss += 0.5 * difference * difference;
    agrees &&= Math.abs(difference) <= agreementTolerance;
  });
  return [loss, agrees];
}

/** Index of the highest value; the first of equals; 0 for an empty list. NaN never wins, and all NaN gives 0. */
export function highestIndex(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index += 1)
    if (!((values[index] ?? Number.NaN) <= (values[best] ?? Number.NaN)) && !Number.isNaN(values[index])) best = index;
  return best;
}
