import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';

/** What happens to one request. `loseAnswer`: the server gets it and does it, the client never hears; `hangUp`: nobody gets it. */
export type Fate = 'pass' | 'loseAnswer' | 'hangUp' | 'stall' | { readonly status: number; readonly code: string };

export interface FaultyProxy {
  readonly endpoint: string;
  /** Method and path of every request so far. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/** A server between a client and the real one (if any) on `targetPort`, that does to the n-th request, from 0, as `fateOf` says. */
export async function startFaultyProxy(
  fateOf: (requestLine: string, index: number) => Fate,
  targetPort?: number,
): Promise<FaultyProxy> {
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method} ${incoming.url}`;
    const fate = fateOf(line, requests.push(line) - 1);
    if (fate === 'stall') return;
    if (fate === 'hangUp') {
      incoming.destroy();
      return;
    }
    if (typeof fate === 'object') {
      incoming.resume();
      outgoing.writeHead(fate.status, { 'content-type': 'application/xml' });
      outgoing.end(`<?xml version="1.0"?><Error><Code>${fate.code}</Code><Message>made up</Message></Error>`);
      return;
    }
    forward(incoming, outgoing, targetPort, fate === 'loseAnswer');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number | undefined, isLost: boolean): void {
  const { method, url: path, headers } = incoming;
  const onward = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
    if (isLost) {
      answer.resume();
      answer.once('end', () => outgoing.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  });
  onward.once('error', () => outgoing.destroy());
  incoming.pipe(onward);
}
