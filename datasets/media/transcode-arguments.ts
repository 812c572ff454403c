import { clipTimescale } from './clip-format.ts';

export interface Transcode {
  /** A clip of motion JPEG from `writeClip`. */
  readonly from: string;
  readonly to: string;
  readonly codec: 'h264' | 'av1';
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
} as const;

/**
 * The arguments with which ffmpeg (5.1 or newer) makes an H.264 or AV1 clip of a clip of motion JPEG and leaves every instant as it is, to the
 * microsecond, as `readClip` reads it: no frame doubled or dropped (`-fps_mode passthrough`), times of the encoder and of the file in microseconds
 * (`-enc_time_base`, `-video_track_timescale`), no edit list. Takes nothing but this one file (`-protocol_whitelist`), and writes no date or version.
 * libsvtav1 talks on standard error unless the environment has `SVT_LOG=1`.
 */
export function transcodeArguments(transcode: Transcode): readonly string[] {
  const { from, to, codec, width, height, keyEvery = 60, threads = 1 } = transcode;
  // H.264 halves colour only along even sides.
  const pixelFormat = codec === 'h264' && (width % 2 === 1 || height % 2 === 1) ? 'yuv444p' : 'yuv420p';
  return [
    ...words(`-nostdin -hide_banner -loglevel error -protocol_whitelist file -threads ${threads} -f mov -i`),
    `file:${from}`,
    ...words(`-map 0:v:0 -map_metadata -1 -fps_mode passthrough -enc_time_base 1:${clipTimescale}`),
    ...words(`${encoders[codec]} -g ${keyEvery} -pix_fmt ${pixelFormat} -threads ${threads}`),
    ...words(`-fflags +bitexact -flags:v +bitexact -use_editlist 0 -movflags +faststart`),
    ...words(`-video_track_timescale ${clipTimescale} -movie_timescale ${clipTimescale} -f mp4 -y`),
    `file:${to}`,
  ];
}

function words(text: string): readonly string[] {
  return text.split(' ');
}
