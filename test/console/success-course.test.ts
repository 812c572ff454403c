import assert from 'node:assert/strict';

import { stepFor } from '../../activities/metrics/success-course.ts';
import type { SuccessCourseAnswer } from '../../console/answers/metrics.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';

const path = `/api/v1/metrics/course?policy=${policy}&from=2026-06-01&to=2026-06-04`;

describe('success over time, of the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  const read = async (): Promise<SuccessCourseAnswer> => {
    const { status, body } = await world.get(path);
    assert.equal(status, 200, JSON.stringify(body));
    return body as unknown as SuccessCourseAnswer;
  };

  before(async () => {
    world = await openConsoleWorld();
  });
  after(() => world.close());

  it('tells no facts and no such policy from nothing', async () => {
    const { state, points, champions } = await read();
    assert.deepEqual([state, points, champions], ['noFacts', [], []]);
    assert.equal((await world.get('/api/v1/metrics/course?policy=nobody')).status, 404);
    assert.equal((await world.get(`/api/v1/metrics/course?policy=${policy}&from=soon`)).status, 400);
  });

  it('is by pieces that suit the time in which there is something, each with its number', async () => {
    for (const [index, robotId] of ['r0', 'r1'].entries()) {
      const entries = Array.from({ length: 8 }, (_, at) =>
        episode(at, startMs + (at < 4 ? 10 : 130) * 60_000 + at, {
          episodeId: episodeIdOf(100 * index + at),
          outcome: at < 4 && index === 0 ? 'failure' : 'success',
        }),
      );
      const receivedMs = startMs + 25 * hourMs;
      await world.facts.write([{ robotId, bootId: bootOf(index), receivedMs, clockSkewMs: 0, entries }], receivedMs);
    }
    world.facts.nowMs = startMs + 27 * hourMs;
    await world.facts.compact();
    const { stepMs, points, state } = await read();
    assert.deepEqual([state, stepMs], ['read', 5 * 60_000]);
    assert.deepEqual(
      points.map(({ fromMs, robots, success }) => [
        fromMs - startMs,
        robots,
        success.kind === 'value' && success.value,
        success.kind === 'value' && success.n,
      ]),
      [
        [10 * 60_000, 2, 0.5, 8],
        [130 * 60_000, 2, 1, 8],
      ],
    );
  });

  it('names the champion at its beginning and each that came after', async () => {
    const { store } = world.ports;
    for (const [atMs, champion] of [
      [startMs - 90 * hourMs, '0.8.0'],
      [startMs - 80 * hourMs, '0.9.0'],
      [startMs, '1.0.0'],
      [startMs + hourMs, '1.1.0'],
      [startMs + 90 * hourMs, '1.2.0'],
    ] as const)
      await moveAliases(
        { store, clock: () => atMs },
        { policy, operationId: `${champion}#1`, who: 'w', why: 'y' },
        () => ({ champion }),
      );
    const { champions } = await read();
    assert.deepEqual(
      champions?.map(({ version, way }) => `${version} ${way}`),
      ['0.9.0 trial', '1.0.0 trial', '1.1.0 trial'],
    );
    await store.put(`registry/${policy}/aliases/${'9'.padStart(20, '0')}.json`, new TextEncoder().encode('{'));
    const torn = await read();
    assert.deepEqual([torn.champions, torn.points.length], [null, 2]);
  });

  it('has at most 50 pieces, of minutes up to four weeks', () => {
    for (const [spanMs, stepMs] of [
      [0, 60_000],
      [48 * 60_000, 60_000],
      [49 * 60_000, 5 * 60_000],
      [48 * hourMs, hourMs],
      [12 * 24 * hourMs, 6 * hourMs],
      [48 * 24 * hourMs, 24 * hourMs],
      [49 * 24 * hourMs, 7 * 24 * hourMs],
      [3_650 * 24 * hourMs, 28 * 24 * hourMs],
    ] as const)
      assert.equal(stepFor(spanMs), stepMs, String(spanMs));
  });
});
