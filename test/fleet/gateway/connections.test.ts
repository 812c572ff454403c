import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, Socket } from 'node:net';

import { addressShare } from '../../../fleet/gateway/addresses.ts';
import { BodyPace } from '../../../fleet/gateway/body-pace.ts';
import { UnprovenSockets } from '../../../fleet/gateway/unproven-sockets.ts';
import { bearer, segmentContentType, wirePaths } from '../../../fleet/protocol/index.ts';
import { errorType, heartbeat, openTestFleet, post, type TestFleet } from '../../support/gateway.ts';
import { requestText, sendRaw } from '../../support/raw-http.ts';

describe('an address', () => {
  it('is one IPv4 address, or the /64 network of an IPv6 address', () => {
    assert.equal(addressShare('10.1.2.3'), '10.1.2.3');
    assert.equal(addressShare('::ffff:10.1.2.3'), '10.1.2.3');
    assert.equal(addressShare('2001:db8:0:7:aaaa:bbbb:cccc:dddd'), '2001:db8:0:7::/64');
    assert.equal(addressShare('2001:0db8::0007:0:0:0:1'), '2001:db8:0:7::/64');
    assert.equal(addressShare('2001:db8::1'), addressShare('2001:db8::ffff:1'));
    assert.equal(addressShare('fe80::1%eth0'), 'fe80:0:0:0::/64');
    assert.equal(addressShare('::1'), '0:0:0:0::/64');
    assert.equal(addressShare(undefined), 'unknown');
  });
});

describe('connections without a robot', () => {
  const socketOf = (remoteAddress: string, remotePort: number): Socket =>
    Object.defineProperties(new Socket(), {
      remoteAddress: { value: remoteAddress },
      remotePort: { value: remotePort },
    });

  it('are cut oldest first beyond an address’s share and beyond all, and not once a robot proved itself', () => {
    let cut = 0;
    const unproven = new UnprovenSockets({ maxPerAddress: 2, maxSockets: 4, onCut: () => (cut += 1) });
    const [first, second, third, fourth] = [1, 2, 3, 4].map((port) => socketOf('10.0.0.1', port)) as [
      Socket,
      Socket,
      Socket,
      Socket,
    ];
    unproven.take(first);
    unproven.proved(first);
    unproven.take(second);
    unproven.take(third);
    unproven.take(fourth);
    assert.deepEqual(
      [first.destroyed, second.destroyed, third.destroyed, fourth.destroyed],
      [false, true, false, false],
    );
    const others = [2, 3, 4].map((host) => socketOf(`10.0.0.${host}`, 1));
    for (const socket of others) unproven.take(socket);
    assert.deepEqual(
      [third.destroyed, fourth.destroyed, ...others.map(({ destroyed }) => destroyed)],
      [true, false, false, false, false],
    );
    assert.equal(cut, 2);
    fourth.emit('close');
    assert.equal(unproven.size, 3);
  });
});

describe('the pace of a body', () => {
  function receiving() {
    const state = { nowMs: 0, bytesRead: 0, readableLength: 0, complete: false, slow: 0 };
    const request = {
      headers: { 'content-length': '1000' },
      get complete() {
        return state.complete;
      },
      get readableLength() {
        return state.readableLength;
      },
      readableHighWaterMark: 100,
      destroyed: false,
      once: () => undefined,
      socket: {
        get bytesRead() {
          return state.bytesRead;
        },
      },
    };
    const pace = new BodyPace({
      graceMs: 3_000,
      leastBytesPerSecond: 10,
      sweepMs: 1_000,
      monotonicMs: () => state.nowMs,
      onSlow: () => (state.slow += 1),
    });
    pace.take(request as unknown as IncomingMessage, {} as ServerResponse);
    return { state, pace };
  }

  it('is too slow once it waited longer than the grace and what came pays for', () => {
    const { state, pace } = receiving();
    state.bytesRead = 20;
    for (let second = 1; second <= 5; second++) {
      state.nowMs = second * 1_000;
      pace.sweep();
    }
    assert.equal(state.slow, 0);
    state.nowMs += 1_000;
    pace.sweep();
    assert.equal(state.slow, 1);
    assert.equal(pace.receiving, 0);
  });

  it('does not count time in which the gateway has bytes to work on, nor time in which it stood still', () => {
    const { state, pace } = receiving();
    state.readableLength = 100;
    for (let second = 1; second <= 100; second++) {
      state.nowMs = second * 1_000;
      pace.sweep();
    }
    state.readableLength = 0;
    state.nowMs += 3_600_000;
    pace.sweep();
    assert.equal(state.slow, 0);
    state.complete = true;
    pace.sweep();
    assert.equal(pace.receiving, 0);
  });
});

describe('a gateway under people who hold on to it', () => {
  let fleet: TestFleet;
  let token: string;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array([1]));
    token = await fleet.addRobot('r1');
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await fleet.close();
  });

  async function open(url: string): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  it('ends a body that trickles with 408, a segment’s and any other’s, and leaves nothing of it', async function () {
    this.timeout(30_000);
    const { url } = await fleet.startGateway({
      FLYWHEEL_GATEWAY_BODY_GRACE_MS: '400',
      FLYWHEEL_GATEWAY_BODY_BYTES_PER_SECOND: '1000000',
    });
    const asked = [
      requestText('PUT', wirePaths.segment('r1', 'a'.repeat(64)), {
        authorization: bearer(token),
        'content-type': segmentContentType,
        'content-length': '60000000',
      }),
      requestText('POST', wirePaths.heartbeat('r1'), {
        authorization: bearer(token),
        'content-type': 'application/json',
        'content-length': '200000',
      }),
      requestText('POST', wirePaths.telemetry('r1'), {
        authorization: bearer(token),
        'content-type': 'application/json',
        'transfer-encoding': 'chunked',
      }),
    ];
    for (const answer of await Promise.all(asked.map((text) => sendRaw(url, text)))) {
      assert.equal(answer.status, 408, answer.text);
      assert.match(answer.text, /"tooSlow"/);
    }
    for await (const { key } of fleet.store.list('landing/')) assert.fail(key);
  });

  it('does not read on for ever what a stranger sends after being refused', async function () {
    this.timeout(30_000);
    const { url } = await fleet.startGateway({
      FLYWHEEL_GATEWAY_BODY_GRACE_MS: '400',
      FLYWHEEL_GATEWAY_BODY_BYTES_PER_SECOND: '1000000',
    });
    const socket = await open(url);
    const closed = once(socket, 'close');
    socket.resume();
    socket.write(requestText('POST', wirePaths.heartbeat('r1'), { 'content-length': '200000' }));
    const trickle = setInterval(() => socket.write('x'), 20);
    await closed;
    clearInterval(trickle);
  });

  it('keeps room for robots among hundreds of silent connections of the same address', async function () {
    this.timeout(30_000);
    const { url, operationsUrl } = await fleet.startGateway({
      FLYWHEEL_GATEWAY_CONNECTIONS: '40',
      FLYWHEEL_GATEWAY_CONNECTIONS_PER_ADDRESS: '8',
    });
    for (let index = 0; index < 200; index++) await open(url);
    for (let index = 0; index < 5; index++)
      assert.equal((await post(url + wirePaths.heartbeat('r1'), token, heartbeat())).status, 200);
    const metrics = await (await fetch(`${operationsUrl}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1]);
    assert.ok(value('flywheel_gateway_unproven_connections') <= 8);
    assert.ok(value('flywheel_gateway_unproven_connections_cut_total') >= 190);
  });

  it('does not keep a connection open for who showed no good token', async () => {
    const { url } = await fleet.startGateway();
    const response = await post(url + wirePaths.heartbeat('r1'), 'wrong', heartbeat());
    assert.equal(response.headers.get('connection'), 'close');
    assert.equal(await errorType(response), 'unauthorized');
    const good = await post(url + wirePaths.heartbeat('r1'), token, heartbeat());
    assert.notEqual(good.headers.get('connection'), 'close');
  });
});
