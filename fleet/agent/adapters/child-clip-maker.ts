import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Camera } from '../../../datasets/camera.ts';
import { findFfmpeg } from '../../../datasets/media/find-ffmpeg.ts';
import { ffmpegVersions } from '../../../domain/ffmpeg-versions.ts';
import { reservedDataBytes } from '../../../policies/child-node.ts';
import { NoClip, type ClipMaker, type MadeClip } from '../images/clip-maker.ts';
import type { ClipJob, ClipMessage, Ffmpeg } from './clip-messages.ts';

export interface ChildClipMakerOptions {
  /** Names the encoder, see `findFfmpeg`: `FLYWHEEL_FFMPEG`, or `ffmpeg` of the PATH; this process's own unless given. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Most memory of each of the two processes, the encoder and the one that feeds it; 768 MiB unless given. Held on Linux. */
  readonly memoryBytes?: number;
  /** An encoder that takes longer than this and five times the clip is killed; 60 s unless given. */
  readonly encodeTimeoutMs?: number;
  /** A process that has got no further for so long is killed; 60 s unless given. */
  readonly silenceMs?: number;
}

const program = fileURLToPath(new URL('clip-process.ts', import.meta.url));
const defaultMemoryBytes = 768 * 1024 * 1024;
const defaultTimeoutMs = 60_000;
const askTimeoutMs = 20_000;
const encoders = { h264: 'libx264', av1: 'libsvtav1' } as const;
type Coded = keyof typeof encoders;

/**
 * ClipMaker with a process of its own for each clip, which has the lowest claim to the processor (`nice`), a limit on memory and an end:
 * an image is a program for its decoder. H.264 and AV1 are the robot's ffmpeg's (5.1 or newer); whatever is wrong with that, the clip stays motion JPEG.
 */
export function childClipMaker(options: ChildClipMakerOptions = {}): ClipMaker {
  let asked: Promise<Ffmpeg | string> | undefined;
  const ask = (): Promise<Ffmpeg | string> => (asked ??= encodersOf(options.environment ?? process.env));
  return {
    async check(cameras) {
      const wanted = codedBy(cameras);
      if (wanted.length === 0) return undefined;
      const ffmpeg = await ask();
      const why = typeof ffmpeg === 'string' ? ffmpeg : lacking(ffmpeg, wanted);
      if (why === undefined) return undefined;
      return `clips stay motion JPEG, which takes several times the bytes: expected ffmpeg (${ffmpegVersions.from} or newer) for ${wanted.join(' and ')} on the PATH or in FLYWHEEL_FFMPEG, ${why}`;
    },
    async make(log, target, signal) {
      const ffmpeg = await ask();
      const job: ClipJob = {
        log,
        target,
        ffmpeg: typeof ffmpeg === 'string' ? undefined : ffmpeg,
        encodeTimeoutMs: options.encodeTimeoutMs ?? defaultTimeoutMs,
      };
      const { memoryBytes = defaultMemoryBytes, silenceMs = defaultTimeoutMs } = options;
      return runJob(job, { memoryBytes, silenceMs, signal });
    },
  };
}

const codedBy = (cameras: readonly Camera[]): readonly Coded[] => [
  ...new Set(cameras.flatMap(({ codec, mayLeaveRobot }) => (codec === 'jpeg' || !mayLeaveRobot ? [] : [codec]))),
];

const lacking = ({ codecs, file }: Ffmpeg, wanted: readonly Coded[]): string | undefined => {
  const missing = wanted.filter((codec) => !codecs.includes(codec));
  return missing.length === 0
    ? undefined
    : `got one without ${missing.map((codec) => encoders[codec]).join(' and ')} [ffmpeg=${file}]`;
};

/** Asks the program itself; in words why there is none. */
async function encodersOf(environment: NodeJS.ProcessEnv): Promise<Ffmpeg | string> {
  try {
    const file = await findFfmpeg(environment);
    if (file === undefined) return 'got none';
    const options = { timeout: askTimeoutMs, killSignal: 'SIGKILL', maxBuffer: 4 * 1024 * 1024 } as const;
    const { stdout } = await promisify(execFile)(file, ['-nostdin', '-hide_banner', '-encoders'], options);
    const codecs = (Object.keys(encoders) as Coded[]).filter((codec) =>
      new RegExp(`^ V\\S* ${encoders[codec]}\\s`, 'm').test(stdout),
    );
    return { file, codecs };
  } catch (cause) {
    return `got none that runs: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

/** The limit is on each process's own data, in KiB; no core files; and whatever the robot does comes first. */
const limited =
  'ulimit -c 0 2>/dev/null; ulimit -d "$1" 2>/dev/null; shift; command -v nice >/dev/null && exec nice -n 10 "$@"; exec "$@"';

interface JobLimits {
  readonly memoryBytes: number;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

function runJob(job: ClipJob, { memoryBytes, silenceMs, signal }: JobLimits): Promise<MadeClip> {
  signal.throwIfAborted();
  const limitKiB = String(Math.ceil((reservedDataBytes() + memoryBytes) / 1024));
  const child = spawn('/bin/sh', ['-c', limited, 'sh', limitKiB, process.execPath, program, JSON.stringify(job)], {
    env: environment(),
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    // A group of its own, to be ended with whatever it started.
    detached: true,
  });
  const end = (): void => endGroup(child);
  const silence = setTimeout(end, silenceMs);
  signal.addEventListener('abort', end, { once: true });
  return new Promise<MadeClip>((resolve, reject) => {
    let ended = '';
    // What it said last may be read after its end.
    const left = (how: string): void => {
      if (ended !== '')
        reject(
          signal.aborted
            ? (signal.reason as Error)
            : new Error(`expected a clip, got ${ended || how} [log=${job.log}]`),
        );
      ended ||= how;
    };
    child.stdin?.on('error', () => undefined);
    child.on('message', (message: ClipMessage) => {
      silence.refresh();
      if (message.kind === 'made') resolve(message.made);
      if (message.kind === 'failed') reject(errorOf(message));
    });
    child.once('error', reject);
    child.once('exit', (code, killer) => left(killer ?? `exit code ${code}`));
    child.once('disconnect', () => left('silence'));
  }).finally(() => {
    clearTimeout(silence);
    signal.removeEventListener('abort', end);
    end();
  });
}

function errorOf({ message, code, isNoClip }: Extract<ClipMessage, { kind: 'failed' }>): Error {
  if (isNoClip) return new NoClip(message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

/** The process and its encoder, whichever still runs. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** What the processes need to find libraries and a place for temporary files: nothing that is secret. */
function environment(): NodeJS.ProcessEnv {
  const names = ['LD_LIBRARY_PATH', 'PATH', 'TMPDIR'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
