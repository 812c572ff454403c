import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';

import type { Camera } from '../../../datasets/camera.ts';
import type { Clip } from '../../../datasets/media/read-clip.ts';
import { readClipFile } from '../../../datasets/media/read-clip-file.ts';
import { transcodeArguments } from '../../../datasets/media/transcode-arguments.ts';
import { NoClip, type MadeClip } from '../images/clip-maker.ts';
import { makeJpegClip, type ToJpeg } from '../images/jpeg-clip.ts';
import { removeFile, syncFile } from '../local/durable-files.ts';
import type { ClipJob, ClipMessage } from './clip-messages.ts';

/**
 * The process that makes one clip for an agent, and its encoder: a group of processes that the agent kills when it falls silent. When
 * the agent is gone, the group ends itself: a thread waits for the end of its standard input.
 */
const endWithAgent = `
  const bytes = Buffer.alloc(64);
  try { while (require('node:fs').readSync(0, bytes) > 0); } catch {}
  process.kill(-process.pid, 'SIGKILL');
`;
new Worker(endWithAgent, {
  eval: true,
  resourceLimits: { maxOldGenerationSizeMb: 8, stackSizeMb: 1, codeRangeSizeMb: 8 },
}).unref();

const job = JSON.parse(process.argv[2] ?? '') as ClipJob;
const say = (message: ClipMessage): void => void process.send?.(message, () => undefined);
const aliveEveryMs = 1_000;
const mostComplaintLength = 300;

let saidMs = 0;
function alive(): void {
  if (performance.now() - saidMs < aliveEveryMs) return;
  saidMs = performance.now();
  say({ kind: 'alive' });
}

/** Loaded only for images that are no JPEG. */
const toJpeg: ToJpeg = async (camera, image) => (await import('./sharp-jpeg.ts')).sharpToJpeg(camera, image);

async function make(): Promise<MadeClip> {
  const { camera, ...made } = await makeJpegClip(job.log, job.target, toJpeg, alive);
  const problem = await encode(camera, made).catch((cause: unknown) =>
    cause instanceof Error ? cause.message : String(cause),
  );
  return problem === undefined ? { ...made, ...(await fileFacts(job.target)) } : { ...made, problem };
}

/** Puts the coded clip in the place of the motion JPEG; says why not where that cannot be. */
async function encode({ codec, width, height }: Camera, { durationMs }: MadeClip): Promise<string | undefined> {
  // What the robot lacks was said at its start.
  if (codec === 'jpeg' || job.ffmpeg?.codecs.includes(codec) !== true) return undefined;
  const to = `${job.target}.coded`;
  try {
    const how = transcodeArguments({ from: job.target, to, codec, width, height });
    await run(job.ffmpeg.file, how, job.encodeTimeoutMs + 5 * durationMs);
    const problem = difference(await readClipFile(job.target), await readClipFile(to), codec);
    if (problem !== undefined) return problem;
    await syncFile(to);
    await rename(to, job.target);
    return undefined;
  } finally {
    await removeFile(to);
  }
}

/** What an encoder changed that it must not. */
function difference(before: Clip, after: Clip, codec: string): string | undefined {
  if (after.codec !== codec) return `expected ${codec} of the encoder, got ${after.codec}`;
  if (after.width !== before.width || after.height !== before.height)
    return `expected ${before.width} × ${before.height} pixels of the encoder, got ${after.width} × ${after.height}`;
  if (after.samples.length !== before.samples.length)
    return `expected ${before.samples.length} images of the encoder, got ${after.samples.length}`;
  const moved = after.samples.findIndex(({ atUs }, index) => atUs !== before.samples[index]?.atUs);
  return moved < 0 ? undefined : `expected the encoder to leave times as they are, got another at image ${moved}`;
}

/** Runs the encoder; one that does not end is killed. */
async function run(file: string, args: readonly string[], timeoutMs: number): Promise<void> {
  const child = spawn(file, args, {
    env: { ...process.env, SVT_LOG: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  const beat = setInterval(alive, aliveEveryMs);
  let complaint = '';
  child.stderr.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes.toString('utf8')).slice(-mostComplaintLength);
  });
  try {
    const how = await new Promise<string>((resolve) => {
      child.once('error', (cause) => resolve(cause.message));
      child.once('close', (code, killer) => resolve(code === 0 ? '' : (killer ?? `exit code ${code}`)));
    });
    if (how !== '')
      throw new Error(`expected the encoder to end in order, got ${how}: ${complaint.trim()} [ffmpeg=${file}]`);
  } finally {
    clearInterval(beat);
  }
}

async function fileFacts(file: string): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file)) hash.update(bytes as Buffer);
  return { sizeBytes: (await stat(file)).size, sha256: hash.digest('hex') };
}

try {
  say({ kind: 'made', made: await make() });
} catch (cause) {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  say({ kind: 'failed', message: error.message, code, isNoClip: error instanceof NoClip });
}
