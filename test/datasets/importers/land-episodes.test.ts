import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FrameColumns } from '../../../datasets/frame-columns.ts';
import { landEpisodes } from '../../../datasets/importers/land-episodes.ts';
import { digestOfEpisodes } from '../../../datasets/importers/segment-rows.ts';
import type { SourceEpisode } from '../../../datasets/importers/source-episode.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { cart } from './cart.ts';

describe('landing the episodes of a recording', () => {
  let scratchDirectory = '';
  before(async () => (scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-landing-'))));
  after(() => rm(scratchDirectory, { recursive: true, force: true }));

  async function* episodes(count: number, frames = 10, robots = 1): AsyncGenerator<SourceEpisode> {
    for (let number = 0; number < count; number += 1) {
      const startUs = Date.UTC(2024, 0, 1) * 1000 + number * 1e8;
      yield {
        name: `carts:${number}`,
        robotId: `cart-${number % robots}`,
        task: 'roll',
        outcome: 'success',
        failureReason: null,
        isDemonstration: true,
        at: { value: '', firstRow: 0, rows: frames },
        frames: FrameColumns.of(
          Array.from({ length: frames }, (_, frame) => ({
            atUs: startUs + frame * 100_000,
            observation: Float32Array.of(number % 7, frame % 5),
            action: Float32Array.of(0.5),
          })),
        ),
      };
    }
  }
  async function* otherThan(source: AsyncIterable<SourceEpisode>, place: number): AsyncGenerator<SourceEpisode> {
    let number = 0;
    for await (const episode of source) yield number++ === place ? { ...episode, name: 'another' } : episode;
  }
  const land = (store: ObjectStore, source: AsyncIterable<SourceEpisode>, importId: string | undefined = 'one') =>
    landEpisodes(
      { store, scratchDirectory, progress: () => {}, isRegistered: async () => false },
      { importId, type: cart, site: 'bench', agentVersion: 'test', episodes: source, segmentFrames: 60 },
    );
  async function keysOf(store: ObjectStore, prefix = 'landing/') {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys;
  }

  it('cuts segments by frames, and lands an episode longer than a segment alone', async () => {
    const store = memoryObjectStore();
    const landed = await land(store, episodes(13));
    assert.deepEqual(landed, { frames: 130, episodes: 13, robots: 1, segments: 3, segmentsAlreadyThere: 0 });
    assert.equal((await land(memoryObjectStore(), episodes(3, 100))).segments, 3);
    assert.equal((await land(memoryObjectStore(), episodes(3, 10, 3))).segments, 3);
  });

  it('goes on behind what an import that was cut short had landed, wherever it was cut', async () => {
    const whole = memoryObjectStore();
    await land(whole, episodes(13));
    const keys = await keysOf(whole);
    for (let puts = 0; puts < 9; puts += 1) {
      const store = memoryObjectStore();
      let left = puts;
      const dying: ObjectStore = {
        ...store,
        putIfAbsent: async (key, body) => {
          left -= 1;
          if (left < 0) throw new Error('killed');
          return store.putIfAbsent(key, body);
        },
      };
      await assert.rejects(land(dying, episodes(13)), /killed/);
      const recorded = (await keysOf(store, 'imports/')).length;
      const landed = (await keysOf(store)).length;
      const second = await land(store, episodes(13));
      assert.deepEqual(await keysOf(store), keys, `after ${puts} puts`);
      assert.ok(second.segmentsAlreadyThere >= Math.max(recorded, landed), `after ${puts} puts`);
    }
  });

  it('adds nothing the second time, also when a collection has taken the segments away, unless it is asked to', async () => {
    const store = memoryObjectStore();
    await land(store, episodes(13));
    const keys = await keysOf(store);
    for (const key of keys) await store.delete(key);
    assert.equal((await land(store, episodes(13))).segmentsAlreadyThere, 3);
    assert.deepEqual(await keysOf(store), []);
    assert.equal((await land(store, episodes(13), 'two')).segmentsAlreadyThere, 0);
    assert.deepEqual(await keysOf(store), keys);
  });

  it('lands again what a damaged record, or one of other content, claims to have landed', async () => {
    const other = memoryObjectStore();
    // As many episodes and frames, and one of them is another episode.
    await land(other, otherThan(episodes(6), 4));
    const ofOthers = new TextDecoder().decode(await other.get('imports/one/00000000.json'));
    assert.deepEqual(
      (({ episodes, frames }) => [episodes, frames])(JSON.parse(ofOthers) as Record<string, number>),
      [6, 60],
    );
    const earlier = '{"key": "x", "episodes": 6, "frames": 60}';
    for (const text of ['not JSON', '{}', earlier, ofOthers]) {
      const store = memoryObjectStore();
      await store.put('imports/one/00000000.json', new TextEncoder().encode(text));
      assert.equal((await land(store, episodes(6))).segmentsAlreadyThere, 0);
      assert.equal((await keysOf(store)).length, 1);
    }
  });

  it('lands nothing of a robot that is registered, and gets ready once, before the first segment', async () => {
    const store = memoryObjectStore();
    const ready: number[] = [];
    const ports = {
      store,
      scratchDirectory,
      progress: () => {},
      isRegistered: async (robotId: string) => robotId === 'cart-1',
      beforeLanding: async () => void ready.push((await keysOf(store, '')).length),
    };
    const of = (robots: number) => ({
      importId: 'one',
      type: cart,
      site: 'bench',
      agentVersion: 'test',
      episodes: episodes(4, 10, robots),
      segmentFrames: 10,
    });
    await assert.rejects(
      landEpisodes(ports, of(2)),
      /expected robots that exist in recordings only, got cart-1, which is registered: give .* other ids in the map/,
    );
    assert.deepEqual([await keysOf(store, ''), ready], [[], []]);
    await landEpisodes(ports, of(1));
    assert.deepEqual(ready, [0]);
  });

  it('refuses more robots than any fleet has', async () => {
    async function* many(): AsyncGenerator<SourceEpisode> {
      for await (const episode of episodes(1))
        for (let robot = 0; ; robot += 1) yield { ...episode, robotId: `r-${robot}` };
    }
    const store = memoryObjectStore();
    let only: SourceEpisode | undefined;
    for await (const episode of episodes(1)) only = episode;
    const known: ObjectStore = {
      ...store,
      // Each robot in its turn, as known.
      get: async (key) => {
        const robotId = `r-${Number(/(\d+)\.json$/.exec(key)?.[1])}`;
        const digest = digestOfEpisodes([{ ...only!, robotId }], cart, 'bench');
        return new TextEncoder().encode(JSON.stringify({ key: 'k', digest, episodes: 1, frames: 10 }));
      },
    };
    await assert.rejects(land(known, many()), /expected at most 10000 robots, got one more/);
  });
});
