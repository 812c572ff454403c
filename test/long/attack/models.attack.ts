import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { onnxProbe } from '../../../activities/adapters/onnx-probe-process.ts';
import { isolatedPolicyRuntime } from '../../../fleet/agent/adapters/isolated-runtime.ts';
import { openModel } from '../../../fleet/agent/versions/policy-runtime.ts';
import { selfTest } from '../../../fleet/agent/versions/self-test.ts';
import { absoluteGates } from '../../../policies/gates/absolute.ts';
import { gateVerdict } from '../../../policies/gates/index.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import { randomStream } from '../../../policies/random.ts';
import { testRobotType } from '../../activities/training/arrow-sets.ts';
import { hostileModel, soundModel, type HostileModel } from './hostile-models.ts';

export interface Attack {
  readonly seed: number;
  /** Models to make. */
  readonly count: number;
  readonly report: (line: string) => void;
}

const type = testRobotType();
/** Bounds that are held: of a model in the gates and in the agent, each. */
const timeLimitMs = 20_000;
const memoryLimitMiB = 1024;
/** Starting and ending processes on a busy machine. */
const graceMs = 40_000;
/** The process that judges, over all models together. */
const mostGrowthBytes = 256 * 1024 * 1024;

/**
 * Sends crafted and mutated ONNX files through the offline gates and a robot's self-test. Throws on the first that passes and
 * must not, takes more time than its limit, ends this process's patience or memory, or leaves a folder behind.
 */
export async function attack({ seed, count, report }: Attack): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-attack-'));
  const startBytes = process.memoryUsage().rss;
  const folders = async (): Promise<number> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith('flywheel-model-')).length;
  const foldersBefore = await folders();
  const counts = { held: 0, passed: 0, refusedByRobot: 0 };
  try {
    await expectSound(directory);
    for (let index = 0; index < count; index += 1) {
      const hostile = hostileModel(index, randomStream(seed, `hostile model ${index}`));
      const said = `model ${index} of seed ${seed}, ${hostile.name}`;
      const passed = await timed(said, () =>
        passesGates(directory, hostile.bytes, hostile.isSlow ? 5000 : timeLimitMs),
      );
      if (passed && hostile.expected === 'held') throw new Error(`expected a gate to hold ${said}, all passed`);
      const taken = await timed(said, () => isTakenByRobot(hostile));
      if (taken && hostile.name.startsWith('external data'))
        throw new Error(`expected a robot to refuse ${said}, it took it`);
      counts[passed ? 'passed' : 'held'] += 1;
      if (!taken) counts.refusedByRobot += 1;
      const growth = process.memoryUsage().rss - startBytes;
      if (growth > mostGrowthBytes)
        throw new Error(`expected this process to stay small, it grew by ${growth} bytes [${said}]`);
      if (index % 20 === 19) report(`${index + 1} models: ${JSON.stringify(counts)}`);
    }
    const left = (await folders()) - foldersBefore;
    if (left > 0) throw new Error(`expected no folders left behind, got ${left}`);
    report(`${count} models, seed ${seed}: ${JSON.stringify(counts)}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The same gates pass a sound model, and a robot takes it, or holding the others says nothing. */
async function expectSound(directory: string): Promise<void> {
  const sound = { name: 'sound', bytes: soundModel, expected: 'any', isSlow: false } as const;
  if (!(await isTakenByRobot(sound))) throw new Error('expected a robot to take the sound model, it refused');
  if (!(await passesGates(directory, soundModel, 60_000)))
    throw new Error('expected the sound model to pass, a gate holds it');
}

async function passesGates(directory: string, bytes: Uint8Array, limitMs: number): Promise<boolean> {
  const file = path.join(directory, 'model.onnx');
  await writeFile(file, bytes);
  const facts = await onnxProbe({ timeLimitMs: limitMs, memoryLimitMiB }).probe(file, type, () => undefined);
  return gateVerdict(absoluteGates(facts, type), false) === 'pass';
}

/** What a robot does with a version before it acts by it. */
async function isTakenByRobot({ bytes, isSlow }: HostileModel): Promise<boolean> {
  const signal = AbortSignal.timeout(isSlow ? 5000 : timeLimitMs);
  try {
    const sizes = policySizes(type);
    if (sizes === undefined) throw new Error('expected a robot type with actions');
    const session = await openModel({ runtime: isolatedPolicyRuntime() }, bytes, sizes, { signal });
    try {
      await selfTest(session, sizes, undefined, signal);
      return true;
    } finally {
      await session.close();
    }
  } catch {
    return false;
  }
}

async function timed<T>(said: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const result = await work();
  const durationMs = performance.now() - startedMs;
  if (durationMs > timeLimitMs + graceMs)
    throw new Error(`expected an end within ${timeLimitMs} ms, it took ${durationMs.toFixed(0)} ms [${said}]`);
  return result;
}
