import type { Graph, Value } from './graph.ts';

export const adamDecay = { first: 0.9, second: 0.999 } as const;
const epsilon = 1e-8;
/**
 * Added to every gradient. Without it the moments of a unit that no longer fires decay into numbers below 1e-38, on which
 * processors are so slow that a training takes twice as long; what it changes is far below the precision of a weight.
 */
const gradientFloor = 1e-18;

export interface AdamState {
  readonly parameters: Value;
  readonly firstMoment: Value;
  readonly secondMoment: Value;
}

/**
 * One step of Adam (Kingma, Ba 2015, algorithm 1, in the order of operations at the end of section 2) on one flat vector
 * of all parameters: one pass an operator, however many layers. The moments are kept as plain decayed sums, M = m / (1-β₁)
 * and V = v / (1-β₂), which saves two passes; `stepSize` [] carries the learning rate, both bias corrections and these
 * factors (see `adamStepSize`). `shrinkage` [] is the factor of decoupled weight decay, 1 - rate × decay, applied to the
 * parameters before the step (Loshchilov, Hutter 2019, algorithm 2).
 */
export function adamStep(
  graph: Graph,
  state: AdamState,
  gradient: Value,
  stepSize: Value,
  shrinkage: Value,
): AdamState {
  const { shape } = state.parameters;
  const operate = (operator: string, ...inputs: readonly Value[]): Value => graph.node(operator, inputs, shape);
  const lifted = operate('Add', gradient, graph.scalar(gradientFloor));
  const firstMoment = operate('Add', operate('Mul', state.firstMoment, graph.scalar(adamDecay.first)), lifted);
  const squared = operate('Mul', lifted, lifted);
  const secondMoment = operate('Add', operate('Mul', state.secondMoment, graph.scalar(adamDecay.second)), squared);
  const root = operate('Add', operate('Sqrt', secondMoment), graph.scalar(epsilon / Math.sqrt(1 - adamDecay.second)));
  const change = operate('Mul', operate('Div', firstMoment, root), stepSize);
  const shrunk = operate('Mul', state.parameters, shrinkage);
  return { parameters: operate('Sub', shrunk, change), firstMoment, secondMoment };
}

/**
 * What `adamStep` wants as step size at `step` (1-based): rate × √(1-β₂ᵗ) / (1-β₁ᵗ) × (1-β₁) / √(1-β₂). The first step
 * moves each parameter by the learning rate.
 */
export const adamStepSize = (learningRate: number, step: number): number =>
  (learningRate * Math.sqrt(1 - adamDecay.second ** step) * (1 - adamDecay.first)) /
  ((1 - adamDecay.first ** step) * Math.sqrt(1 - adamDecay.second));
