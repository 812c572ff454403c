import assert from 'node:assert/strict';

import { clipKey } from '../../../datasets/camera.ts';
import type { Needs, RetentionLimits } from '../../../domain/retention.ts';
import { retainMedia } from '../../../activities/retention/retain-media.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { clipPartKey } from '../../../store/records/clip-parts.ts';
import { writeClipUse } from '../../../store/records/clip-uses.ts';
import { addHold } from '../../../store/records/legal-holds.ts';
import { readRetentionLimits, setRetentionLimits } from '../../../store/records/retention-limits.ts';
import { sha256 } from '../../support/gateway.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 0, 1);
const word = { who: 'ada', why: 'a test' };
const episode = (letter: string): string => `01J0000000000000000000000${letter}`;

function world(limits: Partial<RetentionLimits> = {}) {
  let nowMs = startMs;
  const store = memoryObjectStore(() => nowMs);
  const clock = (): number => nowMs;
  const inLake = new Set<string>();
  const needs: Needs = { from: [], named: [] };
  return {
    store,
    clock,
    inLake,
    pass: (days: number) => (nowMs += days * dayMs),
    async clip(name: string, robotId: string, letter: string, ageDays = 0): Promise<string> {
      const digest = sha256(new TextEncoder().encode(name));
      const own = { robotId, sha256: digest, episodeId: episode(letter), camera: 'front', sizeBytes: 9, site: 'hall' };
      await writeClipUse(store, { ...own, startedAtUs: (nowMs - ageDays * dayMs) * 1_000, receivedAtMs: nowMs });
      await store.put(clipKey(digest), new Uint8Array(9));
      return digest;
    },
    async sweep({ dryRun = false, atMs = nowMs, more = needs } = {}) {
      const all = { ...(await readRetentionLimits(store)), ...limits };
      const policy = 'wall';
      const progress = (): void => undefined;
      return retainMedia(
        { store, progress, policy, limits: all, needs: more, nowMs: atMs, dayMs, dryRun },
        async (ids) => new Set(ids.filter((one) => inLake.has(one))),
      );
    },
    /** The hour of the slice that a clip is in. */
    hourOf: (digest: string): number => {
      const hours = Math.floor(nowMs / hourMs);
      const slice = Number.parseInt(digest.slice(0, 2), 16);
      return (hours - (hours % 256) + slice + 256) * hourMs;
    },
    async keys(prefix: string): Promise<readonly string[]> {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      return keys;
    },
  };
}

describe('retention of clips', () => {
  it('takes a clip when the frames of its day are due, or by a limit of its own; in a dry run it only counts', async () => {
    for (const limits of [{ frames: 30 }, { frames: 10, media: 30 }, { frames: null, media: 30 }]) {
      const here = world(limits);
      const [old, young] = [await here.clip('old', 'r1', 'A', 40), await here.clip('young', 'r1', 'B', 20)];
      const dry = await here.sweep({ dryRun: true });
      assert.equal((await here.keys('media/')).length, 2);
      const { media } = await here.sweep();
      assert.deepEqual(media, dry.media);
      assert.deepEqual([media.limitDays, media.objects, media.bytes], [30, 1, 9]);
      assert.deepEqual(await here.keys('media/'), [clipKey(young)]);
      assert.ok((await here.keys('media-of/')).every((key) => !key.includes(old)));
      assert.equal((await here.sweep()).media.objects, 0);
    }
    const forEver = world();
    await forEver.clip('old', 'r1', 'A', 4_000);
    assert.deepEqual((await forEver.sweep()).media, {
      class: 'media',
      limitDays: null,
      objects: 0,
      bytes: 0,
      oldestMs: null,
      kept: [],
    });
  });

  it('keeps the bytes of a clip that another record still names, and what a robot dates into the future goes by its receipt', async () => {
    const here = world({ media: 30 });
    const shared = await here.clip('shared', 'r1', 'A', 40);
    await here.clip('shared', 'r2', 'B', 0);
    const lying = await here.clip('lying', 'r1', 'C', -4_000);
    assert.equal((await here.sweep()).media.objects, 1);
    assert.equal((await here.keys('media/')).length, 2);
    here.pass(31);
    assert.equal((await here.sweep()).media.objects, 2);
    assert.deepEqual(await here.keys('media/'), [], `${shared} ${lying}`);
  });

  it('keeps what an incident needs, and what a legal hold covers: on a robot, a site, an episode, everything', async () => {
    const scopes = [{ kind: 'robot', robotId: 'r1' }, { kind: 'site', site: 'hall' }, { kind: 'everything' }] as const;
    for (const scope of scopes) {
      const here = world({ media: 30 });
      await here.clip('old', 'r1', 'A', 40);
      await here.store.put(clipPartKey('r1', 'ab'.repeat(32), 0), new Uint8Array(1));
      const { holdId } = await addHold(here, scope, word);
      here.pass(20);
      const { media } = await here.sweep();
      assert.equal(media.objects, 0);
      assert.match(media.kept[0]?.why ?? '', new RegExp(holdId));
      assert.equal((await here.keys('media/')).length, 1);
    }
    const here = world({ media: 30 });
    await here.clip('old', 'r1', 'A', 40);
    const more: Needs = { from: [{ classes: ['media'], fromMs: 0, why: 'incident 7 is open' }], named: [] };
    assert.deepEqual((await here.sweep({ more })).media.kept, [{ why: 'incident 7 is open', objects: 1 }]);
  });

  it('takes an upload that nobody continues for seven days with all its parts, and none that goes on', async () => {
    const here = world();
    const [left, going] = ['ab'.repeat(32), 'cd'.repeat(32)];
    for (const part of [0, 1, 10]) await here.store.put(clipPartKey('r1', left, part), new Uint8Array(5));
    await here.store.put(clipPartKey('r1', going, 0), new Uint8Array(5));
    await here.store.put(clipPartKey('r2', left, 0), new Uint8Array(5));
    here.pass(6);
    for (const [robotId, name] of [
      ['r1', going],
      ['r2', left],
    ] as const)
      await here.store.put(clipPartKey(robotId, name, 1), new Uint8Array(5));
    assert.equal((await here.sweep()).parts.objects, 0);
    here.pass(2);
    assert.deepEqual((await here.sweep()).parts, { objects: 3, bytes: 15 });
    assert.equal((await here.keys('landing-media/')).length, 4);
  });

  it('takes clips of nobody: without a record after a week, with an episode that never came after 90 days, and no other', async () => {
    const here = world();
    const [named, unnamed] = [await here.clip('named', 'r1', 'A'), await here.clip('unnamed', 'r1', 'B')];
    here.inLake.add(episode('A'));
    const nobodys = sha256(new TextEncoder().encode('nobody'));
    const youngUntilMs = here.hourOf(nobodys);
    here.pass((youngUntilMs - here.clock()) / dayMs - 6);
    await here.store.put(clipKey(nobodys), new Uint8Array(9));
    const sweep = async (digest: string, dryRun = false): Promise<number> =>
      (await here.sweep({ atMs: here.hourOf(digest), dryRun })).orphans.objects;
    assert.equal((await here.sweep({ atMs: youngUntilMs })).orphans.objects, 0);
    here.pass(30);
    assert.deepEqual([await sweep(nobodys, true), await sweep(nobodys), await sweep(unnamed)], [1, 1, 0]);
    here.pass(70);
    assert.deepEqual([await sweep(named), await sweep(unnamed)], [0, 1]);
    assert.deepEqual(await here.keys('media/'), [clipKey(named)]);
    assert.equal((await here.keys('media-of/')).length, 1);
  });

  it('is a class that a person sets like any other; limits of before have none', async () => {
    const here = world();
    assert.equal((await readRetentionLimits(here.store)).media, null);
    await setRetentionLimits(here, { media: 60 }, word);
    assert.equal((await readRetentionLimits(here.store)).media, 60);
    await assert.rejects(setRetentionLimits(here, { media: 6 }, word), { type: 'InvalidInput' });
  });
});
