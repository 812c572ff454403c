import { Agent, request, type IncomingHttpHeaders } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly elapsedMs: number;
}

export interface Client {
  send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    headers: Record<string, string>,
    body?: Uint8Array,
  ): Promise<Reply>;
  close(): void;
}

/** A bare HTTP client with as many connections as it needs, kept open: what it costs is not what is measured. */
export function openClient(url: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  return {
    send(method, path, headers, body) {
      const startMs = performance.now();
      return new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { 'content-length': String(body.byteLength) };
        const sent = request(url + path, { method, agent, headers: { ...headers, ...length } }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString('utf8'),
              elapsedMs: performance.now() - startMs,
            }),
          );
        });
        sent.on('error', reject);
        sent.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
