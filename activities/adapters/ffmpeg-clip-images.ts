import { spawn } from 'node:child_process';

import { ClipError } from '../../datasets/media/clip-format.ts';
import { jpegEnd } from '../../datasets/media/jpeg-segments.ts';
import type { Clip } from '../../datasets/media/read-clip.ts';
import type { ImageShape, OpenClip } from './open-clip.ts';

const mostSaid = 2_000;
/** Pixels that decoders add to a side for their own use. */
const decoderMargin = 128;

/**
 * Images of a clip that ffmpeg decodes and scales: all are decoded, because an image may need those before it. ffmpeg opens nothing but this
 * file, with these decoders, and no image of more pixels than the clip says.
 */
export async function* codedClipImages(
  ffmpeg: string,
  { path, clip }: OpenClip,
  shape: ImageShape,
  isWanted: (index: number) => boolean,
): AsyncGenerator<Uint8Array> {
  const written = outputOf(ffmpeg, ffmpegArguments(path, clip, shape));
  let index = 0;
  for await (const image of shape.form === 'jpeg' ? jpegsOf(written) : rawImagesOf(written, shape)) {
    if (index >= clip.samples.length)
      throw new ClipError('damaged', `expected ${clip.samples.length} images as the clip says, got more`);
    if (isWanted(index)) yield image;
    index += 1;
  }
  if (index < clip.samples.length)
    throw new ClipError('undecodable', `expected ${clip.samples.length} images as the clip says, got ${index}`);
}

/**
 * As sharp scales, but for three levels of 255 at most and a third of one on average (decision 087); without the flags colours of neighbours run
 * into each other. https://ffmpeg.org/ffmpeg-scaler.html
 */
const scaling = 'lanczos+accurate_rnd+full_chroma_int+full_chroma_inp';

/**
 * As JPEG of quality 90 that sharp writes: by as much apart from the pixels, within 3 %, and a tenth smaller. From RGB, so that the matrix of a video's
 * colours is no matter. https://ffmpeg.org/ffmpeg-codecs.html#mjpeg
 */
const jpegFilter =
  'format=rgb24,scale=flags=accurate_rnd+full_chroma_int:out_range=full:out_color_matrix=bt601,format=yuvj444p';
const jpegOutput = '-c:v mjpeg -qmin 2 -q:v 2 -huffman default -fflags +bitexact -flags:v +bitexact -f image2pipe';

function ffmpegArguments(path: string, clip: Clip, { width, height, form }: ImageShape): readonly string[] {
  const format = { grey: 'format=gray', rgb: 'format=rgb24', jpeg: jpegFilter }[form];
  return [
    ...words('-nostdin -hide_banner -loglevel error -protocol_whitelist file,pipe -threads 1 -filter_threads 1'),
    ...words(`-codec_whitelist ${clip.codec === 'jpeg' ? 'mjpeg' : 'h264,libdav1d,libaom-av1,av1'} -noautorotate`),
    ...words(`-max_pixels ${(clip.width + decoderMargin) * (clip.height + decoderMargin)} -xerror -f mov -i`),
    `file:${path}`,
    ...words(`-map 0:v:0 -fps_mode passthrough -vf scale=${width}:${height}:flags=${scaling},${format}`),
    ...words(`${form === 'jpeg' ? jpegOutput : '-f rawvideo'} pipe:1`),
  ];
}

/** What a program writes on its standard output; ends it when nobody wants more. */
async function* outputOf(program: string, args: readonly string[]): AsyncGenerator<Buffer> {
  const child = spawn(program, args, { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(0, mostSaid)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  ended.catch(() => undefined);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const code = await ended;
    if (code !== 0 || said !== '')
      throw new ClipError(
        'undecodable',
        `expected a clip that decodes, got: ${said.trim() || `ffmpeg ended with ${code}`}`,
      );
  } finally {
    child.kill('SIGKILL');
  }
}

async function* rawImagesOf(
  chunks: AsyncIterable<Buffer>,
  { width, height, form }: ImageShape,
): AsyncGenerator<Buffer> {
  const bytes = width * height * (form === 'grey' ? 1 : 3);
  let held = Buffer.alloc(bytes);
  let filled = 0;
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.copy(held, filled, at, at + bytes - filled);
      at += taken;
      filled += taken;
      if (filled < bytes) continue;
      yield held;
      held = Buffer.alloc(bytes);
      filled = 0;
    }
}

/** Images of JPEG that follow each other, cut where each ends. */
async function* jpegsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk]);
    let at = 0;
    for (let end = jpegEnd(held, at); end !== undefined; end = jpegEnd(held, at)) {
      yield held.subarray(at, end);
      at = end;
    }
    held = held.subarray(at);
  }
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
