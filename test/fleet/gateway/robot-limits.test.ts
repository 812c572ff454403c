import assert from 'node:assert/strict';
import { Socket } from 'node:net';

import { ByteBudget, UsageLimiter } from '../../../fleet/gateway/robot-limits.ts';

const limits = { requestsPerSecond: 2, burstRequests: 4, maxConcurrentRequests: 3, maxConnections: 2 };

describe('a robot’s share', () => {
  it('refills with time, up to the burst', () => {
    let nowMs = 0;
    const limiter = new UsageLimiter(limits, () => nowMs);
    const socket = new Socket();
    const request = (): void => limiter.admit('r1', socket)();
    for (let index = 0; index < 4; index++) request();
    assert.throws(request, { type: 'tooManyRequests', retryAfterMs: 500 });
    nowMs = 500;
    request();
    assert.throws(request, { type: 'tooManyRequests' });
    nowMs = 3_600_000;
    for (let index = 0; index < 4; index++) request();
    assert.throws(request, { type: 'tooManyRequests' });
  });

  it('is given back when a request ends', () => {
    const limiter = new UsageLimiter({ ...limits, burstRequests: 100 }, () => 0);
    const socket = new Socket();
    const ends = [0, 1, 2].map(() => limiter.admit('r1', socket));
    assert.throws(() => limiter.admit('r1', socket), /at once/);
    ends[0]?.();
    limiter.admit('r1', socket);
  });

  it('counts a connection that a proxy shares among robots to the one that used it last', () => {
    const limiter = new UsageLimiter({ ...limits, burstRequests: 1_000 }, () => 0);
    const pool = Array.from({ length: 20 }, () => new Socket());
    for (const robot of ['r1', 'r2', 'r3'])
      for (const [index, socket] of pool.entries()) {
        if (index >= 2) limiter.admit(`other-${index}`, pool[index - 2] ?? socket)();
        limiter.admit(robot, socket)();
      }
    assert.ok(pool.every((socket) => socket.listenerCount('close') <= 2));
  });

  it('refuses connections beyond it until one closes', () => {
    const limiter = new UsageLimiter({ ...limits, burstRequests: 100 }, () => 0);
    const [first, second, third] = [new Socket(), new Socket(), new Socket()];
    limiter.admit('r1', first)();
    limiter.admit('r1', second)();
    assert.throws(() => limiter.admit('r1', third), /connections/);
    first.emit('close');
    limiter.admit('r1', third)();
  });
});

describe('a budget of bytes', () => {
  it('refuses what does not fit, until bytes are given back', () => {
    const budget = new ByteBudget(10);
    const giveBack = budget.take(8);
    assert.throws(() => budget.take(3), { type: 'overloaded' });
    giveBack();
    budget.take(3);
    assert.equal(budget.heldBytes, 3);
  });
});
