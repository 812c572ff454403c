import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import type { Camera } from '../../datasets/camera.ts';
import { childClipMaker } from '../../fleet/agent/adapters/child-clip-maker.ts';
import { onnxPolicyRuntime } from '../../fleet/agent/adapters/onnx-runtime.ts';
import { openAgent, type Agent } from '../../fleet/agent/index.ts';

/** One robot with two cameras, in a process of its own; takes its part as a message, answers with what it measured. */
const partSchema = z.strictObject({
  codec: z.enum(['jpeg', 'h264', 'av1']),
  seconds: z.number(),
  ffmpeg: z.string().optional(),
  /** Folder of images as the cameras give them. */
  pictures: z.string(),
});

export interface RobotPartResult {
  /** Of one core, while images and frames come: the agent, and the program that gives it the images. */
  readonly recordingCpuFraction: number;
  /** A call of `recordImage`. */
  readonly recordP50Ms: number;
  readonly recordP99Ms: number;
  /** Processor time of all processes for the clips, for each second of recording; in the agent's process alone. */
  readonly encodingCpuSPerS: number;
  readonly encodingAgentCpuSPerS: number;
  /** Largest resident memory: of the agent's process, and of all that make clips together. */
  readonly agentPeakRssMiB: number;
  readonly encodingPeakRssMiB: number;
  /** Bytes of a second of both cameras. */
  readonly recordedBytesPerS: number;
  readonly clipBytesPerS: number;
}

const rateHz = 15;
const camera = (name: string, codec: Camera['codec']): Camera => ({
  name,
  width: 640,
  height: 480,
  rateHz,
  colour: 'rgb',
  codec,
  learned: { width: 64, height: 48 },
  mayLeaveRobot: true,
});
const mebibyte = 1024 * 1024;
/** Clock ticks a second of /proc on Linux. */
const ticksPerS = 100;

/** Processor seconds of ended descendants. */
function childrenCpuS(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) / ticksPerS;
}

/** Processor seconds of this process. */
function cpuS(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Resident memory of all descendants now. */
function descendantsRssBytes(pid = process.pid): number {
  let sum = 0;
  for (const child of readOr(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean)) {
    sum += Number(/^VmRSS:\s+(\d+) kB$/m.exec(readOr(`/proc/${child}/status`))?.[1] ?? 0) * 1024;
    sum += descendantsRssBytes(Number(child));
  }
  return sum;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function record(agent: Agent, pictures: readonly Uint8Array[], seconds: number): Promise<readonly number[]> {
  const calls: number[] = [];
  const startedMs = performance.now();
  const observation = scitosG5Type.observations.map(({ min }) => min);
  for (let index = 0; index < seconds * rateHz; index += 1) {
    await sleep(Math.max(0, startedMs + (index * 1000) / rateHz - performance.now()));
    for (const [side, name] of ['front', 'back'].entries()) {
      const picture = pictures[(index + side * 7) % pictures.length] ?? new Uint8Array();
      const calledMs = performance.now();
      agent.recordImage(name, picture);
      calls.push(performance.now() - calledMs);
    }
    agent.record({ observation, action: [index % 4] });
  }
  return calls.toSorted((a, b) => a - b);
}

async function measure(part: z.infer<typeof partSchema>): Promise<RobotPartResult> {
  const names = (await readdir(part.pictures)).toSorted();
  const pictures = await Promise.all(names.map((name) => readFile(path.join(part.pictures, name))));
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-bench-'));
  const agent = await openAgent({
    robotId: 'bench',
    gatewayUrl: 'http://127.0.0.1:9',
    token: 'bench',
    publicKeyPem: generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    directory,
    robotType: { ...scitosG5Type, cameras: [camera('front', part.codec), camera('back', part.codec)] },
    clock: Date.now,
    monotonic: () => performance.now(),
    runtime: onnxPolicyRuntime(),
    clipMaker: childClipMaker({ environment: part.ffmpeg === undefined ? {} : { FLYWHEEL_FFMPEG: part.ffmpeg } }),
  });
  await sleep(1_000);
  const before = { cpuS: cpuS(), ms: performance.now() };
  agent.busy();
  const calls = await record(agent, pictures, part.seconds);
  const recorded = { cpuS: cpuS(), ms: performance.now(), childrenS: childrenCpuS() };
  await agent.endEpisode('success');
  const recordedBytes = agent.status().waitingImageBytes;
  let peakBytes = 0;
  const poll = setInterval(() => {
    peakBytes = Math.max(peakBytes, descendantsRssBytes());
  }, 20);
  await agent.settle();
  await sleep(100);
  clearInterval(poll);
  const encoded = { cpuS: cpuS(), childrenS: childrenCpuS() };
  const clips = path.join(directory, 'clips');
  let clipBytes = 0;
  for (const name of await readdir(clips)) clipBytes += (await stat(path.join(clips, name))).size;
  await agent.close();
  await rm(directory, { recursive: true });
  const agentS = encoded.cpuS - recorded.cpuS;
  return {
    recordingCpuFraction: (recorded.cpuS - before.cpuS) / ((recorded.ms - before.ms) / 1000),
    recordP50Ms: calls[Math.floor(calls.length / 2)] ?? Number.NaN,
    recordP99Ms: calls[Math.floor(calls.length * 0.99)] ?? Number.NaN,
    encodingCpuSPerS: (agentS + encoded.childrenS - recorded.childrenS) / part.seconds,
    encodingAgentCpuSPerS: agentS / part.seconds,
    agentPeakRssMiB: process.resourceUsage().maxRSS / 1024,
    encodingPeakRssMiB: peakBytes / mebibyte,
    recordedBytesPerS: recordedBytes / part.seconds,
    clipBytesPerS: clipBytes / part.seconds,
  };
}

process.once('message', (message) => {
  measure(partSchema.parse(message)).then(
    (result) => process.send?.(result, () => process.exit(0)),
    (cause: unknown) => {
      process.stderr.write(`${String(cause)}\n`);
      process.exit(1);
    },
  );
});
