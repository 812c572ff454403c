import { connect } from 'node:net';

export interface RawAnswer {
  /** Of the first answer; undefined when the connection ended without one. */
  readonly status: number | undefined;
  /** Of every answer that came. */
  readonly statuses: readonly number[];
  /** Everything that came. */
  readonly text: string;
}

/** Writes bytes to a server as they are, and gives what came until it closed, or until `waitMs` went by. */
export function sendRaw(
  url: string,
  bytes: string | Uint8Array | readonly (string | Uint8Array)[],
  { waitMs = 10_000, host }: { readonly waitMs?: number; readonly host?: string } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...(host === undefined ? {} : { localAddress: host }) });
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    if (text.length < 1_000_000) text += chunk;
  });
  for (const part of Array.isArray(bytes) ? (bytes as readonly (string | Uint8Array)[]) : [bytes as string])
    socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const statuses = [...text.matchAll(/(?:^|\r\n|\})HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
      const answers = statuses.filter((status) => status !== 100);
      resolve({ status: answers[0], statuses: answers, text });
    };
    const timer = setTimeout(done, waitMs);
    socket.on('error', () => undefined);
    socket.on('close', done);
  });
}

/** A request as bytes; the connection closes after its answer. */
export const requestText = (
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string =>
  [
    `${method} ${target} HTTP/1.1`,
    'host: gateway',
    'connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');

/** Every way to write a path that some server, proxy or router takes for the same one, and some that none does. */
export function spellingsOf(path: string): readonly string[] {
  const inner = path.slice(1);
  const percent = (text: string): string =>
    [...Buffer.from(text, 'latin1')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const first = inner.indexOf('/') === -1 ? inner : inner.slice(0, inner.indexOf('/'));
  const rest = inner.slice(first.length);
  return [
    path,
    `/${percent(first[0] ?? '')}${first.slice(1)}${rest}`,
    `/${percent(first)}${rest}`,
    `/${inner.split('/').map(percent).join('/')}`,
    `/${percent(inner)}`,
    path.toUpperCase(),
    `/${first.toUpperCase()}${rest}`,
    path.replaceAll('/', '//'),
    `/${path}`,
    `///${path}`,
    `${path}/`,
    `${path}//`,
    `http://gateway${path}`,
    `https://gateway${path}`,
    `http://user:word@gateway${path}`,
    `HTTP://gateway${path}`,
    `//gateway${path}`,
    `gateway${path}`,
    `file://${path}`,
    `/.${path}`,
    `/..${path}`,
    `/healthz/..${path}`,
    `/${first}/..${path}`,
    `/%2e%2e${path}`,
    `/%2e${path}`,
    `/healthz%2f..%2f${inner}`,
    `/healthz/%2e%2e${path}`,
    `${path}/.`,
    `${path}/../${inner.split('/').at(-1) ?? ''}`,
    `${path}%00`,
    `/%00${path}`,
    `${path}\u0000`,
    `/${first}%00${rest}`,
    `/${inner.replaceAll('/', '%2f')}`,
    `/${inner.replaceAll('/', '%2F')}`,
    `/${inner.replaceAll('/', '%5c')}`,
    path.replaceAll('/', '\\'),
    `${path};healthz`,
    `/;x${path}`,
    `${path}?/healthz`,
    `${path}#/healthz`,
    `/healthz?${path}`,
    `/healthz#${path}`,
    `/healthz;${path}`,
    `/%25${percent(first[0] ?? '').slice(1)}${first.slice(1)}${rest}`,
    `/%c0%af${inner}`,
    `/%c1%b6${inner.slice(1)}`,
    `/\u00ef\u00bd\u0096${inner.slice(1)}`,
    `${path}%`,
    `/%zz${path}`,
    `/%${path}`,
    inner,
    '*',
    ` ${path}`,
    `${path} HTTP/1.1\r\nx: y`,
    `${path}\thealthz`,
    `/metrics/..${path}`,
    `/documentation/..${path}`,
    `/documentation/static/..%2f..${path}`,
    `${path}?access=open&isOpen=true`,
    `${path}${'/x'.repeat(2_000)}`,
    `${path}${'x'.repeat(300)}`,
  ];
}
