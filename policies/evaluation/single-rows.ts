import type { RobotType } from '../../datasets/robot-type.ts';
import type { PolicySizes } from '../policy-io.ts';
import { runPolicy } from '../run-policy.ts';
import { executedAnswers } from './executed.ts';
import type { GraphSession } from '../runtime.ts';
import type { Images } from '../seen-images.ts';

/** One decision, as robots ask for them: one row, nothing beside it. */
export interface SingleAnswer {
  readonly values: Float32Array;
  readonly durationMs: number;
}

/** What one decision is asked with. */
export interface SingleRow {
  readonly observation: Float32Array;
  readonly task: number;
  readonly images?: Images | undefined;
  /** Readings before, [frames, o], oldest first. */
  readonly past?: Float32Array | undefined;
  /** Where a row of a set lies in its run: then the answer is what a robot would have executed there. */
  readonly runFrame?: number | undefined;
}

/** A decision that takes longer is asked for again, because the machine may have been busy; the least time counts. */
export const slowDecisionMs = 1000;
const triesWhenSlow = 3;

/** Answers of a single row and of the same row among others may be apart by so much, as a share of a probability or of an action's range: eight-bit models scale by batch. */
const apartFraction = 0.05;

export async function answerSingle(
  session: Pick<GraphSession, 'inputs' | 'outputs' | 'run'>,
  sizes: PolicySizes,
  row: SingleRow,
  monotonicMs: () => number,
): Promise<SingleAnswer> {
  let best: SingleAnswer | undefined;
  for (let attempt = 0; attempt < triesWhenSlow; attempt += 1) {
    const beforeMs = monotonicMs();
    const values = await answerOnce(session, sizes, row);
    const durationMs = monotonicMs() - beforeMs;
    if (best === undefined || durationMs < best.durationMs) best = { values, durationMs };
    if (best.durationMs <= slowDecisionMs) return best;
  }
  return best ?? { values: new Float32Array(0), durationMs: Infinity };
}

function answerOnce(
  session: Pick<GraphSession, 'inputs' | 'outputs' | 'run'>,
  sizes: PolicySizes,
  { observation, task, images, past, runFrame }: SingleRow,
): Promise<Float32Array> {
  const row = { observation, task: Int32Array.of(task), images, past };
  return runFrame === undefined
    ? runPolicy(session, sizes, observation, row.task, images, past)
    : executedAnswers(session, sizes, { ...row, runFrames: Int32Array.of(runFrame) });
}

/** Whether two answers to one row are the same for a robot; NaN is the same as nothing. */
export function isSameAnswer(a: Float32Array, b: Float32Array, type: RobotType): boolean {
  return a.every(
    (value, action) => Math.abs(value - (b[action] ?? Number.NaN)) <= apartFraction * outputWidth(type, action),
  );
}

/** Width of an output: of a probability 1, of a continuous action its range; the actions of a chunk come one after the other. */
export function outputWidth(type: RobotType, action: number): number {
  const range =
    type.actions.kind === 'continuous' ? type.actions.ranges[action % type.actions.ranges.length] : undefined;
  return range === undefined ? 1 : range.max - range.min;
}
