import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { candidateOrder, championOrder, hour, minute, openSignedFleet, type SignedFleet } from './signed-fleet.ts';

const passedOn = ['etag', 'flywheel-seal', 'flywheel-root-version', 'flywheel-lease-remaining-ms'];

/** A gateway before the fleet's: passes everything on but what it answers in its own way. */
async function startLiar(
  target: () => string,
  lie: (path: string, response: ServerResponse) => boolean,
): Promise<Server> {
  const server = createServer((request, response) => {
    if (!lie(request.url ?? '', response)) passOn(target(), request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function passOn(target: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
  const answer = await fetch(`${target}${request.url}`, {
    method: request.method ?? 'GET',
    headers: headers as Record<string, string>,
    ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
  });
  for (const name of passedOn) if (answer.headers.has(name)) response.setHeader(name, answer.headers.get(name) ?? '');
  response.writeHead(answer.status);
  response.end(Buffer.from(await answer.arrayBuffer()));
}

describe('through a gateway that never ends, a robot', () => {
  let fleet: SignedFleet;
  let liar: Server | undefined;
  const timers: NodeJS.Timeout[] = [];
  beforeEach(async () => {
    fleet = await openSignedFleet();
  });
  afterEach(async () => {
    for (const timer of timers.splice(0)) clearInterval(timer);
    liar?.closeAllConnections();
    liar?.close();
    liar = undefined;
    await fleet.close();
  });

  async function through(lie: (path: string, response: ServerResponse) => boolean): Promise<string> {
    liar = await startLiar(() => fleet.gateway.url, lie);
    return `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
  }

  it('reads no endless order, says so, and goes on with what it has', async () => {
    const old = await fleet.release('1.0.0');
    fleet.say(championOrder(1, old, old));
    let isLying = false;
    let sentBytes = 0;
    const gatewayUrl = await through((path, response) => {
      if (!isLying || !path.includes('/desired')) return false;
      response.writeHead(200, { 'content-type': 'application/json', etag: '"endless"' });
      const chunk = Buffer.alloc(64 * 1024, '[');
      const timer = setInterval(() => {
        sentBytes += chunk.length;
        response.write(chunk);
      }, 1);
      timers.push(timer);
      response.once('close', () => clearInterval(timer));
      return true;
    });
    await fleet.open({ gatewayUrl });
    await fleet.runs('1.0.0');
    isLying = true;
    await fleet.told({ outcome: 'refused', reason: 'endlessData', version: '1.0.0' });
    assert.ok(sentBytes > 0);
    isLying = false;
    const next = await fleet.release('1.1.0');
    fleet.say(championOrder(2, next, old));
    await fleet.runs('1.1.0');
  });

  it('waits for no order that drips in: a lease that ends meanwhile ends', async () => {
    const old = await fleet.release('1.0.0');
    const champion = await fleet.release('1.1.0');
    const candidate = await fleet.release('1.2.0');
    fleet.say(candidateOrder(1, candidate, champion, old), { leaseMs: hour });
    let isLying = false;
    const gatewayUrl = await through((path, response) => {
      if (!isLying || !path.includes('/desired')) return false;
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 50);
      timers.push(timer);
      response.once('close', () => clearInterval(timer));
      return true;
    });
    await fleet.open({ gatewayUrl });
    await fleet.runs('1.2.0');
    isLying = true;
    fleet.aheadMs = hour + minute;
    await fleet.runs('1.1.0');
  });

  it('goes back at once while a download drips (slow retrieval)', async () => {
    const old = await fleet.release('1.0.0');
    const champion = await fleet.release('1.1.0');
    fleet.say(championOrder(1, old, old));
    let isLying = false;
    const gatewayUrl = await through((path, response) => {
      if (!isLying || !path.endsWith('/2.0.0/model.onnx')) return false;
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': '5000' });
      const timer = setInterval(() => response.write('x'), 50);
      timers.push(timer);
      response.once('close', () => clearInterval(timer));
      return true;
    });
    await fleet.open({ gatewayUrl });
    await fleet.runs('1.0.0');
    fleet.say(championOrder(2, champion, old));
    await fleet.runs('1.1.0');
    isLying = true;
    const slow = await fleet.release('2.0.0');
    fleet.say(championOrder(3, slow, old));
    await fleet.asked();
    fleet.say(championOrder(4, old, old));
    await fleet.runs('1.0.0');
  });
});
