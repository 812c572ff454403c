import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import {
  mediaCompletionSchema,
  partSizeOf,
  wireHeaders,
  wireLimits,
  type MediaCompletion,
  type WireErrorType,
} from '../../../fleet/protocol/index.ts';

type Answer = (status: number, body: unknown, headers?: Record<string, string | number>) => void;

/** The clips of a gateway in memory, held against the protocol. */
export class FakeMedia {
  /** Whole ones, by sha256, and what the robot said of them, as often as it said it. */
  readonly clips = new Map<string, Buffer>();
  readonly completions: (MediaCompletion & { readonly sha256: string })[] = [];
  readonly parts = new Map<string, Map<number, Buffer>>();
  /** Every part that came, `sha256/number`. */
  readonly puts: string[] = [];
  /** False: a gateway of before clips. */
  isKnown = true;
  /** Answers a request for a clip in a way of its own. */
  refuse: (method: string, path: string) => { status: number; type: WireErrorType; retryAfterS?: number } | undefined =
    () => undefined;
  /** What is kept of a part; a store that damages it keeps other bytes. */
  keep: (bytes: Buffer) => Buffer = (bytes) => bytes;

  handle(request: IncomingMessage, response: ServerResponse, path: string, body: Buffer): void {
    const answer: Answer = (status, said, headers = {}) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(said));
    const error = (status: number, type: WireErrorType, retryAfterS?: number): void =>
      answer(
        status,
        { error: { type, message: path } },
        retryAfterS === undefined ? {} : { 'retry-after': retryAfterS },
      );
    const [, sha256 = '', part] = /\/media\/([0-9a-f]{64})(?:\/parts\/(\d+))?$/.exec(path) ?? [];
    if (!this.isKnown || sha256 === '') return error(404, 'notFound');
    const refusal = this.refuse(request.method ?? '', path);
    if (refusal !== undefined) return error(refusal.status, refusal.type, refusal.retryAfterS);
    if (part !== undefined) return this.#take(request, { sha256, part: Number(part), body }, answer);
    if (request.method === 'POST') return this.#complete(sha256, JSON.parse(body.toString('utf8')), answer);
    const received = [...(this.parts.get(sha256)?.keys() ?? [])].toSorted((a, b) => a - b);
    const outcome = this.clips.has(sha256) ? 'stored' : received.length > 0 ? 'partial' : 'unknown';
    return answer(200, { outcome, partBytes: wireLimits.partBytes, received: outcome === 'stored' ? [] : received });
  }

  #take(
    request: IncomingMessage,
    { sha256, part, body }: { sha256: string; part: number; body: Buffer },
    answer: Answer,
  ): void {
    this.puts.push(`${sha256}/${part}`);
    const own = createHash('sha256').update(body).digest('hex');
    if (request.headers[wireHeaders.partSha256] !== own || request.headers[wireHeaders.camera] === undefined)
      return answer(422, { error: { type: 'wrongDigest', message: 'wrong' } });
    const parts = this.parts.get(sha256) ?? new Map<number, Buffer>();
    this.parts.set(sha256, parts);
    const isNew = !parts.has(part);
    parts.set(part, this.keep(body));
    return answer(isNew ? 201 : 200, { sha256, part, outcome: isNew ? 'stored' : 'alreadyStored' });
  }

  #complete(sha256: string, said: unknown, answer: Answer): void {
    const completion = mediaCompletionSchema.parse(said);
    const { sizeBytes } = completion;
    if (!this.clips.has(sha256)) {
      const parts = this.parts.get(sha256) ?? new Map<number, Buffer>();
      const numbers = Array.from({ length: completion.parts }, (_, part) => part);
      if (numbers.some((part) => parts.get(part)?.length !== partSizeOf(sizeBytes, part)))
        return answer(409, { error: { type: 'mediaIncomplete', message: 'parts are missing' } });
      const bytes = Buffer.concat(numbers.map((part) => parts.get(part)!));
      this.parts.delete(sha256);
      if (createHash('sha256').update(bytes).digest('hex') !== sha256)
        return answer(409, { error: { type: 'mediaMismatch', message: 'other bytes' } });
      this.clips.set(sha256, bytes);
    }
    const isNew = !this.completions.some((each) => each.sha256 === sha256);
    this.completions.push({ sha256, ...completion });
    return answer(isNew ? 201 : 200, { sha256, sizeBytes, outcome: isNew ? 'stored' : 'alreadyStored' });
  }
}
