import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

import {
  desiredAnswerSchema,
  etagOf,
  handshakeRequestSchema,
  heartbeatRequestSchema,
  installReportSchema,
  telemetryRequestSchema,
  wireHeaders,
  type DesiredAnswer,
  type HeartbeatRequest,
  type InstallReport,
  type TasksAnswer,
  type TelemetryEntry,
  type TelemetryRequest,
} from '../../../fleet/protocol/index.ts';
import { FakeMedia } from './fake-media.ts';

export interface FakeGateway {
  readonly url: string;
  readonly segments: Map<string, Buffer>;
  readonly media: FakeMedia;
  /** How often each segment came. */
  readonly puts: Map<string, number>;
  readonly entries: Map<string, TelemetryEntry>;
  readonly batches: TelemetryRequest[];
  /** Whose version each batch spoke of. */
  readonly batchPolicies: string[];
  readonly reports: InstallReport[];
  readonly heartbeats: HeartbeatRequest[];
  /** Files by `policy/version/name`. */
  readonly files: Map<string, Uint8Array>;
  readonly requests: string[];
  order: DesiredAnswer | undefined;
  /** In place of `order`, any answer to `desired`, true or a lie. */
  word: FakeWord | undefined;
  /** Root documents by number. */
  readonly roots: Map<number, unknown>;
  leaseRemainingMs: number | undefined;
  /** Header about the site's update windows. */
  updateWindow: string | undefined;
  /** What the robot may be asked to do; undefined: a gateway of before catalogues, without header and path. */
  tasks: TasksAnswer | undefined;
  /** What it announces to take; undefined: a gateway of before, which refuses requests with more than that. */
  knows: string | undefined;
  /** Telemetry reaches another gateway, of before. */
  isTelemetryOfBefore: boolean;
  clockMs: () => number;
  /** Answers with a status instead of doing anything; undefined does it. */
  refuse: (path: string) => number | undefined;
  /** Whether to refuse a batch for good. */
  refusesEntry: (batch: TelemetryRequest) => boolean;
  /** Breaks a model download off after this many bytes. */
  cutModelAtBytes: number | undefined;
  /** Answers a request for a file of a version in a way of its own; false leaves it to the gateway. */
  serveBadly: (file: string, request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => boolean;
  /** Answers any other request in a way of its own; false leaves it to the gateway. */
  answerBadly: (path: string, response: ServerResponse) => boolean;
  setOrder(order: DesiredAnswer): void;
  setWord(word: FakeWord): void;
  stop(): Promise<void>;
}

/** An answer to `desired`: its body, its seal as a header value, and what it calls itself; null: 304 to whatever is asked. */
export interface FakeWord {
  readonly body: unknown;
  readonly seal?: string | undefined;
  /** A transfer to another policy as a header value. */
  readonly transfer?: string | undefined;
  readonly etag: string;
}

/** A gateway in memory that holds what it receives against the protocol. */
export async function startFakeGateway(robotId: string, token: string): Promise<FakeGateway> {
  const seenReports = new Set<string>();
  let changed: (() => void)[] = [];
  const fake = {
    url: '',
    segments: new Map<string, Buffer>(),
    media: new FakeMedia(),
    puts: new Map<string, number>(),
    entries: new Map<string, TelemetryEntry>(),
    batches: [] as TelemetryRequest[],
    batchPolicies: [] as string[],
    reports: [] as InstallReport[],
    heartbeats: [] as HeartbeatRequest[],
    files: new Map<string, Uint8Array>(),
    requests: [] as string[],
    order: undefined as DesiredAnswer | undefined,
    word: undefined as FakeWord | undefined,
    roots: new Map<number, unknown>(),
    leaseRemainingMs: undefined as number | undefined,
    updateWindow: undefined as string | undefined,
    tasks: undefined as TasksAnswer | undefined,
    knows: undefined as string | undefined,
    isTelemetryOfBefore: false,
    clockMs: (): number => Date.now(),
    refuse: (() => undefined) as (path: string) => number | undefined,
    refusesEntry: (() => false) as FakeGateway['refusesEntry'],
    cutModelAtBytes: undefined as number | undefined,
    serveBadly: (() => false) as FakeGateway['serveBadly'],
    answerBadly: (() => false) as FakeGateway['answerBadly'],
    setOrder(order: DesiredAnswer) {
      fake.order = desiredAnswerSchema.parse(order);
      for (const wake of changed) wake();
      changed = [];
    },
    setWord(word: FakeWord) {
      fake.word = word;
      for (const wake of changed) wake();
      changed = [];
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) answer(response, 500, { error: { type: 'internal', message: String(error) } });
      else response.destroy();
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const path = url.pathname;
    fake.requests.push(`${request.method} ${path}`);
    const body = await bodyOf(request);
    const status = fake.refuse(path);
    if (status !== undefined) return answer(response, status, { error: { type: 'overloaded', message: 'as told' } });
    if (request.headers.authorization !== `Bearer ${token}`)
      return answer(response, 401, { error: { type: 'unauthorized', message: 'wrong token' } });
    if (fake.answerBadly(path, response)) return;
    const own = `/v1/robots/${robotId}`;
    const json = (): unknown => JSON.parse(body.toString('utf8'));
    if (fake.knows !== undefined) response.setHeader(wireHeaders.knows, fake.knows);
    const isOfBefore = fake.knows === undefined || (fake.isTelemetryOfBefore && path === `${own}/telemetry`);
    if (isOfBefore) response.removeHeader(wireHeaders.knows);
    if (path === `${own}/handshake`) {
      handshakeRequestSchema.parse(json());
      return answer(response, 200, {
        protocolVersion: 1,
        gatewayId: 'fake',
        clockMs: fake.clockMs(),
        robotId,
        policy: 'walls',
        site: 'lab',
        heartbeatEveryMs: 100,
        longPollMs: 1_000,
      });
    }
    if (path === `${own}/heartbeat`) {
      const said = heartbeatRequestSchema.parse(json());
      if (isOfBefore && said.images !== undefined)
        return answer(response, 400, { error: { type: 'malformed', message: 'unknown field images' } });
      fake.heartbeats.push(said);
      return answer(response, 200, { clockMs: fake.clockMs() });
    }
    if (path === `${own}/telemetry`) {
      const parsed = telemetryRequestSchema.safeParse(json());
      if (!parsed.success || fake.refusesEntry(parsed.data))
        return answer(response, 400, { error: { type: 'malformed', message: 'not of the protocol' } });
      const batch = parsed.data;
      fake.batches.push(batch);
      fake.batchPolicies.push(String(request.headers[wireHeaders.policy]));
      const taken = batch.entries.filter((entry) => !(isOfBefore && 'latencyParts' in entry));
      for (const entry of taken) fake.entries.set(`${batch.bootId}/${entry.seq}`, entry);
      const refused = batch.entries.length - taken.length;
      if (refused > 0) response.setHeader(wireHeaders.refusedEntries, refused);
      return answer(response, 200, { storedEntries: batch.entries.length, lastSeq: batch.entries.at(-1)?.seq ?? 0 });
    }
    if (path === `${own}/install-report`) {
      const report = installReportSchema.parse(json());
      if (!seenReports.has(report.reportId)) fake.reports.push(report);
      seenReports.add(report.reportId);
      return answer(response, 200, { seq: fake.reports.length });
    }
    if (path.startsWith(`${own}/segments/`)) {
      const sha256 = path.slice(`${own}/segments/`.length);
      if (createHash('sha256').update(body).digest('hex') !== sha256)
        return answer(response, 422, { error: { type: 'wrongDigest', message: 'wrong' } });
      const isNew = !fake.segments.has(sha256);
      fake.segments.set(sha256, body);
      fake.puts.set(sha256, (fake.puts.get(sha256) ?? 0) + 1);
      const outcome = isNew ? 'stored' : 'alreadyStored';
      return answer(response, isNew ? 201 : 200, { sha256, sizeBytes: body.length, outcome });
    }
    if (path.startsWith(`${own}/media/`)) return fake.media.handle(request, response, path, body);
    if (path === `${own}/tasks` && fake.tasks !== undefined) return answer(response, 200, fake.tasks);
    const root = /^\/v1\/trust\/roots\/(\d+)$/.exec(path)?.[1];
    if (root !== undefined) {
      const document = fake.roots.get(Number(root));
      if (document === undefined) return answer(response, 404, { error: { type: 'notFound', message: path } });
      return answer(response, 200, document);
    }
    if (path === `${own}/desired` && fake.word !== undefined)
      return say(request, response, Number(url.searchParams.get('waitMs')));
    if (path === `${own}/desired`) return desired(request, response, Number(url.searchParams.get('waitMs')));
    const file = /^\/v1\/models\/([^/]+\/[^/]+\/[^/]+)$/.exec(path)?.[1];
    const bytes = file === undefined ? undefined : fake.files.get(file);
    if (bytes === undefined) return answer(response, 404, { error: { type: 'notFound', message: path } });
    if (fake.serveBadly(file ?? '', request, response, bytes)) return;
    return serve(request, response, bytes, file?.endsWith('.onnx') === true ? fake.cutModelAtBytes : undefined);
  }

  async function desired(request: IncomingMessage, response: ServerResponse, waitMs: number): Promise<void> {
    const lease = () => ({
      ...(fake.leaseRemainingMs === undefined ? {} : { [wireHeaders.leaseRemainingMs]: fake.leaseRemainingMs }),
      ...(fake.updateWindow === undefined ? {} : { [wireHeaders.updateWindow]: fake.updateWindow }),
      ...(fake.tasks === undefined ? {} : { [wireHeaders.tasksSeq]: fake.tasks.seq }),
    });
    if (fake.order !== undefined && request.headers['if-none-match'] === tagOf(fake.order)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(waitMs, 200));
        changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      if (request.headers['if-none-match'] === tagOf(fake.order)) {
        response.writeHead(304, lease()).end();
        return;
      }
    }
    if (fake.order === undefined) return answer(response, 404, { error: { type: 'notFound', message: 'no champion' } });
    return answer(response, 200, fake.order, { etag: tagOf(fake.order), ...lease() });
  }

  /** Says the word, or that nothing is new to whoever has heard it. */
  async function say(request: IncomingMessage, response: ServerResponse, waitMs: number): Promise<void> {
    const held = request.headers['if-none-match'];
    if (held === fake.word?.etag)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(waitMs, 200));
        changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    const { word } = fake;
    if (word === undefined) return answer(response, 404, { error: { type: 'notFound', message: 'no champion' } });
    const headers = {
      etag: word.etag,
      ...(fake.leaseRemainingMs === undefined ? {} : { [wireHeaders.leaseRemainingMs]: fake.leaseRemainingMs }),
      ...(word.seal === undefined ? {} : { [wireHeaders.seal]: word.seal }),
      ...(word.transfer === undefined ? {} : { [wireHeaders.transfer]: word.transfer }),
      ...(fake.roots.size === 0 ? {} : { [wireHeaders.rootVersion]: Math.max(...fake.roots.keys()) }),
    };
    if (held === word.etag || word.body === null) response.writeHead(304, headers).end();
    else answer(response, 200, word.body, headers);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}

const tagOf = (order: DesiredAnswer): string =>
  etagOf(createHash('sha256').update(JSON.stringify(order)).digest('hex').slice(0, 32));

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  cutAtBytes: number | undefined,
): void {
  const etag = etagOf(createHash('sha256').update(bytes).digest('hex'));
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const isRest = start !== undefined && request.headers['if-range'] === etag;
  const rest = isRest ? bytes.subarray(Number(start)) : bytes;
  response.writeHead(isRest ? 206 : 200, { etag, 'content-length': rest.length });
  if (cutAtBytes === undefined) response.end(rest);
  else response.write(rest.subarray(0, cutAtBytes), () => setTimeout(() => response.destroy(), 20));
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string | number> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
