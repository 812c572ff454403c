import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';

import { beginErasure } from '../../../activities/erasure/begin-erasure.ts';
import { withoutErasedFacts } from '../../../activities/erasure/fact-lines.ts';
import { openLake } from '../../../activities/lake/lake.ts';
import type { DataScope } from '../../../domain/legal-hold.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { readErasureRequest, writeErasureRequest } from '../../../store/records/erasures.ts';
import {
  bootOf,
  episode,
  episodeIdOf,
  hourMs,
  online,
  openFactWorld,
  startMs,
  type Entry,
  type FactWorld,
} from './fact-world.ts';

const dayMs = 24 * hourMs;
/** A noon: what came before goes. */
const requestMs = startMs + 2 * dayMs + 14 * hourMs;

async function ask(
  { store, engine, scratchDirectory }: FactWorld,
  erasureId: string,
  target: DataScope,
  ids: readonly string[] = [],
) {
  const clock = (): number => requestMs;
  const lake = openLake({ store, engine, clock, stagingDirectory: scratchDirectory });
  const word = { who: 'ada', why: 'a letter', atMs: requestMs };
  await writeErasureRequest(store, { erasureId, target, recordedBeforeMs: requestMs, ...word }, ids);
  await beginErasure({ store, lake, engine, progress: () => undefined, scratchDirectory })({ erasureId });
}

const line = (robotId: string, entries: readonly Entry[], receivedMs = requestMs + hourMs) => ({
  robotId,
  bootId: bootOf(Number(robotId.slice(1))),
  receivedMs,
  clockSkewMs: 0,
  entries,
});

/** An episode of yesterday, one that began before the request, one of after it, and an hour of work on each of two days. */
const told = (index: number): readonly Entry[] => [
  episode(10 * index, requestMs - dayMs),
  online(10 * index + 1, requestMs - dayMs, hourMs),
  episode(10 * index + 2, requestMs + 30_000, { durationMs: 60_000 }),
  episode(10 * index + 3, requestMs + hourMs / 2, { durationMs: 60_000 }),
  online(10 * index + 4, requestMs + hourMs, hourMs),
];

const outcomes = async (world: FactWorld): Promise<readonly unknown[]> =>
  (await world.rows('outcomes', 'SELECT episode_id FROM facts ORDER BY episode_id')).map((row) => row['episode_id']);
const days = async (world: FactWorld): Promise<readonly string[]> =>
  (await world.rows('fleet_days', 'SELECT robot_id, recorded_on::VARCHAR AS day FROM facts ORDER BY ALL')).map(
    (row) => `${row['robot_id'] as string} ${row['day'] as string}`,
  );
const [yesterday, today] = [-dayMs, 0].map((ms) => new Date(requestMs + ms).toISOString().slice(0, 10));

async function withWorld(work: (world: FactWorld) => Promise<void>): Promise<void> {
  const world = await openFactWorld();
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

describe('facts and erasure', function () {
  this.timeout(60_000);

  it('refuse what a robot tells late of its past, take what came after, and all of every other robot', () =>
    withWorld(async (world) => {
      await ask(world, 'e1', { kind: 'robot', robotId: 'r0' });
      // Told after the request, when the tables were never made.
      await world.write([line('r0', told(0)), line('r2', told(2))], requestMs + hourMs);
      world.nowMs = requestMs + 3 * hourMs;
      await world.compact();
      assert.deepEqual(await outcomes(world), [3, 20, 22, 23].map(episodeIdOf));
      assert.deepEqual(await days(world), [`r0 ${today}`, `r2 ${yesterday}`, `r2 ${today}`]);
      await ask(world, 'e2', { kind: 'site', site: 'yard' });
      await ask(world, 'e3', { kind: 'episodes', digest: 'a'.repeat(64), count: 1 }, [episodeIdOf(30)]);
      const late = [episode(30, requestMs + hourMs), episode(31, requestMs + hourMs)];
      await world.write([line('r1', told(1)), line('r0', late)], requestMs + 4 * hourMs);
      world.nowMs = requestMs + 6 * hourMs;
      await world.compact();
      assert.deepEqual(await outcomes(world), [3, 13, 20, 22, 23, 31].map(episodeIdOf));
      assert.deepEqual(
        (await days(world)).filter((text) => text.startsWith('r1')),
        [`r1 ${today}`],
      );
    }));

  it('leave out what an erasure takes that comes between a step and its commit, or while it is committed', () =>
    withWorld(async (world) => {
      await world.write([line('r2', [episode(90, requestMs - 2 * dayMs)], requestMs - dayMs)], requestMs - dayMs);
      world.nowMs = requestMs - dayMs + 2 * hourMs;
      await world.compact();
      await world.write([line('r0', told(0)), line('r1', told(1)), line('r2', told(2))], requestMs + hourMs);
      world.nowMs = requestMs + 3 * hourMs;
      // Its worker dies when the step is written down.
      const dying = hooked(world.store, (call, key) => {
        if (call === 'put' && key.startsWith('lake/')) throw new Error('killed');
      });
      await assert.rejects(world.compact(dying), /killed/);
      assert.deepEqual(await outcomes(world), [episodeIdOf(90)]);
      await ask(world, 'e1', { kind: 'robot', robotId: 'r0' });
      // An erasure takes them out of what was written down, and leaves the object for the step to end.
      for await (const { key } of world.store.list('facts/'))
        if (key.endsWith('.ndjson')) {
          const rows = new TextDecoder().decode(await world.store.get(key));
          const erased = { request: await readErasureRequest(world.store, 'e1'), hashes: new Set<string>() };
          await world.store.put(key, new TextEncoder().encode(withoutErasedFacts(rows, erased)));
        }
      let begun = 0;
      const racing = hooked(world.store, async (call, key) => {
        if (call === 'put' && key.startsWith('lake/outcomes/recorded_on') && (begun += 1) === 1)
          await ask(world, 'e2', { kind: 'robot', robotId: 'r1' });
      });
      await world.compact(racing);
      assert.ok(begun > 1, 'the rows were made again');
      assert.deepEqual(await outcomes(world), [3, 13, 20, 22, 23, 90].map(episodeIdOf));
      assert.deepEqual(
        (await days(world)).filter((text) => !text.startsWith('r2')),
        [`r0 ${today}`, `r1 ${today}`],
      );
      assert.deepEqual(await readdir(world.scratchDirectory), []);
    }));
});

/** A store that says what it is about to do. */
function hooked(inner: ObjectStore, hook: (call: 'put' | 'putIfAbsent', key: string) => unknown): ObjectStore {
  return {
    get: (...asked) => inner.get(...asked),
    delete: (...asked) => inner.delete(...asked),
    list: (...asked) => inner.list(...asked),
    localPath: (...asked) => inner.localPath(...asked),
    put: async (key, body) => {
      await hook('put', key);
      return inner.put(key, body);
    },
    putIfAbsent: async (key, body) => {
      await hook('putIfAbsent', key);
      return inner.putIfAbsent(key, body);
    },
  };
}
