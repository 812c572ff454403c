import type { z } from 'zod';

import {
  mediaAnswerSchema,
  mediaPartAnswerSchema,
  mediaPartContentType,
  mediaStateSchema,
  wireHeaders,
  wirePaths,
  type MediaAnswer,
  type MediaCompletion,
  type MediaPartAnswer,
  type MediaState,
} from '../../protocol/index.ts';
import type { Answered } from './answered.ts';

/** The gateway's requests about clips. */
export interface ClipRequests {
  /** Which parts of a clip gateways have; `GatewayError` 404 from a gateway of before clips. */
  clip(sha256: string): Promise<Answered<MediaState>>;
  clipPart(
    part: { readonly sha256: string; readonly camera: string; readonly part: number; readonly partSha256: string },
    bytes: Uint8Array,
  ): Promise<Answered<MediaPartAnswer>>;
  completeClip(sha256: string, body: MediaCompletion): Promise<Answered<MediaAnswer>>;
}

/** One request whose answer is JSON; `timeoutMs` beside the usual time. */
type Request = <T>(
  path: string,
  init: RequestInit,
  schema: z.ZodType<T>,
  extraTimeoutMs?: number,
) => Promise<Answered<T>>;

/** A recording that goes up slower than this is given up and tried again. */
export const leastUploadBytesPerMs = 2;
/** A gateway reads the parts of a clip from its store again before it takes the clip as whole. */
const leastHashBytesPerMs = 2_000;

export const clipRequests = (robotId: string, request: Request): ClipRequests => ({
  clip: (sha256) => request(wirePaths.media(robotId, sha256), {}, mediaStateSchema.strip()),
  clipPart({ sha256, camera, part, partSha256 }, bytes) {
    const headers = {
      'content-type': mediaPartContentType,
      [wireHeaders.partSha256]: partSha256,
      [wireHeaders.camera]: camera,
    };
    return request(
      wirePaths.mediaPart(robotId, sha256, part),
      { method: 'PUT', headers, body: bytes as Uint8Array<ArrayBuffer> },
      mediaPartAnswerSchema.strip(),
      bytes.length / leastUploadBytesPerMs,
    );
  },
  completeClip: (sha256, body) =>
    request(
      wirePaths.media(robotId, sha256),
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
      mediaAnswerSchema.strip(),
      body.sizeBytes / leastHashBytesPerMs,
    ),
});
