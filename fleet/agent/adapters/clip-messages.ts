import type { MadeClip } from '../images/clip-maker.ts';

/** What the process that makes one clip is asked for. */
export interface ClipJob {
  readonly log: string;
  readonly target: string;
  readonly ffmpeg: Ffmpeg | undefined;
  /** An encoder that takes longer than this and five times the clip is killed. */
  readonly encodeTimeoutMs: number;
}

/** The robot's ffmpeg, and which codecs it can write. */
export interface Ffmpeg {
  readonly file: string;
  readonly codecs: readonly ('h264' | 'av1')[];
}

export type ClipMessage =
  | { readonly kind: 'alive' }
  | { readonly kind: 'made'; readonly made: MadeClip }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly code: string | undefined;
      readonly isNoClip: boolean;
    };
