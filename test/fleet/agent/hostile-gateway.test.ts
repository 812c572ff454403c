import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';

import { httpsFetch } from '../../../fleet/agent/adapters/https-fetch.ts';
import { defaultLimits } from '../../../fleet/agent/index.ts';
import { candidateOrder, championOrder, publish } from './fleet-keys.ts';
import { frameAt, until } from './robot.ts';
import { robotWorld } from './robot-world.ts';

type ServeBadly = (response: ServerResponse, bytes: Uint8Array, request: IncomingMessage) => void;

/** A whole answer's headers, and what comes of its body. */
const begin = (response: ServerResponse, bytes: Uint8Array, promised = bytes.length): void => {
  response.writeHead(200, { 'content-length': promised });
  response.flushHeaders();
};
const trickle = (response: ServerResponse, bytes: Uint8Array): void => {
  begin(response, bytes);
  let at = 0;
  const timer = setInterval(() => response.write(bytes.subarray(at, (at += 1))), 1_000);
  response.once('close', () => clearInterval(timer));
};

/** Ways in which a file can fail to come. None ever ends by itself in the time a test has. */
const waysToFail: Readonly<Record<string, ServeBadly>> = {
  'no answer': () => undefined,
  'an answer that stalls': (response, bytes) => {
    begin(response, bytes);
    response.write(bytes.subarray(0, 100));
  },
  'one byte a second': trickle,
  'fewer bytes than promised': (response, bytes) => {
    begin(response, bytes);
    response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
  },
  'a file that was cut in the store': (response, bytes, request) => {
    const half = bytes.subarray(0, bytes.length >> 1);
    if (request.headers.range !== undefined)
      response.writeHead(416, { 'content-type': 'application/json' }).end('{"error":{"type":"rangeNotSatisfiable"}}');
    else response.writeHead(200, { 'content-length': half.length }).end(half);
  },
  'a 503': (response) =>
    void response.writeHead(503, { 'retry-after': '3600', 'content-type': 'application/json' }).end('{}'),
};

describe('a robot whose gateway does not give it what it needs', () => {
  // With the limits of a real robot: what is shown here does not come of short time-outs.
  const world = robotWorld({
    limits: { requestTimeoutMs: defaultLimits.requestTimeoutMs, backOff: defaultLimits.backOff },
  });
  const asked = (file: string): number => world.gateway.requests.filter((request) => request.endsWith(file)).length;
  const four = async () => ({
    baseline: await publish(world.gateway, world.keys, '1.0.0', { seed: 1 }),
    champion: await publish(world.gateway, world.keys, '1.1.0', { seed: 2 }),
    candidate: await publish(world.gateway, world.keys, '1.2.0', { seed: 3 }),
    next: await publish(world.gateway, world.keys, '1.3.0', { seed: 4 }),
  });
  const failsFor = (version: string, name: string, how: ServeBadly): void => {
    world.gateway.serveBadly = (file, request, response, bytes) => {
      if (!file.startsWith(`walls/${version}/`) || !file.endsWith(name)) return false;
      how(response, bytes, request);
      return true;
    };
  };

  for (const [what, how] of Object.entries(waysToFail))
    it(`goes back to what is on its disk at once while a model does not come: ${what}`, async () => {
      const { baseline, champion, candidate } = await four();
      world.gateway.setOrder(championOrder(1, champion, baseline));
      const robot = await world.open();
      await world.runs('1.1.0');
      await until(
        'the baseline is kept',
        async () => world.isTold({ version: '1.1.0' }) && asked('1.0.0/model.onnx') > 0,
      );
      failsFor('1.2.0', 'model.onnx', how);
      world.gateway.leaseRemainingMs = 3_600_000;
      world.gateway.setOrder(candidateOrder(2, candidate, champion, baseline));
      await until('asked for the model', () => asked('1.2.0/model.onnx') > 0);
      robot.record(frameAt(0));
      world.gateway.leaseRemainingMs = undefined;
      const before = world.gateway.heartbeats.length;
      world.gateway.setOrder({ ...championOrder(3, baseline, baseline), urgency: 'safeStop' });
      await world.runs('1.0.0');
      await until('still beats', () => world.gateway.heartbeats.length > before + 3);
    });

  for (const [what, how] of Object.entries(waysToFail))
    it(`leaves a candidate whose lease ends while the baseline does not come: ${what}`, async () => {
      const { champion, candidate, next } = await four();
      failsFor('1.3.0', '', how);
      world.gateway.leaseRemainingMs = 30 * 60_000;
      world.gateway.setOrder(candidateOrder(1, candidate, champion, next));
      await world.open({ limits: { longPollMs: 100 } });
      await world.runs('1.2.0');
      await until('asked for the baseline', () => asked('1.3.0/manifest.json') > 0);
      world.gateway.refuse = (where) => (where.startsWith('/v1/robots/') ? 503 : undefined);
      await new Promise((resolve) => setTimeout(resolve, 400));
      world.aheadMs = 31 * 60_000;
      await world.runs('1.1.0');
    });

  it('takes a newer order although the model of the last one hangs', async () => {
    const { baseline, champion, candidate } = await four();
    failsFor('1.1.0', 'model.onnx', waysToFail['an answer that stalls']!);
    world.gateway.setOrder(championOrder(1, champion, baseline));
    await world.open();
    await until('asked', () => asked('1.1.0/model.onnx') > 0);
    world.gateway.setOrder(championOrder(2, candidate, baseline));
    await world.runs('1.2.0');
  });

  it('stops at once for an order that cannot wait, and takes what ran before until the ordered version has come', async () => {
    const { baseline, champion, next } = await four();
    world.gateway.setOrder(championOrder(1, baseline, baseline));
    const robot = await world.open();
    await world.runs('1.0.0');
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await world.runs('1.1.0');
    failsFor('1.3.0', 'model.onnx', waysToFail['an answer that stalls']!);
    robot.record(frameAt(0));
    world.gateway.setOrder({ ...championOrder(3, next, baseline), urgency: 'safeStop' });
    await world.runs('1.0.0');
    await until('told', () =>
      world.isTold({ outcome: 'fellBack', reason: 'ordered', attempted: '1.1.0', version: '1.0.0' }),
    );
    world.gateway.setOrder(championOrder(4, champion, baseline));
    await world.runs('1.1.0');
  });

  it('goes back at once over TLS too', async () => {
    const pem = (name: string): string =>
      readFileSync(fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url)), 'utf8');
    const upstream = Number(new URL(world.gateway.url).port);
    const server = createTlsServer({ cert: pem('server.pem'), key: pem('server-key.pem') }, (socket) => {
      const inner = connect(upstream, '127.0.0.1');
      for (const [from, to] of [[socket, inner] as const, [inner, socket] as const]) {
        from.pipe(to);
        from.once('error', () => to.destroy());
        from.once('close', () => to.destroy());
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { baseline, champion, candidate } = await four();
      world.gateway.setOrder(championOrder(1, champion, baseline));
      await world.open({
        gatewayUrl: `https://localhost:${(server.address() as AddressInfo).port}`,
        fetch: httpsFetch({ ca: pem('authority.pem') }),
      });
      await world.runs('1.1.0');
      await until('the baseline is kept', () => asked('1.0.0/model.onnx') > 0);
      failsFor('1.2.0', 'model.onnx', waysToFail['an answer that stalls']!);
      world.gateway.setOrder(championOrder(2, candidate, baseline));
      await until('asked for the model', () => asked('1.2.0/model.onnx') > 0);
      world.gateway.setOrder({ ...championOrder(3, baseline, baseline), urgency: 'safeStop' });
      await world.runs('1.0.0');
      await world.agent?.close();
      world.agent = undefined;
    } finally {
      server.close();
    }
  });

  describe('with short limits', () => {
    const download = { idleTimeoutMs: 200, leastBytesPerS: 1_000, speedWindowMs: 300, totalTimeoutMs: 60_000 };
    const quick = { requestTimeoutMs: 500, backOff: { firstMs: 20, longestMs: 100 }, download };
    for (const what of [
      'an answer that stalls',
      'one byte a second',
      'fewer bytes than promised',
      'a file that was cut in the store',
    ])
      it(`says that a download does not come on, and finishes it when it can: ${what}`, async () => {
        const { baseline, champion } = await four();
        world.gateway.setOrder(championOrder(1, baseline, baseline));
        await world.open({ limits: quick });
        await world.runs('1.0.0');
        failsFor('1.1.0', 'model.onnx', waysToFail[what]!);
        world.gateway.setOrder(championOrder(2, champion, baseline));
        await until('told', () => world.isTold({ outcome: 'refused', reason: 'downloadFailed', attempted: '1.1.0' }));
        await until('tried on', () => asked('1.1.0/model.onnx') > 6);
        assert.equal(world.gateway.reports.filter(({ reason }) => reason === 'downloadFailed').length, 1);
        world.gateway.serveBadly = () => false;
        await world.runs('1.1.0');
      });

    it('ends a download that takes too long in all, and goes on where it stopped', async () => {
      const { baseline, champion } = await four();
      const starts: number[] = [];
      world.gateway.serveBadly = (file, request, response, bytes) => {
        if (file !== 'walls/1.1.0/model.onnx') return false;
        const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
        starts.push(start);
        response.writeHead(start > 0 ? 206 : 200, { 'content-length': bytes.length - start });
        let at = start;
        const timer = setInterval(() => {
          response.write(bytes.subarray(at, (at += 100)));
          if (at >= bytes.length) response.end();
        }, 20);
        response.once('close', () => clearInterval(timer));
        return true;
      };
      world.gateway.setOrder(championOrder(1, champion, baseline));
      await world.open({ limits: { ...quick, download: { ...download, totalTimeoutMs: 100 } } });
      await world.runs('1.1.0');
      assert.ok(starts.length > 1 && starts.every((start, index) => index === 0 || start > (starts[index - 1] ?? 0)));
    });

    for (const part of ['heartbeat', 'desired', 'telemetry', 'install-report'])
      it(`is not held up by an answer that stalls or never ends: ${part}`, async () => {
        const { baseline, champion } = await four();
        let bad = 0;
        world.gateway.answerBadly = (where, response) => {
          if (!where.endsWith(part) || bad >= 4) return false;
          bad += 1;
          response.writeHead(200, { 'content-type': 'application/json' });
          if (bad % 2 === 0) response.write('{');
          else {
            const timer = setInterval(() => response.write(' '.repeat(100_000)), 5);
            response.once('close', () => clearInterval(timer));
          }
          return true;
        };
        world.gateway.setOrder(championOrder(1, champion, baseline));
        const robot = await world.open({ limits: quick });
        robot.record(frameAt(0));
        await robot.endEpisode('success');
        await world.runs('1.1.0');
        await until(
          'all told',
          () => bad === 4 && robot.status().waitingTelemetry + robot.status().waitingReports === 0,
        );
        await until('beats', () => world.gateway.heartbeats.at(-1)?.installedVersion === '1.1.0');
      });
  });
});
