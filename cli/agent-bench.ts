import { readFile, stat } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';

import type { Command } from 'commander';
import { z } from 'zod';

import type { RobotType } from '../datasets/robot-type.ts';
import { isolatedPolicyRuntime } from '../fleet/agent/adapters/isolated-runtime.ts';
import { sharpToJpeg } from '../fleet/agent/adapters/sharp-jpeg.ts';
import { printable, printableJson } from './printable.ts';
import { measureDecisions, type MeasuredDecisions, type Percentiles } from '../fleet/agent/measure-decisions.ts';
import type { OpenedPolicy } from '../fleet/agent/versions/policy-runtime.ts';
import { requireBody } from '../fleet/agent/versions/version-files.ts';
import { plainMapping } from '../policies/body-mapping.ts';
import { policySizes } from '../policies/policy-io.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';
import { versionTasksSchema } from '../policies/version-tasks.ts';
import { readRobotType } from './parse-robot-type.ts';
import { machineMonotonicMs } from './machine-clock.ts';

interface Options {
  readonly model?: string;
  readonly robotType: string;
  readonly threads: string;
  readonly runs: string;
  readonly warmUp: string;
  readonly json: boolean;
}

interface Leg extends MeasuredDecisions {
  readonly threads: number;
}

/** `flywheel agent bench`: how long decisions take on this machine, without a server. */
export function registerAgentBench(agent: Command): void {
  agent
    .command('bench')
    .description('measure how long decisions of a model take on this machine, by threads; needs no server')
    .option('--model <file|folder>', 'ONNX file, or the folder of a version; default: a tiny policy of the robot type')
    .option('--robot-type <id@version|file>', 'a built-in robot type or a JSON document', 'scitos-g5@1')
    .option('--threads <list>', 'threads of the model, e.g. 1,2,4; robots run with 1', '1')
    .option('--runs <number>', 'measured decisions for each number of threads', '500')
    .option('--warm-up <number>', 'decisions before them', '50')
    .option('--json', 'as JSON', false)
    // The options of `agent` itself, which it requires, are none of this one.
    .action(async (_: unknown, command: Command) => benchmark(command.optsWithGlobals<Options>()));
}

async function benchmark(options: Options): Promise<void> {
  const robotType = await readRobotType(options.robotType);
  const threads = options.threads.split(',').map((text) => wholeOf('--threads', text.trim(), 1, 64));
  const decisions = wholeOf('--runs', options.runs, 1, 1_000_000);
  const warmUp = wholeOf('--warm-up', options.warmUp, 0, 1_000_000);
  const { bytes, file, body } = await modelOf(options.model, robotType);
  const legs: Leg[] = [];
  for (const count of threads) {
    const runtime = isolatedPolicyRuntime({ threads: count });
    const ports = { runtime, robotType, monotonic: machineMonotonicMs, decideTimeoutMs: 60_000 };
    legs.push({
      threads: count,
      ...(await measureDecisions({ ports, model: bytes, file, body, toJpeg: sharpToJpeg, warmUp, decisions })),
    });
  }
  const machine = { processor: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), platform: platformName };
  const model = { name: options.model ?? 'a tiny policy', sizeBytes: bytes.length, cameras: legs[0]?.cameras ?? [] };
  if (options.json) process.stdout.write(`${printableJson({ machine, model, warmUp, runs: decisions, legs })}\n`);
  else print({ machine, model, warmUp, decisions, legs });
}

const platformName = `${process.platform}-${process.arch}, Node.js ${process.version}`;

interface Told {
  readonly machine: { readonly processor: string; readonly cores: number; readonly platform: string };
  readonly model: { readonly name: string; readonly sizeBytes: number; readonly cameras: readonly string[] };
  readonly warmUp: number;
  readonly decisions: number;
  readonly legs: readonly Leg[];
}

function print({ machine, model, warmUp, decisions, legs }: Told): void {
  const seen = model.cameras.length === 0 ? 'no cameras' : `cameras ${model.cameras.join(', ')} (JPEG of their size)`;
  const lines = [
    `${machine.processor}, ${machine.cores} cores, ${machine.platform}`,
    `${model.name}, ${(model.sizeBytes / 1e6).toFixed(1)} MB, ${seen}`,
    `${decisions} decisions after ${warmUp} of warm-up, ms:`,
    ['threads', 'open', 'p50', 'p95', 'p99', 'longest', 'decoding p50', 'p95 of it']
      .map((head) => head.padStart(14))
      .join(''),
    ...legs.map(({ threads, openMs, decision, decoding }) =>
      [String(threads), short(openMs), ...four(decision), ...(decoding === undefined ? [] : four(decoding).slice(0, 2))]
        .map((cell) => cell.padStart(14))
        .join(''),
    ),
  ];
  process.stdout.write(`${printable(lines.join('\n'))}\n`);
}

const short = (ms: number): string => (ms >= 100 ? ms.toFixed(0) : ms.toFixed(2));
const four = ({ p50Ms, p95Ms, p99Ms, longestMs }: Percentiles): string[] => [p50Ms, p95Ms, p99Ms, longestMs].map(short);

async function modelOf(
  name: string | undefined,
  robotType: RobotType,
): Promise<{ bytes: Uint8Array; file: string | undefined; body: Omit<OpenedPolicy, 'session'> }> {
  const sizes = policySizes(robotType);
  if (sizes === undefined) throw new Error('--robot-type: expected a robot type with actions, got one without');
  const plain = { sizes, mapping: plainMapping(sizes.head), tasks: robotType.tasks };
  if (name === undefined) return { bytes: tinyPolicy(robotType, 1), file: undefined, body: plain };
  const isFolder = (await stat(name).catch(() => undefined))?.isDirectory() === true;
  const file = isFolder ? path.join(name, 'model.onnx') : name;
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new Error(`--model: expected an ONNX file or the folder of a version, got none at ${file}`, { cause });
  });
  return { bytes, file, body: isFolder ? await bodyIn(name, robotType, plain) : plain };
}

const manifestSchema = z.object({
  manifest: z.object({
    robotType: z.object({ id: z.string(), version: z.int(), digest: z.string() }),
  }),
});

/** As a version's own files say it runs on this robot type. Nothing is installed, so that no signature is checked. */
async function bodyIn(
  folder: string,
  robotType: RobotType,
  plain: Omit<OpenedPolicy, 'session'>,
): Promise<Omit<OpenedPolicy, 'session'>> {
  const [manifest, bodies, tasks] = await Promise.all(
    ['manifest.json', 'bodies.json', 'tasks.json'].map((name) =>
      readFile(path.join(folder, name)).catch(() => undefined),
    ),
  );
  const known = tasks === undefined ? plain.tasks : versionTasksSchema.parse(JSON.parse(tasks.toString('utf8'))).tasks;
  if (manifest === undefined) return { ...plain, tasks: known, sizes: { ...plain.sizes, taskCount: known.length } };
  const { robotType: model } = manifestSchema.parse(JSON.parse(manifest.toString('utf8'))).manifest;
  const { sizes, mapping } = requireBody({ robotType: model }, bodies, robotType);
  return { sizes: { ...sizes, taskCount: known.length }, mapping, tasks: known };
}

function wholeOf(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${option}: expected a whole number from ${least} to ${most}, got ${text}`);
}
