import type { RobotType } from '../../datasets/robot-type.ts';
import { leastInputsTried, type AbsoluteFacts } from '../gates/absolute.ts';
import { ioProblems, policySizes, type PolicySizes } from '../policy-io.ts';
import type { GraphRuntime, GraphSession } from '../runtime.ts';
import { runPolicy } from '../run-policy.ts';
import { extremeInputs } from './extreme-inputs.ts';

export interface ProbeInput {
  readonly runtime: GraphRuntime;
  readonly model: Uint8Array;
  readonly type: RobotType;
  readonly monotonicMs: () => number;
  /** Called between runs; may throw to stop. */
  readonly progress: (details: Readonly<Record<string, number>>) => void;
}

const probeSeed = 1;
const rowsAtOnce = 500;
const warmUps = 20;
const latencySamples = 1000;
/** Measuring ends after so long with the samples there are; a model that slow has failed anyway. */
const latencyBudgetMs = 15_000;

/** Finds out everything about a model that needs no data. Never throws for what the model does; a part that fails ends the probe. */
export async function probeModel(input: ProbeInput): Promise<AbsoluteFacts> {
  const sizes = policySizes(input.type);
  const sizeBytes = input.model.length;
  if (sizeBytes > input.type.limits.maxModelSizeBytes) return { sizeBytes };
  if (sizes === undefined) return { sizeBytes, load: { isLoaded: false, reason: 'the robot type has no actions' } };
  const session = await openModel(input);
  if (session instanceof Error) return { sizeBytes, load: { isLoaded: false, reason: session.message } };
  try {
    const load = { isLoaded: true, reason: '' };
    const problems = ioProblems(session, sizes);
    if (problems.length > 0) return { sizeBytes, load, ioProblems: problems };
    const outputs = await tryInputs(input, session, sizes);
    const facts = { sizeBytes, load, ioProblems: problems, outputs };
    return outputs.badInputs > 0 ? facts : { ...facts, latency: await measureLatency(input, session, sizes) };
  } finally {
    await session.close();
  }
}

async function openModel({ runtime, model }: ProbeInput): Promise<GraphSession | Error> {
  try {
    return await runtime.open(model);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function tryInputs(
  { type, progress }: ProbeInput,
  session: GraphSession,
  sizes: PolicySizes,
): Promise<{ inputsTried: number; badInputs: number; reason: string }> {
  const result = { inputsTried: 0, badInputs: 0, reason: '' };
  while (result.inputsTried < leastInputsTried) {
    const { observation, task } = extremeInputs(type, probeSeed, result.inputsTried, rowsAtOnce);
    const outputs = await runOrError(session, sizes, observation, task);
    result.inputsTried += rowsAtOnce;
    progress({ inputsTried: result.inputsTried });
    if (outputs instanceof Error) return { ...result, badInputs: rowsAtOnce, reason: outputs.message };
    for (let row = 0; row < rowsAtOnce; row += 1) {
      if (outputs.subarray(row * sizes.actionSize, (row + 1) * sizes.actionSize).every(Number.isFinite)) continue;
      result.badInputs += 1;
      result.reason ||= `input ${result.inputsTried - rowsAtOnce + row} gives a number that is not finite`;
    }
  }
  return result;
}

async function runOrError(
  session: GraphSession,
  sizes: PolicySizes,
  observation: Float32Array,
  task: Int32Array,
): Promise<Float32Array | Error> {
  try {
    return await runPolicy(session, sizes, observation, task);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** 99th percentile by nearest rank over single decisions, after warming up. */
async function measureLatency(
  { type, monotonicMs, progress }: ProbeInput,
  session: GraphSession,
  sizes: PolicySizes,
): Promise<{ samples: number; p99Ms: number }> {
  const durationsMs: number[] = [];
  const startedMs = monotonicMs();
  for (let run = 0; run < warmUps + latencySamples; run += 1) {
    const { observation, task } = extremeInputs(type, probeSeed, 4 * run, 1);
    const beforeMs = monotonicMs();
    await runPolicy(session, sizes, observation, task);
    const afterMs = monotonicMs();
    if (run >= warmUps) durationsMs.push(afterMs - beforeMs);
    if (run % 50 === 0) progress({ latencyRuns: run });
    if (afterMs - startedMs > latencyBudgetMs) break;
  }
  durationsMs.sort((a, b) => a - b);
  return { samples: durationsMs.length, p99Ms: durationsMs[Math.ceil(0.99 * durationsMs.length) - 1] ?? Infinity };
}
