import type { ClipFault } from '../../datasets/media/clip-format.ts';
import type { ClipLook, DecodedClip, DecodeJob } from '../ports/clip-decoder.ts';

/** What is sent to the process that decodes clips, and what it says. */
export type ClipJob =
  | ({ readonly kind: 'decode' } & DecodeJob & { readonly ffmpeg: string | undefined })
  | { readonly kind: 'look'; readonly clipPath: string; readonly ffmpeg: string | undefined };

export type ClipAnswer =
  | { readonly kind: 'progress'; readonly images: number }
  | { readonly kind: 'decoded'; readonly decoded: DecodedClip }
  | { readonly kind: 'look'; readonly look: ClipLook }
  | { readonly kind: 'refused'; readonly fault: ClipFault; readonly message: string }
  | { readonly kind: 'decoderMissing'; readonly codec: string }
  /** Not the clip's fault: the disk is full, the file is not there. */
  | { readonly kind: 'failed'; readonly message: string };
