import type { RobotType } from '../../datasets/robot-type.ts';
import type { AbsoluteFacts } from '../gates/absolute.ts';
import type { PolicySizes } from '../policy-io.ts';
import type { GraphSession } from '../runtime.ts';
import { runPolicy } from '../run-policy.ts';
import { describeInput, robotInputs } from './robot-inputs.ts';
import { answerSingle, isSameAnswer, type SingleAnswer } from './single-rows.ts';

interface Probing {
  readonly type: RobotType;
  readonly seed: number;
  readonly monotonicMs: () => number;
  readonly progress: (details: Readonly<Record<string, number>>) => void;
}

const warmUps = 20;
/** Rows within their ranges that are asked one by one and together. */
const comparedRows = 512;
/** Rows of every kind that are asked one by one only. */
const otherRows = 512;
const repeatedRows = 200;
/** Measuring ends after so long with the samples there are; a model that slow has failed anyway. */
const latencyBudgetMs = 15_000;

export type SingleFacts = Required<Pick<AbsoluteFacts, 'singles' | 'repeats' | 'latency'>>;

/** Asks as robots do, row by row: is the answer that of the batch, is it the same twice, and how long does it take? */
export async function probeSingles(
  probing: Probing,
  session: GraphSession,
  sizes: PolicySizes,
  randomOperators: readonly string[],
): Promise<SingleFacts> {
  const { type, seed, monotonicMs, progress } = probing;
  const inRange = robotInputs(type, seed, 0, comparedRows, 'in range');
  const others = robotInputs(type, seed + 1, 0, otherRows);
  const together = await runPolicy(session, sizes, inRange.observation, inRange.task);
  const singles = { rows: 0, differing: 0, reason: '' };
  const repeats = { rows: 0, differing: randomOperators.length > 0 ? 1 : 0, reason: '' };
  if (randomOperators.length > 0) repeats.reason = `it draws random numbers (${randomOperators.join(', ')})`;
  const durationsMs: number[] = [];
  const startedMs = monotonicMs();
  for (let run = 0; run < warmUps + comparedRows + otherRows; run += 1) {
    const number = Math.max(0, run - warmUps);
    const source = number < comparedRows ? inRange : others;
    const row = number < comparedRows ? number : number - comparedRows;
    const observation = source.observation.subarray(row * sizes.observationSize, (row + 1) * sizes.observationSize);
    const ask = (): Promise<SingleAnswer> =>
      answerSingle(session, sizes, { observation, task: source.task[row] ?? 0 }, monotonicMs);
    const { values, durationMs } = await ask();
    const said = (): string => `readings ${describeInput(type, observation)}`;
    if (run >= warmUps) {
      durationsMs.push(durationMs);
      if (number < comparedRows) {
        singles.rows += 1;
        const among = together.subarray(row * sizes.actionSize, (row + 1) * sizes.actionSize);
        if (!isSameAnswer(values, among, type)) {
          singles.differing += 1;
          singles.reason ||= `${said()} give ${brief(values)} alone and ${brief(among)} among others`;
        }
      }
      if (number < repeatedRows) {
        repeats.rows += 1;
        const again = (await ask()).values;
        if (!values.every((value, action) => Object.is(value, again[action]))) {
          repeats.differing += 1;
          repeats.reason ||= `${said()} give ${brief(values)} and then ${brief(again)}`;
        }
      }
    }
    if (run % 50 === 0) progress({ singleRuns: run });
    if (monotonicMs() - startedMs > latencyBudgetMs) break;
  }
  return { singles, repeats, latency: latencyOf(durationsMs) };
}

/** 99th percentile by nearest rank, and the slowest of all. */
function latencyOf(durationsMs: number[]): SingleFacts['latency'] {
  durationsMs.sort((a, b) => a - b);
  const p99Ms = durationsMs[Math.ceil(0.99 * durationsMs.length) - 1] ?? Infinity;
  return { samples: durationsMs.length, p99Ms, slowestMs: durationsMs.at(-1) ?? Infinity };
}

const brief = (values: Float32Array): string =>
  `${[...values.subarray(0, 4)].map((value) => Number(value.toPrecision(4))).join(', ')}${values.length > 4 ? ', …' : ''}`;
