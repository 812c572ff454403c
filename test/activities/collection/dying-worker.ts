import assert from 'node:assert/strict';

import type { ByteRange, ObjectBody, ObjectStore } from '../../../store/object-store.ts';
import type { SqlEngine, SqlSession } from '../../../activities/ports/sql.ts';
import { CollectionWorld, generatedEpisodes, portsOf, type Ports } from './collection-fixture.ts';

/** Stands for the death of the worker: nothing of ours expects it. */
export class Killed extends Error {}

/** Counts calls of ports and dies at one of them, before it does anything; afterwards everything dies. */
export class Fate {
  calls = 0;
  readonly diesAt: number;
  constructor(diesAt: number) {
    this.diesAt = diesAt;
  }
  pass(): void {
    this.calls++;
    if (this.calls >= this.diesAt) throw new Killed(`killed at call ${this.calls}`);
  }
}

function mortalStore(store: ObjectStore, fate: Fate): ObjectStore {
  const mortal =
    <Input extends unknown[], Output>(call: (...input: Input) => Promise<Output>) =>
    async (...input: Input): Promise<Output> => {
      fate.pass();
      return call(...input);
    };
  return {
    get: mortal((key: string, range?: ByteRange) => store.get(key, range)),
    put: mortal((key: string, body: ObjectBody) => store.put(key, body)),
    putIfAbsent: mortal((key: string, body: ObjectBody) => store.putIfAbsent(key, body)),
    delete: mortal((key: string) => store.delete(key)),
    localPath: mortal((key: string) => store.localPath(key)),
    list: (prefix, options) => {
      fate.pass();
      return store.list(prefix, options);
    },
  };
}

function mortalEngine(engine: SqlEngine, fate: Fate): SqlEngine {
  return {
    open: async (options) => {
      const session = await engine.open(options);
      const mortal: SqlSession = {
        ...session,
        run: async (sql) => {
          fate.pass();
          return session.run(sql);
        },
        rows: async (sql) => {
          fate.pass();
          return session.rows(sql);
        },
      };
      return mortal;
    },
  };
}

/** The world as a worker sees it that dies at one call. */
export const mortalPorts = (world: CollectionWorld, fate: Fate): Ports =>
  portsOf(mortalStore(world.ports.store, fate), mortalEngine(world.ports.engine, fate), world.ports.scratchDirectory);

let first: Promise<CollectionWorld> | undefined;

/** Two good segments, one with a bad episode among good ones, one unreadable. */
export async function landedWorld(): Promise<CollectionWorld> {
  first ??= land();
  return (await first).copy();
}

async function land(): Promise<CollectionWorld> {
  const world = await CollectionWorld.open();
  const [[a, first], [b, second]] = [...generatedEpisodes(1, 2, 2)] as [[string, never[][]], [string, never[][]]];
  await world.land(a, first[0]!);
  await world.land(a, first[1]!);
  const rows = second.flat() as { frame_index: number }[];
  await world.land(b, rows.map((row, index) => (index === 30 ? { ...row, frame_index: 9 } : row)) as never);
  await world.landBytes(b, new TextEncoder().encode('a,b\n1,2\n'));
  return world;
}

export async function isWhole(world: CollectionWorld, when: string): Promise<void> {
  const episodes = await world.rows('episodes', 'episode_id');
  assert.equal(episodes.length, 3, when);
  assert.equal(new Set(episodes.map((row) => row['episode_id'])).size, 3, when);
  const frames = await world.rows('frames', 'episode_id, frame_index');
  assert.equal(frames.length, 75, when);
  assert.equal(new Set(frames.map((row) => JSON.stringify(row))).size, 75, when);
  assert.equal((await world.keys('quarantine/')).length, 4, when);
  assert.deepEqual(await world.keys('landing/'), [], when);
}

/** Kills a collection at every `stride`th call of its ports, each time in a new world, and lets the next attempt end the work. */
export async function dieAndGoOn(stride: number): Promise<void> {
  const counting = new Fate(Number.POSITIVE_INFINITY);
  const whole = await landedWorld();
  const expected = await whole.collect('c1', { ports: mortalPorts(whole, counting), batchSizeBytes: 8_000 });
  await isWhole(whole, 'without a death');
  assert.ok(expected.batches.length >= 2);
  await whole.close();

  for (let call = 1; call <= counting.calls; call += stride) {
    const world = await landedWorld();
    const ports = mortalPorts(world, new Fate(call));
    await assert.rejects(world.collect('c1', { ports, batchSizeBytes: 8_000 }), Killed, `call ${call}`);
    const again = await world.collect('c1', { batchSizeBytes: 8_000 });
    await isWhole(world, `killed at call ${call}`);
    const wanted = { ...expected.result, datasetVersion: again.result.datasetVersion };
    assert.deepEqual(again.result, wanted, `killed at call ${call}`);
    await world.close();
  }
}
