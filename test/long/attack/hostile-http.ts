import { bearer, segmentContentType, wirePaths } from '../../../fleet/protocol/index.ts';
import { requestText, spellingsOf } from '../../support/raw-http.ts';

export interface RouteAsked {
  readonly method: string;
  readonly path: string;
}

export interface HostileRequest {
  readonly kind: string;
  /** Written one after the other. */
  readonly parts: readonly (string | Uint8Array)[];
  /** The sender goes away by itself after this time; otherwise the gateway has to end it. */
  readonly givesUpAfterMs?: number;
}

interface Target {
  readonly routes: readonly RouteAsked[];
  /** A registered robot that is not honest. */
  readonly robotId: string;
  readonly token: string;
}

type Random = () => number;

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'BREW',
  'get',
];
const someToken = (random: Random): string =>
  `fw.${pick(random, ['r0', 'r1', `made-up-${Math.floor(random() * 1e9)}`])}.${'A'.repeat(42)}${pick(random, ['A', 'B'])}`;

function authorization(random: Random): Record<string, string> {
  const word = pick(random, [undefined, '', 'Bearer', `Bearer ${someToken(random)}`, `Basic ${someToken(random)}`]);
  return word === undefined ? {} : { authorization: word };
}

/** A path that needs a token, spelled in some way; what leads to an open path by itself is left out. */
function spelled(random: Random, { routes }: Target): { method: string; target: string } {
  const { method, path } = pick(random, routes);
  const targets = spellingsOf(path).filter((target) => !/^\/healthz[?#;]/.test(target));
  return { method: random() < 0.6 ? method : pick(random, methods), target: pick(random, targets) };
}

const json = { 'content-type': 'application/json' };
const builders = {
  spelled(random, target) {
    const { method, target: path } = spelled(random, target);
    const body = random() < 0.5 ? '' : '{"a":1}';
    const headers = body === '' ? {} : { ...json, 'content-length': String(body.length) };
    return [requestText(method, path, { ...authorization(random), ...headers }, body)];
  },
  chunked(random, target) {
    const { method, target: path } = spelled(random, target);
    const body = pick(random, [
      '7\r\n{"a":1}\r\n0\r\n\r\n',
      '0\r\n\r\n',
      'zz\r\nxx\r\n0\r\n\r\n',
      'ffffffffffffffffff\r\nx',
      `7;${'x'.repeat(20_000)}\r\n{"a":1}\r\n0\r\n\r\n`,
      '7\r\n{"a":1}\r\n0\r\nx-trailer: y\r\n\r\n',
      '-7\r\n{"a":1}\r\n0\r\n\r\n',
      '7\n{"a":1}\n0\n\n',
    ]);
    return [requestText(method, path, { ...authorization(random), ...json, 'transfer-encoding': 'chunked' }, body)];
  },
  wrongLength(random, target) {
    const { method, target: path } = spelled(random, target);
    const length = pick(random, ['-1', '+7', '7, 8', '0x7', '99999999999999999999', '1e3', '7 7', '']);
    return [requestText(method, path, { ...authorization(random), ...json, 'content-length': length }, '{"a":1}')];
  },
  twoFramings(random, target) {
    const { target: path } = spelled(random, target);
    const encoding = pick(random, ['chunked', 'gzip, chunked', 'chunked, identity', ' chunked', 'xchunked']);
    return [
      requestText(
        'POST',
        path,
        { 'content-length': '4', 'transfer-encoding': encoding },
        '0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
      ),
    ];
  },
  pipelined(random, target) {
    const count = 1 + Math.floor(random() * 30);
    const requests = Array.from({ length: count }, () => {
      const { target: path } = spelled(random, target);
      return `GET ${path} HTTP/1.1\r\nhost: gateway\r\n\r\n`;
    });
    return [`${requests.join('')}${requestText('GET', '/v1/nowhere')}`];
  },
  hugeHeaders(random, target) {
    const { method, target: path } = spelled(random, target);
    const huge = pick(random, [
      { 'x-long': 'x'.repeat(30_000) },
      Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`x-${index}`, 'y'])),
      { authorization: `Bearer ${'A'.repeat(15_000)}` },
      { cookie: 'a=b; '.repeat(3_000) },
    ]);
    return [requestText(method, path, huge)];
  },
  longTarget(random, target) {
    const { path } = pick(random, target.routes);
    return [
      requestText('GET', `${path}${pick(random, ['/', '?', '%41', 'x'])}${'y'.repeat(Math.floor(random() * 14_000))}`),
    ];
  },
  garbage(random) {
    const size = Math.floor(random() * 2_000);
    const bytes = Uint8Array.from({ length: size + 4 }, () => Math.floor(random() * 256));
    return [
      pick<string | Uint8Array>(random, [
        Buffer.concat([bytes, Buffer.from('\r\n\r\n')]),
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        Buffer.from('16030100c8010000c40303', 'hex'),
        'GET /v1/robots/r0/desired\r\n\r\n',
        'GET /v1/robots/r0/desired HTTP/9.9\r\nhost: x\r\n\r\n',
        'GET /v1/robots/r0/desired HTTP/1.1\r\nhost : x\r\n\r\n',
        'GET /v1/robots/r0/desired HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n',
        'GET /v1/robots/r0/desired HTTP/1.1\nhost: x\nconnection: close\n\n',
        'GET /v1/robots/r0/desired HTTP/1.1\r\n\r\n',
        'GET /v1/robots/r0/desired HTTP/1.0\r\n\r\n',
        `${'\r\n'.repeat(1_000)}GET /v1/nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      ]),
      '\r\n\r\n',
    ];
  },
  oddHeaders(random, target) {
    const { method, target: path } = spelled(random, target);
    const odd = pick<Record<string, string>>(random, [
      { expect: '100-continue' },
      { expect: 'the-unexpected' },
      { upgrade: 'websocket', connection: 'upgrade' },
      { 'x-forwarded-for': '127.0.0.1', 'x-original-url': '/healthz', 'x-rewrite-url': '/healthz' },
      { 'x-http-method-override': 'GET', 'x-forwarded-proto': 'https' },
      { 'content-type': 'text/html' },
      { 'accept-version': '1.x' },
      { host: 'a, b' },
      { range: `bytes=${'0-1,'.repeat(2_000)}` },
    ]);
    return [requestText(method, path, { ...authorization(random), ...odd })];
  },
  hostileRobot(random, { robotId, token }) {
    const path = pick(random, [wirePaths.heartbeat, wirePaths.telemetry, wirePaths.installReport, wirePaths.handshake])(
      robotId,
    );
    const body = pick(random, [
      '{',
      'null',
      '[]',
      '{"__proto__":{"x":1}}',
      '{"constructor":{"prototype":{"x":1}}}',
      '['.repeat(50_000),
      `{"bootId":"${'x'.repeat(100_000)}"}`,
      `{"bootId":"01J00000000000000000000000","clockSkewMs":0,"entries":[${'{},'.repeat(600)}{}]}`,
      '{"bootId":"01J00000000000000000000000","clockSkewMs":1e999,"entries":[{"seq":1}]}',
      '\u00ff\u00fe\u0000',
      'x'.repeat(300_000),
    ]);
    const type = pick(random, [
      'application/json',
      'text/plain',
      segmentContentType,
      'application/json; charset=utf-16',
    ]);
    const headers = { authorization: bearer(token), 'content-type': type, 'content-length': String(body.length) };
    return [requestText('POST', path, headers, body)];
  },
  hostileUpload(random, { robotId, token }) {
    const path = wirePaths.segment(
      pick(random, [robotId, 'r0']),
      pick(random, ['a'.repeat(64), 'A'.repeat(64), '..%2f..%2fx']),
    );
    const body = 'x'.repeat(Math.floor(random() * 100_000) + 1);
    const length = pick(random, [String(body.length), String(body.length - 1), '0', String(100 * 1024 * 1024)]);
    const headers = { authorization: bearer(token), 'content-type': segmentContentType, 'content-length': length };
    return [requestText('PUT', path, headers, body)];
  },
} as const satisfies Record<string, (random: Random, target: Target) => readonly (string | Uint8Array)[]>;

/** Kinds whose sender holds on to the connection: the gateway may end them at its time, the sender goes away by itself. */
const holders = {
  slowBody(random: Random, target: Target): readonly string[] {
    const { path } = pick(random, target.routes);
    const headers = random() < 0.5 ? { authorization: bearer(target.token) } : {};
    const own = path.replace('/r0/', `/${target.robotId}/`);
    return [requestText('POST', own, { ...headers, ...json, 'content-length': '200000' }), '{"a":'];
  },
  halfHeader: (random: Random, target: Target): readonly string[] => [
    `GET ${pick(random, target.routes).path} HTTP/1.1\r\nhost: ga`,
  ],
  silent: (): readonly string[] => [''],
} as const;

const givesUpAfterMs = 300;

export const kindsOfHttp: readonly string[] = [...Object.keys(builders), ...Object.keys(holders)];

/** Some request that must be refused, by chance of the generator given. */
export function hostileRequest(random: Random, target: Target): HostileRequest {
  const kind = pick(random, kindsOfHttp);
  const hold = holders[kind as keyof typeof holders] as (typeof holders)['slowBody'] | undefined;
  if (hold !== undefined) return { kind, parts: hold(random, target), givesUpAfterMs };
  return { kind, parts: builders[kind as keyof typeof builders](random, target) };
}
