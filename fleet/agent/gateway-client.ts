import type { z } from 'zod';

import {
  bearer,
  desiredAnswerSchema,
  errorAnswerSchema,
  handshakeAnswerSchema,
  heartbeatAnswerSchema,
  installAnswerSchema,
  segmentAnswerSchema,
  segmentContentType,
  telemetryAnswerSchema,
  wireHeaders,
  wirePaths,
  type DesiredAnswer,
  type HandshakeAnswer,
  type HandshakeRequest,
  type HeartbeatAnswer,
  type HeartbeatRequest,
  type InstallAnswer,
  type InstallReport,
  type ModelFile,
  type SegmentAnswer,
  type TelemetryAnswer,
  type TelemetryRequest,
} from '../protocol/index.ts';
import type { MonotonicClock } from './times.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Answers that are no error; `sentMs` and `receivedMs` are monotonic. */
export interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
  readonly sentMs: number;
  readonly receivedMs: number;
}

/** The gateway cannot be reached, or did not do what was asked. */
export class GatewayError extends Error {
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** As the gateway asked; undefined when it did not. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: { status?: number; retryAfterMs?: number | undefined; cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.name = 'GatewayError';
    this.status = facts.status;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** No answer came at all. */
export class UnreachedError extends GatewayError {}

export interface GatewayClientPorts {
  readonly robotId: string;
  readonly gatewayUrl: string;
  readonly token: string;
  readonly fetch: Fetch;
  readonly monotonic: MonotonicClock;
  /** An answer later than this is none. */
  readonly timeoutMs: number;
  /** Ends every request. */
  readonly signal: AbortSignal;
}

/** The gateway's requests, each one try; whoever calls decides when to try again. */
export interface GatewayClient {
  handshake(body: HandshakeRequest): Promise<Answered<HandshakeAnswer>>;
  heartbeat(body: HeartbeatRequest): Promise<Answered<HeartbeatAnswer>>;
  telemetry(body: TelemetryRequest): Promise<Answered<TelemetryAnswer>>;
  installReport(body: InstallReport): Promise<Answered<InstallAnswer>>;
  /** Body undefined: the order with this ETag still holds (304). */
  desired(etag: string | undefined, waitMs: number): Promise<Answered<DesiredAnswer | undefined>>;
  segment(sha256: string, bytes: Uint8Array): Promise<Answered<SegmentAnswer>>;
  /** A file of a version, from a byte on if it still has this digest; status 206 when only the rest comes. The body must be read. */
  model(
    file: { policy: string; version: string; name: ModelFile },
    resume?: { startBytes: number; etag: string },
  ): Promise<Answered<ReadableStream<Uint8Array>>>;
}

export function createGatewayClient(ports: GatewayClientPorts): GatewayClient {
  const { robotId, monotonic } = ports;
  const base = ports.gatewayUrl.replace(/\/+$/, '');

  async function send(path: string, init: RequestInit, timeoutMs: number): Promise<Answered<Response>> {
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const stop = (): void => giveUp.abort(ports.signal.reason);
    ports.signal.addEventListener('abort', stop, { once: true });
    if (ports.signal.aborted) stop();
    const sentMs = monotonic();
    try {
      const headers = { authorization: bearer(ports.token), ...(init.headers as Record<string, string> | undefined) };
      const response = await ports.fetch(base + path, { ...init, headers, signal: giveUp.signal });
      const receivedMs = monotonic();
      if (response.status >= 400) throw await refusal(path, response);
      return { status: response.status, body: response, headers: response.headers, sentMs, receivedMs };
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw new UnreachedError(`the gateway did not answer [url=${base}${path}]`, { cause });
    } finally {
      clearTimeout(timer);
      ports.signal.removeEventListener('abort', stop);
    }
  }

  async function json<T>(path: string, init: RequestInit, schema: z.ZodType<T>): Promise<Answered<T>> {
    const answer = await send(path, init, ports.timeoutMs);
    return { ...answer, body: await parsed(path, answer.body, schema) };
  }

  const post = <T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<Answered<T>> =>
    json(path, { method: 'POST', headers: jsonHeaders, body: JSON.stringify(body) }, schema);

  return {
    handshake: (body) => post(wirePaths.handshake(robotId), body, handshakeAnswerSchema),
    heartbeat: (body) => post(wirePaths.heartbeat(robotId), body, heartbeatAnswerSchema),
    telemetry: (body) => post(wirePaths.telemetry(robotId), body, telemetryAnswerSchema),
    installReport: (body) => post(wirePaths.installReport(robotId), body, installAnswerSchema),
    async desired(etag, waitMs) {
      const path = wirePaths.desired(robotId, waitMs);
      const headers = etag === undefined ? {} : { 'if-none-match': etag };
      const answer = await send(path, { headers }, waitMs + ports.timeoutMs);
      if (answer.status === 304) return { ...answer, body: undefined };
      return { ...answer, body: await parsed(path, answer.body, desiredAnswerSchema) };
    },
    segment: (sha256, bytes) =>
      json(
        wirePaths.segment(robotId, sha256),
        { method: 'PUT', headers: { 'content-type': segmentContentType }, body: bytes as Uint8Array<ArrayBuffer> },
        segmentAnswerSchema,
      ),
    async model({ policy, version, name }, resume) {
      const headers: Record<string, string> =
        resume === undefined ? {} : { range: `bytes=${resume.startBytes}-`, 'if-range': resume.etag };
      const path = wirePaths.model(policy, version, name);
      const answer = await send(path, { headers }, ports.timeoutMs);
      if (answer.body.body === null) throw new GatewayError(`expected a body, got none [url=${base}${path}]`, {});
      return { ...answer, body: answer.body.body as ReadableStream<Uint8Array> };
    },
  };
}

const jsonHeaders = { 'content-type': 'application/json' };

async function parsed<T>(path: string, response: Response, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(await response.json());
  } catch (cause) {
    throw new GatewayError(`the gateway answered what the protocol does not know [path=${path}]`, { cause });
  }
}

async function refusal(path: string, response: Response): Promise<GatewayError> {
  const answer = errorAnswerSchema.safeParse(await response.json().catch(() => undefined));
  const why = answer.success ? `${answer.data.error.type}: ${answer.data.error.message}` : 'no reason given';
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new GatewayError(`the gateway refused with ${response.status}, ${why} [path=${path}]`, {
    status: response.status,
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, 3_600_000) : undefined,
  });
}

/** What remains of the lease behind the order, from the moment of the answer; undefined without a lease. */
export function leaseRemainingMs(headers: Headers): number | undefined {
  const text = headers.get(wireHeaders.leaseRemainingMs);
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? Math.max(0, value) : undefined;
}
