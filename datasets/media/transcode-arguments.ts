import { clipTimescale, type ClipCodec } from './clip-format.ts';

export interface Transcode extends ClipToWrite {
  /** A clip of motion JPEG from `writeClip`. */
  readonly from: string;
  readonly codec: 'h264' | 'av1';
}

export interface ClipToWrite {
  readonly to: string;
  readonly codec: ClipCodec;
  /** Pixels of its images. */
  readonly width: number;
  readonly height: number;
  /** Images from one that stands by itself to the next at most. */
  readonly keyEvery?: number;
  /** Threads of the encoder; the bytes depend on it. */
  readonly threads?: number;
}

const encoders = {
  // No B-frames: images stay in the order of their times, and nothing waits for later ones.
  h264: '-c:v libx264 -preset veryfast -crf 21 -bf 0',
  // Low delay: what "no B-frames" is called here.
  av1: '-c:v libsvtav1 -preset 9 -crf 32 -svtav1-params pred-struct=1',
  jpeg: '-c:v mjpeg -q:v 3 -huffman default',
} as const;

/**
 * The arguments with which ffmpeg (5.1 or newer) makes an H.264 or AV1 clip of a clip of motion JPEG and leaves every instant as it is, to the
 * microsecond, as `readClip` reads it: no frame doubled or dropped (`-fps_mode passthrough`), times of the encoder and of the file in microseconds
 * (`-enc_time_base`, `-video_track_timescale`), no edit list. Takes nothing but this one file (`-protocol_whitelist`), and writes no date or version.
 * libsvtav1 talks on standard error unless the environment has `SVT_LOG=1`.
 */
export function transcodeArguments(transcode: Transcode): readonly string[] {
  const { from, threads = 1 } = transcode;
  return [
    ...words(`-nostdin -hide_banner -loglevel error -protocol_whitelist file -threads ${threads} -f mov -i`),
    `file:${from}`,
    ...clipArguments(transcode),
  ];
}

/** The arguments behind the input of ffmpeg with which its output is a clip as `readClip` reads it, with the instants of the input. */
export function clipArguments(clip: ClipToWrite): readonly string[] {
  const { to, codec, width, height, keyEvery = 60, threads = 1 } = clip;
  return [
    ...words(`-map 0:v:0 -map_metadata -1 -fps_mode passthrough -enc_time_base 1:${clipTimescale}`),
    ...words(`${encoders[codec]} -g ${keyEvery} -pix_fmt ${pixelFormat(codec, width, height)} -threads ${threads}`),
    ...words(`-fflags +bitexact -flags:v +bitexact -use_editlist 0 -movflags +faststart`),
    ...words(`-video_track_timescale ${clipTimescale} -movie_timescale ${clipTimescale} -f mp4 -y`),
    `file:${to}`,
  ];
}

function pixelFormat(codec: ClipCodec, width: number, height: number): string {
  if (codec === 'jpeg') return 'yuvj420p';
  // H.264 halves colour only along even sides.
  return codec === 'h264' && (width % 2 === 1 || height % 2 === 1) ? 'yuv444p' : 'yuv420p';
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
