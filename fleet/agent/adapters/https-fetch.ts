import { Agent, request } from 'node:https';
import { Readable } from 'node:stream';

import type { Fetch } from '../gateway-client.ts';

/** PEM texts. */
export interface TlsFiles {
  /** Authority that signed the gateway's certificate; the system's own unless given. */
  readonly ca?: string;
  /** The robot's certificate and key, where the gateway asks for them (mutual TLS). */
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Fetch over `node:https` with an authority and a client certificate of our own, which the global fetch does not take.
 * https://nodejs.org/docs/latest-v20.x/api/https.html#httpsrequesturl-options-callback
 */
export function httpsFetch(tls: TlsFiles): Fetch {
  const agent = new Agent({ ...tls, keepAlive: true });
  return (url, { method = 'GET', headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const bytes =
        body === undefined || body === null ? undefined : Buffer.from(body as string | Uint8Array<ArrayBuffer>);
      const length = bytes === undefined ? {} : { 'content-length': bytes.length };
      const given = headers as Record<string, string> | undefined;
      const sent = request(url, { agent, method, headers: { ...given, ...length }, ...(signal ? { signal } : {}) });
      sent.once('error', reject);
      sent.once('response', (answer) => {
        const status = answer.statusCode ?? 500;
        const hasBody = status !== 204 && status !== 304;
        if (!hasBody) answer.resume();
        const stream = hasBody ? (Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>) : null;
        const pairs = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
        resolve(new Response(stream, { status, headers: pairs }));
      });
      sent.end(bytes);
    });
}
