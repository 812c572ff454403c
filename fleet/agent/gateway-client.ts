import { z } from 'zod';

import { envelopeSchema, type Envelope } from '../../domain/trust/signed.ts';

import {
  bearer,
  desiredAnswerSchema,
  errorAnswerSchema,
  handshakeAnswerSchema,
  heartbeatAnswerSchema,
  installAnswerSchema,
  segmentAnswerSchema,
  segmentContentType,
  signedDesiredSchema,
  tasksAnswerSchema,
  telemetryAnswerSchema,
  noPolicy,
  wireHeaders,
  wireLimits,
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
  type SignedDesired,
  type TasksAnswer,
  type TelemetryAnswer,
  type TelemetryRequest,
  type WireErrorType,
} from '../protocol/index.ts';
import type { Answered } from './link/answered.ts';
import { clipRequests, leastUploadBytesPerMs, type ClipRequests } from './link/clip-requests.ts';
import { orAborted, withDeadline } from './link/deadline.ts';
import { printable } from './local/printable.ts';
import type { MonotonicClock } from './local/times.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type { Answered } from './link/answered.ts';

/** The gateway cannot be reached, or did not do what was asked. */
export class GatewayError extends Error {
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** As the protocol names it; undefined when the answer was none of the protocol. */
  readonly type: WireErrorType | undefined;
  /** As the gateway asked; undefined when it did not. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    facts: { status?: number; type?: WireErrorType | undefined; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: facts.cause });
    this.name = 'GatewayError';
    this.status = facts.status;
    this.type = facts.type;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** An answer that does not end within what the protocol allows; the rest of it is not read. */
export class EndlessAnswer extends GatewayError {}

/** No answer came at all. */
export class UnreachedError extends GatewayError {}

export interface GatewayClientPorts {
  readonly robotId: string;
  readonly gatewayUrl: string;
  readonly token: string;
  readonly fetch: Fetch;
  readonly monotonic: MonotonicClock;
  /** An answer that is not whole by then is none; recordings have as much longer as they take at `leastUploadBytesPerMs`. */
  readonly timeoutMs: number;
  /** Ends every request. */
  readonly signal: AbortSignal;
}

/**
 * The gateway's requests, each one try; whoever calls decides when to try again. `policy`: whose version the body speaks of; undefined
 * before the first order, and where an older agent did not say.
 */
export interface GatewayClient extends ClipRequests {
  handshake(body: HandshakeRequest, policy?: string): Promise<Answered<HandshakeAnswer>>;
  heartbeat(body: HeartbeatRequest, policy?: string): Promise<Answered<HeartbeatAnswer>>;
  telemetry(body: TelemetryRequest, policy?: string): Promise<Answered<TelemetryAnswer>>;
  installReport(body: InstallReport, policy?: string): Promise<Answered<InstallAnswer>>;
  /** Body undefined: the order with this ETag still holds (304). Signed ones are asked for; what comes is the gateway's choice. */
  desired(
    etag: string | undefined,
    waitMs: number,
    isSigned: boolean,
  ): Promise<Answered<DesiredAnswer | SignedDesired | undefined>>;
  /** What the robot may be asked to do; `GatewayError` 404 where there is no catalogue, or a gateway of before. */
  tasks(): Promise<Answered<TasksAnswer>>;
  /** A root document; undefined while the gateway has none of that number. */
  root(version: number): Promise<Envelope | undefined>;
  segment(sha256: string, bytes: Uint8Array): Promise<Answered<SegmentAnswer>>;
  /**
   * A file of a version, from a byte on if it still has this digest; status 206 when only the rest comes. The signal ends the
   * wait for the answer; its body must be read, or cancelled, in whatever time the reader allows.
   */
  model(
    file: { policy: string; version: string; name: ModelFile },
    resume: { startBytes: number; etag: string } | undefined,
    signal: AbortSignal,
  ): Promise<Answered<ReadableStream<Uint8Array>>>;
}

/** An ETag of this protocol is a digest in quotes; another is as good as none. */
const etagPattern = /^"[0-9a-zA-Z]{1,100}"$/;

type Send = <T>(
  path: string,
  init: RequestInit,
  timeoutMs: number,
  read: (response: Response, signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
) => Promise<Answered<T>>;

/** One request and all of its answer, within a time; whatever stalls, before or after the headers, is no answer. */
function sender(ports: GatewayClientPorts): Send {
  const base = ports.gatewayUrl.replace(/\/+$/, '');
  return (path, init, timeoutMs, read, parent = ports.signal) =>
    refusingAsUnreached(`${base}${path}`, () =>
      withDeadline('an answer', timeoutMs, parent, async (signal) => {
        const sentMs = ports.monotonic();
        const headers = { authorization: bearer(ports.token), ...(init.headers as Record<string, string> | undefined) };
        const response = await orAborted(ports.fetch(base + path, { ...init, headers, signal }), signal);
        const receivedMs = ports.monotonic();
        if (response.status >= 400) throw await refusal(path, response, signal);
        const body = await read(response, signal);
        return { status: response.status, body, headers: response.headers, sentMs, receivedMs };
      }),
    );
}

export function createGatewayClient(ports: GatewayClientPorts): GatewayClient {
  const { robotId } = ports;
  const send = sender(ports);

  const json = <T>(
    path: string,
    init: RequestInit,
    schema: z.ZodType<T>,
    timeoutMs = ports.timeoutMs,
  ): Promise<Answered<T>> => send(path, init, timeoutMs, (response, signal) => parsed(path, response, schema, signal));

  const post = <T>(
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
    policy: string | undefined,
  ): Promise<Answered<T>> => {
    const headers = { ...jsonHeaders, [wireHeaders.policy]: policy ?? noPolicy };
    return json(path, { method: 'POST', headers, body: JSON.stringify(body) }, schema);
  };

  return {
    // A newer gateway may say more than this agent knows.
    handshake: (body, policy) => post(wirePaths.handshake(robotId), body, handshakeAnswerSchema.strip(), policy),
    heartbeat: (body, policy) => post(wirePaths.heartbeat(robotId), body, heartbeatAnswerSchema.strip(), policy),
    telemetry: (body, policy) => post(wirePaths.telemetry(robotId), body, telemetryAnswerSchema.strip(), policy),
    installReport: (body, policy) => post(wirePaths.installReport(robotId), body, installAnswerSchema.strip(), policy),
    desired(etag, waitMs, isSigned) {
      const path = wirePaths.desired(robotId, waitMs);
      const headers = {
        ...(isSigned ? { [wireHeaders.orders]: 'signed' } : {}),
        ...(etag === undefined ? {} : { 'if-none-match': etag }),
      };
      return send(path, { headers }, waitMs + ports.timeoutMs, async (response, signal) =>
        response.status === 304 ? undefined : parsed(path, response, anyDesiredSchema, signal),
      );
    },
    root: (version) => json(wirePaths.root(version), {}, envelopeSchema).then(({ body }) => body, undefinedIfMissing),
    tasks: () => json(wirePaths.tasks(robotId), {}, tasksAnswerSchema.strip()),
    segment: (sha256, bytes) =>
      json(
        wirePaths.segment(robotId, sha256),
        { method: 'PUT', headers: { 'content-type': segmentContentType }, body: bytes as Uint8Array<ArrayBuffer> },
        segmentAnswerSchema.strip(),
        ports.timeoutMs + bytes.length / leastUploadBytesPerMs,
      ),
    ...clipRequests(robotId, (path, init, schema, extraMs = 0) => json(path, init, schema, ports.timeoutMs + extraMs)),
    model({ policy, version, name }, resume, signal) {
      const headers: Record<string, string> =
        resume === undefined ? {} : { range: `bytes=${resume.startBytes}-`, 'if-range': resume.etag };
      const path = wirePaths.model(policy, version, name);
      return send(path, { headers }, ports.timeoutMs, async ({ body }) => wholeBody(path, body), signal);
    },
  };
}

function undefinedIfMissing(cause: unknown): undefined {
  if (!(cause instanceof GatewayError) || cause.status !== 404) throw cause;
}

function wholeBody(path: string, body: Response['body']): ReadableStream<Uint8Array> {
  if (body === null) throw new GatewayError(`expected a body, got none [path=${path}]`, {});
  return body as ReadableStream<Uint8Array>;
}

const anyDesiredSchema = z.union([signedDesiredSchema, desiredAnswerSchema.strip()]);
const jsonHeaders = { 'content-type': 'application/json' };

async function refusingAsUnreached<T>(url: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new UnreachedError(`the gateway did not answer [url=${url}]`, { cause });
  }
}

async function parsed<T>(path: string, response: Response, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const text = await boundedText(path, response, signal);
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new GatewayError(`the gateway answered what the protocol does not know [path=${path}]`, { cause });
  }
}

/** The body as text, at most what the protocol allows; the rest of a longer one is not read. */
async function boundedText(path: string, response: Response, signal: AbortSignal): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return '';
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for (;;) {
      const { done, value } = await orAborted(reader.read(), signal);
      if (done) return Buffer.concat(chunks).toString('utf8');
      sizeBytes += value.length;
      if (sizeBytes > wireLimits.maxJsonBytes)
        throw new EndlessAnswer(`expected at most ${wireLimits.maxJsonBytes} bytes, got more [path=${path}]`, {});
      chunks.push(value);
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function refusal(path: string, response: Response, signal: AbortSignal): Promise<GatewayError> {
  const body = await boundedText(path, response, signal).catch(() => '');
  const answer = errorAnswerSchema.safeParse(jsonOf(body));
  const why = answer.success
    ? `${answer.data.error.type}: ${printable(answer.data.error.message, wireLimits.maxTextLength)}`
    : 'no reason given';
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new GatewayError(`the gateway refused with ${response.status}, ${why} [path=${path}]`, {
    status: response.status,
    type: answer.success ? answer.data.error.type : undefined,
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, 3_600_000) : undefined,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The ETag of an order's answer; undefined when there is none or it is none of this protocol. */
export function etagIn(headers: Headers): string | undefined {
  const etag = headers.get('etag');
  return etag !== null && etagPattern.test(etag) ? etag : undefined;
}

/** What remains of the lease behind the order, from the moment of the answer; undefined without a lease. */
export function leaseRemainingMs(headers: Headers): number | undefined {
  const text = headers.get(wireHeaders.leaseRemainingMs);
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? Math.max(0, value) : undefined;
}
