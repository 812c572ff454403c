import assert from 'node:assert/strict';

import { segmentJudge } from '../../../activities/collection/segment-judge.ts';
import { beginErasure } from '../../../activities/erasure/begin-erasure.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { addHold, liftHold } from '../../../store/records/legal-holds.ts';
import { CollectionWorld, failingEngine, nowMs, oneRobot, portsOf, withGap } from '../collection/collection-fixture.ts';
import { erase, hostileSite, lakeRows, land, request, threeRobots } from './erasure-world.ts';

const word = { who: 'ada', why: 'a test' };
const robot = (robotId: string) => ({ kind: 'robot', robotId }) as const;
const dayMs = 86_400_000;

/** A clock of more than a day off: its segment is refused as a whole, and can be read. */
const oddClock = { clockSkewMs: -90_000_000 };

/** A world in which a robot is erased of what it recorded before `recordedBeforeMs`; what is received comes at `at.ms`. */
async function erasedWorld(recordedBeforeMs: number) {
  const at = { ms: nowMs };
  const world = await CollectionWorld.open(memoryObjectStore(() => at.ms));
  await request(world.ports, 'e1', robot('r1'), { recordedBeforeMs });
  await erase(world.ports, 'e1');
  let cycles = 0;
  /** Robots of what went into quarantine, and segments that were counted as erased. */
  const collected = async () => {
    const before = new Set(await world.keys('quarantine/'));
    const { summary } = await world.collect(`c${(cycles += 1)}`);
    const fresh = (await world.documents('quarantine/')).filter(
      ({ cycleId, sha256 }) => !before.has(`quarantine/${String(cycleId)}/${String(sha256)}.json`),
    );
    return {
      kept: fresh.map(({ robotId }) => String(robotId)).toSorted(),
      erased: summary.rules.find(({ id }) => id === 'episode.erased')?.segments ?? 0,
    };
  };
  const land1 = (robotId: string, rows: readonly SegmentRow[], text = '') =>
    text === '' ? world.land(robotId, rows, oddClock) : world.landBytes(robotId, new TextEncoder().encode(text));
  return { world, at, collected, land: land1 };
}

const firstOf = (robotId: string, seed: number): readonly SegmentRow[] => threeRobots(seed, 1).get(robotId)?.[0] ?? [];

describe('what is uploaded after an erasure', function () {
  this.timeout(60_000);

  it('and cannot be read is kept nowhere for a month of a robot that was erased, later as ever, of others always', async () => {
    const { world, at, collected, land: landed } = await erasedWorld(nowMs);
    try {
      await landed('r1', [], 'soon after');
      await landed('r10', [], 'of another one');
      at.ms = nowMs + 29 * dayMs;
      assert.deepEqual(await collected(), { kept: ['r10'], erased: 1 });
      await landed('r1', [], 'within the month');
      assert.deepEqual(await collected(), { kept: [], erased: 1 });
      at.ms = nowMs + 31 * dayMs;
      await landed('r1', [], 'later');
      assert.deepEqual(await collected(), { kept: ['r1'], erased: 0 });
    } finally {
      await world.close();
    }
  });

  it('and is refused is kept where nothing that was erased is in it, and nowhere where something is, however late', async () => {
    const { world, at, collected, land: landed } = await erasedWorld(Date.parse('2026-01-02T00:00:00Z'));
    try {
      const rows = firstOf('r1', 7);
      const moved = (startedMs: number) => rows.map((row) => ({ ...row, started_at: startedMs * 1_000 }));
      assert.ok(rows.length > 0);
      await landed('r1', moved(Date.parse('2026-01-04T00:00:00Z')));
      assert.deepEqual(await collected(), { kept: ['r1'], erased: 0 });
      at.ms = nowMs + 400 * dayMs;
      await landed('r1', moved(Date.parse('2025-12-20T00:00:00Z')));
      assert.deepEqual(await collected(), { kept: [], erased: 1 });
      // Of a site too, and whatever folder it is sent from.
      await request(world.ports, 'e2', { kind: 'site', site: hostileSite });
      await erase(world.ports, 'e2');
      await landed('r10', firstOf('r10', 7));
      await landed('r3', firstOf('r10', 8));
      assert.deepEqual(await collected(), { kept: [], erased: 2 });
    } finally {
      await world.close();
    }
  });

  it('is quarantined as ever while a legal hold covers it', async () => {
    const { world, collected, land: landed } = await erasedWorld(nowMs);
    try {
      const hold = await addHold(world.ports, robot('r1'), word);
      await landed('r1', [], 'no segment');
      await landed('r1', firstOf('r1', 7));
      assert.deepEqual(await collected(), { kept: ['r1', 'r1'], erased: 0 });
      await liftHold(world.ports, hold.holdId, word);
      // What nobody can read any hold may cover.
      await addHold(world.ports, robot('r10'), word);
      await landed('r1', [], 'no segment either');
      await landed('r1', firstOf('r1', 8));
      assert.deepEqual(await collected(), { kept: ['r1'], erased: 1 });
    } finally {
      await world.close();
    }
  });

  it('is not quarantined by the decision of an attempt from before the erasure', async () => {
    const world = await CollectionWorld.open();
    try {
      await land(world, threeRobots(1, 2));
      await world.land('r1', firstOf('r1', 7), oddClock);
      await world.land('r10', firstOf('r10', 7), oddClock);
      const { store, engine, scratchDirectory } = world.ports;
      const full = portsOf(
        withPut(store, (key) => !key.startsWith('quarantine/')),
        engine,
        scratchDirectory,
      );
      await assert.rejects(world.collect('c', { ports: full }), /full/);
      await request(world.ports, 'e1', robot('r1'), { recordedBeforeMs: nowMs + 1 });
      await beginErasure(world.ports)({ erasureId: 'e1' });
      await world.collect('c');
      assert.deepEqual(
        (await world.documents('quarantine/')).map(({ robotId }) => robotId),
        ['r10'],
      );
      assert.equal((await lakeRows(world)).episodes.length, 4);
    } finally {
      await world.close();
    }
  });

  it('is not quarantined with the rest of its segment where that cannot be written apart, by a decision from before the erasure either', async () => {
    const world = await CollectionWorld.open();
    try {
      const { robotId, episodes } = oneRobot(3, 2);
      const [first = [], second = []] = episodes.toSorted((a, b) => (a[0]?.started_at ?? 0) - (b[0]?.started_at ?? 0));
      await world.land(robotId, [...first, ...withGap(second)]);
      const { store, engine, scratchDirectory } = world.ports;
      const full = portsOf(
        withPut(store, (key) => !key.startsWith('quarantine/')),
        engine,
        scratchDirectory,
      );
      await assert.rejects(world.collect('c', { ports: full }), /full/);
      const recordedBeforeMs = (second[0]?.started_at ?? 0) / 1_000;
      await request(world.ports, 'e1', robot(robotId), { recordedBeforeMs });
      await beginErasure(world.ports)({ erasureId: 'e1' });
      const damaged = portsOf(store, failingEngine(engine, /COPY .*refused-/s, 'a damaged index'), scratchDirectory);
      await world.collect('c', { ports: damaged });
      assert.deepEqual(await world.keys('quarantine/'), []);
    } finally {
      await world.close();
    }
  });

  it('leaves out what an erasure takes that begins while the segments are judged', async () => {
    const world = await CollectionWorld.open();
    try {
      await land(world, threeRobots(1, 3));
      await request(world.ports, 'e1', robot('r1'));
      const own = segmentJudge(world.ports.engine);
      let begun = 0;
      const judge: typeof own = {
        judge: async (...asked) => {
          if ((begun += 1) === 1) await beginErasure(world.ports)({ erasureId: 'e1' });
          return own.judge(...asked);
        },
      };
      await world.collect('c', { ports: { ...world.ports, judge } });
      const { episodes, frames } = await lakeRows(world);
      assert.deepEqual([episodes.length, frames.length], [6, 150]);
      assert.ok(episodes.every((row) => !row.includes('"r1"')));
      assert.deepEqual((await erase(world.ports, 'e1')).checked.leftovers, []);
    } finally {
      await world.close();
    }
  });
});

/** The store, whose disk is full for some keys. */
const withPut = (inner: ObjectStore, takes: (key: string) => boolean): ObjectStore => ({
  get: (...asked) => inner.get(...asked),
  putIfAbsent: (...asked) => inner.putIfAbsent(...asked),
  delete: (...asked) => inner.delete(...asked),
  list: (...asked) => inner.list(...asked),
  localPath: (...asked) => inner.localPath(...asked),
  put: (key, body) => (takes(key) ? inner.put(key, body) : Promise.reject(new Error('the disk is full'))),
});
