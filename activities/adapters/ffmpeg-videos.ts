import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import type { VideoPorts } from '../exports/lerobot-videos.ts';
import {
  VideoProblem,
  type CutJob,
  type FoundVideo,
  type VideoSource,
} from '../../datasets/importers/lerobot/video-source.ts';
import { ClipError, maxClipBytes, maxClipImages, maxClipSide } from '../../datasets/media/clip-format.ts';
import type { Clip } from '../../datasets/media/read-clip.ts';
import { readClipFile } from '../../datasets/media/read-clip-file.ts';
import { clipArguments, transcodeArguments } from '../../datasets/media/transcode-arguments.ts';

export interface FfmpegVideosOptions {
  readonly ffmpeg: string;
  /** Data that a process may hold, MiB. */
  readonly memoryLimitMiB?: number;
  /** Without another image. */
  readonly silenceLimitMs?: number;
  /** Images of a file; a file of LeRobot has 200 MB, which are some 10 hours at most. */
  readonly mostImages?: number;
}

const defaults = { memoryLimitMiB: 2_048, silenceLimitMs: 120_000, mostImages: 2_000_000 };
type Limits = Required<FfmpegVideosOptions>;

/** Codecs in which people keep videos; of AV1 the decoders that ffmpeg may be built with. */
const codecs: ReadonlyMap<string, string> = new Map([
  ['h264', 'h264'],
  ['hevc', 'hevc'],
  ['av1', 'libdav1d,libaom-av1,av1'],
  ['vp9', 'vp9'],
  ['mjpeg', 'mjpeg'],
  ['mpeg4', 'mpeg4'],
]);
/** Pixels that decoders add to a side for their own use. */
const decoderMargin = 128;
const mostSaid = 2_000;

/**
 * VideoSource by processes of ffmpeg: nothing but this one file is opened (`-protocol_whitelist`), as MP4, by decoders of known codecs, with no image of
 * more pixels than the file says; a limit on memory (RLIMIT_DATA), and an end when no image comes. The table of images is read without decoding
 * (`framecrc` of copied packets, https://ffmpeg.org/ffmpeg-formats.html#framecrc), so that a part begins and ends at the image that is meant.
 */
export function ffmpegVideos(options: FfmpegVideosOptions): VideoSource {
  const limits = { ...defaults, ...options };
  return { look: (path) => look(path, limits), cut: (job) => cut(job, limits) };
}

/** Codes clips of motion JPEG, which were made here, for videos that are exported. */
export function ffmpegCoder(options: FfmpegVideosOptions): VideoPorts['code'] {
  const limits = { ...defaults, ...options };
  return async (job) => {
    const args = transcodeArguments({ ...job, codec: 'h264', keyEvery: 2 });
    await run(limits, [...words('-progress pipe:1 -stats_period 1'), ...args], progressLine());
  };
}

async function look(path: string, limits: Limits): Promise<FoundVideo> {
  const times: number[] = [];
  const head = new Map<string, string>();
  let unitUs = Number.NaN;
  const args = [...openWith(undefined), `file:${path}`, ...words('-map 0:v:0 -c copy -f framecrc pipe:1')];
  await run(limits, args, (line) => {
    const [, name, value] = /^#(\w+) 0: (.{1,100})$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) {
      head.set(name, value);
      const [above = Number.NaN, below = Number.NaN] = name === 'tb' ? value.split('/').map(Number) : [];
      if (name === 'tb') unitUs = (above / below) * 1e6;
      return false;
    }
    if (line.startsWith('#')) return false;
    times.push(Number(line.split(',', 3)[2]) * unitUs);
    if (times.length > limits.mostImages) throw new VideoProblem(`more than ${limits.mostImages} images`);
    return true;
  });
  const atUs = Float64Array.from(times).toSorted();
  const [width = 0, height = 0] = (head.get('dimensions') ?? '').split('x').map(Number);
  const codec = head.get('codec_id') ?? 'none';
  if (!codecs.has(codec)) throw new VideoProblem(`a codec other than ${[...codecs.keys()].join(', ')}`);
  if (atUs.length === 0 || !atUs.every(Number.isFinite)) throw new VideoProblem('no images');
  if (!(width >= 1 && height >= 1 && width <= maxClipSide && height <= maxClipSide))
    throw new VideoProblem(`sides of other than 1 to ${maxClipSide} pixels`);
  return { width, height, atUs };
}

async function cut(job: CutJob, limits: Limits): Promise<readonly number[]> {
  const { path, outPath, fromUs, images, codec, width, height } = job;
  if (images > maxClipImages) throw new VideoProblem(`more than ${maxClipImages} images for an episode`);
  const seek = fromUs === 0 ? [] : ['-ss', (fromUs / 1e6).toFixed(6)];
  const output = clipArguments({ to: outPath, codec, width, height });
  await run(
    limits,
    [
      ...openWith({ width, height }, seek, job.stills),
      `file:${path}`,
      ...words(`-frames:v ${images} -fs ${maxClipBytes} -progress pipe:1 -stats_period 1`),
      ...output,
    ],
    progressLine(),
  );
  return timesOf(await clipIn(outPath), job);
}

/** What stands before the input. */
function openWith(
  size: { readonly width: number; readonly height: number } | undefined,
  seek: readonly string[] = [],
  stills?: CutJob['stills'],
): readonly string[] {
  const decoders = stills === undefined ? [...codecs.values()].join(',') : stills === 'png' ? 'png' : 'mjpeg';
  const pixels =
    size === undefined ? [] : words(`-max_pixels ${(size.width + decoderMargin) * (size.height + decoderMargin)}`);
  return [
    ...words('-nostdin -hide_banner -loglevel error -protocol_whitelist file,pipe -threads 1 -filter_threads 1'),
    ...words(`-codec_whitelist ${decoders} -noautorotate -xerror`),
    ...pixels,
    ...seek,
    ...words('-f mov -i'),
  ];
}

/** Whether a line says that there are more images than at the line before. */
function progressLine(): (line: string) => boolean {
  let most = 0;
  return (line) => {
    const images = Number(/^frame=\s*(\d+)$/.exec(line)?.[1] ?? 0);
    if (images <= most) return false;
    most = images;
    return true;
  };
}

/** Proves that the clip is what was asked for. */
function timesOf(clip: Clip, { images, codec, width, height }: CutJob): readonly number[] {
  const [{ length }, got] = [clip.samples, `${clip.width} × ${clip.height}`];
  if (clip.width !== width || clip.height !== height)
    throw new VideoProblem(`images of ${got} pixels once decoded, where the file says ${width} × ${height}`);
  if (clip.codec !== codec) throw new Error(`expected a clip of ${codec} from ffmpeg, got ${clip.codec}`);
  if (length !== images) throw new VideoProblem('fewer images once decoded, or too large a clip');
  return clip.samples.map(({ atUs }) => atUs);
}

async function clipIn(path: string): Promise<Clip> {
  try {
    return await readClipFile(path);
  } catch (error) {
    if (error instanceof ClipError) throw new VideoProblem('fewer images once decoded, or too large a clip');
    throw error;
  }
}

/** Runs ffmpeg and hands over its lines; `isProgress` says which of them show that it gets on. */
async function run(limits: Limits, args: readonly string[], isProgress: (line: string) => boolean): Promise<void> {
  const limited = `ulimit -c 0; ulimit -d ${limits.memoryLimitMiB * 1024} && exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', limited, limits.ffmpeg, ...args], {
    cwd: '/',
    env: { SVT_LOG: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, mostSaid)));
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  closed.catch(() => undefined);
  let isOverdue = false;
  const silence = setTimeout(() => {
    isOverdue = true;
    child.kill('SIGKILL');
  }, limits.silenceLimitMs);
  try {
    for await (const line of createInterface({ input: child.stdout })) if (isProgress(line)) silence.refresh();
    const [code] = await closed;
    if (isOverdue) throw new VideoProblem(`no image within ${Math.round(limits.silenceLimitMs / 1000)} s of decoding`);
    if (/No space left on device/i.test(said)) throw new Error(`expected room for a clip, got: ${said.trim()}`);
    if (code !== 0 || said !== '') throw new VideoProblem(`cannot be decoded: ${reasonOf(said, code)}`);
  } finally {
    clearTimeout(silence);
    child.kill('SIGKILL');
  }
}

/** The first thing that ffmpeg said, without names of files and addresses, which would make every reason another one. */
function reasonOf(said: string, code: number | null): string {
  const first = said.split('\n').find((line) => line.trim() !== '') ?? '';
  const plain = first
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/file:\S*/g, '')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/\d+/g, 'N')
    .trim();
  return plain === '' ? `ffmpeg ended with ${code ?? 'a signal'}` : plain.slice(0, 120);
}

const words = (text: string): readonly string[] => text.split(' ');
