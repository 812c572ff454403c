import assert from 'node:assert/strict';

import { foundDocument, objectsOf } from '../../../activities/erasure/found.ts';
import { clipKey } from '../../../datasets/camera.ts';
import { checkErased } from '../../../activities/erasure/check-erased.ts';
import { eraseFound } from '../../../activities/erasure/erase-found.ts';
import { eraseMedia, findMedia } from '../../../activities/erasure/find-media.ts';
import { findErased } from '../../../activities/erasure/find-erased.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { clipPartKey } from '../../../store/records/clip-parts.ts';
import { clipUseKey, writeClipUse } from '../../../store/records/clip-uses.ts';
import { awaitedClipKey, clipVerdictKey } from '../../../store/records/clip-verdicts.ts';
import { erasedClips } from '../../../store/records/erased-clips.ts';
import { writeEpisodeList } from '../../../store/records/episode-lists.ts';
import { addHold } from '../../../store/records/legal-holds.ts';
import { sha256 } from '../../support/gateway.ts';
import { CollectionWorld, nowMs } from '../collection/collection-fixture.ts';
import { erase, request } from './erasure-world.ts';

const names = { own: 'own', shared: 'shared', others: 'others', later: 'later', quarantined: 'quarantined' };
const bytesOf = (name: string): Uint8Array => new TextEncoder().encode(`clip ${name}`);
const shaOf = (name: string): string => sha256(bytesOf(name));
const episodes = { r1: '01J0000000000000000000000A', r10: '01J0000000000000000000000B' };

async function putClip(store: ObjectStore, name: string, robotId: 'r1' | 'r10', startedMs = nowMs - 1_000) {
  const use = { robotId, sha256: shaOf(name), episodeId: episodes[robotId], camera: 'front', sizeBytes: 9 };
  const site = robotId === 'r1' ? 'hall 1' : 'hall 2';
  await writeClipUse(store, { ...use, site, startedAtUs: startedMs * 1_000, receivedAtMs: nowMs });
  await store.put(clipKey(shaOf(name)), bytesOf(name));
  return use;
}

const neverCame = 'fe'.repeat(32);

/** A verdict on each robot's own clip, and a note of one that never came. */
async function putNotes(store: ObjectStore): Promise<void> {
  for (const [robotId, own] of [
    ['r1', names.own],
    ['r10', names.others],
  ] as const) {
    const named = { robotId, episodeId: episodes[robotId], camera: 'front' };
    const note = jsonBytes({ ...named, startedUs: (nowMs - 1_000) * 1_000 });
    await store.put(clipVerdictKey({ ...named, sha256: shaOf(own) }), note);
    await store.put(awaitedClipKey({ ...named, sha256: neverCame }), note);
  }
  const later = { robotId: 'r1', sha256: shaOf(names.later), episodeId: episodes.r1, camera: 'front' };
  await store.put(clipVerdictKey(later), jsonBytes({ ...later, startedUs: (nowMs + 1_000) * 1_000 }));
}

const notesLeft = async (store: ObjectStore): Promise<readonly string[]> => {
  const left: string[] = [];
  for (const prefix of ['clips/', 'clips-awaited/'])
    for await (const { key } of store.list(prefix))
      left.push(
        `${key.split('/')[1]} ${key.includes(neverCame) ? 'never came' : key.includes(shaOf(names.later)) ? 'later' : 'judged'}`,
      );
  return left.toSorted();
};

/** Of r1: a clip of its own, one it shares with r10, one of after the request, one in quarantine, a part; of r10: the shared one, its own, a part. */
async function putClips(store: ObjectStore): Promise<void> {
  for (const name of [names.own, names.shared, names.quarantined]) await putClip(store, name, 'r1');
  await putClip(store, names.later, 'r1', nowMs + 1_000);
  for (const name of [names.shared, names.others]) await putClip(store, name, 'r10');
  await store.delete(clipKey(shaOf(names.quarantined)));
  await store.put(`quarantine/c0/${shaOf(names.quarantined)}.mp4`, bytesOf(names.quarantined));
  await store.put(`quarantine/c0/${shaOf(names.quarantined)}.json`, jsonBytes({ episodeId: episodes.r1 }));
  for (const robotId of ['r1', 'r10']) await store.put(clipPartKey(robotId, 'ab'.repeat(32), 0), bytesOf('part'));
}

const clipsLeft = async (store: ObjectStore): Promise<readonly string[]> => {
  const left: string[] = [];
  for (const prefix of ['media/', 'quarantine/c0/'])
    for await (const { key } of store.list(prefix))
      for (const name of Object.values(names)) if (key.endsWith(`${shaOf(name)}.mp4`)) left.push(name);
  return left.toSorted();
};
const isThere = async (store: ObjectStore, key: string): Promise<boolean> => (await store.get(key)) !== undefined;

describe('erasure of clips', function () {
  this.timeout(120_000);
  let world: CollectionWorld;
  let store: ObjectStore;

  beforeEach(async () => {
    world = await CollectionWorld.open();
    ({ store } = world.ports);
    await putClips(store);
    await putNotes(store);
  });
  afterEach(() => world.close());

  it('of a robot takes its clips, records and parts; one that another robot brought too stays, and none can come back', async () => {
    const recordedBeforeMs = nowMs + 500;
    await request(world.ports, 'e1', { kind: 'robot', robotId: 'r1' }, { recordedBeforeMs });
    const { checked, certificate } = await erase(world.ports, 'e1');
    assert.deepEqual(checked.leftovers, []);
    assert.equal(certificate?.erased.clips, 3);
    assert.deepEqual(await clipsLeft(store), [names.later, names.others, names.shared].toSorted());
    assert.deepEqual(await notesLeft(store), ['r1 later', 'r10 judged', 'r10 never came']);
    const part = (robotId: string) => isThere(store, clipPartKey(robotId, 'ab'.repeat(32), 0));
    assert.deepEqual([await part('r1'), await part('r10')], [false, true]);
    const use = (robotId: 'r1' | 'r10', name: string) =>
      isThere(store, clipUseKey({ robotId, sha256: shaOf(name), episodeId: episodes[robotId], camera: 'front' }));
    assert.deepEqual([await use('r1', names.shared), await use('r10', names.shared)], [false, true]);
    assert.equal(await use('r1', names.later), true);
    const wasErased = erasedClips(store);
    const told = { site: 'hall', episodeId: 'another', startedAtUs: (nowMs + 9e9) * 1_000 };
    assert.equal(await wasErased({ ...told, robotId: 'r1', sha256: shaOf(names.shared) }), true);
    assert.equal(await wasErased({ ...told, robotId: 'r10', sha256: shaOf(names.shared) }), false);
  });

  it('of episodes and of a site takes the clips of these', async () => {
    await request(world.ports, 'e1', { kind: 'episodes', digest: 'a'.repeat(64), count: 1 }, { ids: [episodes.r10] });
    assert.deepEqual((await erase(world.ports, 'e1')).checked.leftovers, []);
    assert.deepEqual(await clipsLeft(store), [names.later, names.own, names.quarantined, names.shared].toSorted());
    assert.deepEqual(await notesLeft(store), ['r1 judged', 'r1 later', 'r1 never came']);
    await request(world.ports, 'e2', { kind: 'site', site: 'hall 1' });
    assert.deepEqual((await erase(world.ports, 'e2')).checked.leftovers, []);
    assert.deepEqual(await clipsLeft(store), [names.later]);
  });

  it('is refused by a hold on the robot, its site or an episode of what goes, and takes nothing then', async () => {
    const before = await clipsLeft(store);
    const word = { who: 'ada', why: 'a court' };
    const { digest, count } = await writeEpisodeList(store, [episodes.r10]);
    await addHold(world.ports, { kind: 'episodes', digest, count }, word);
    await request(world.ports, 'e1', { kind: 'robot', robotId: 'r10' });
    await assert.rejects(erase(world.ports, 'e1'), { type: 'Conflict' });
    await addHold(world.ports, { kind: 'site', site: 'hall 1' }, word);
    await request(world.ports, 'e2', { kind: 'robot', robotId: 'r1' });
    await assert.rejects(erase(world.ports, 'e2'), { type: 'Conflict' });
    assert.deepEqual(await clipsLeft(store), before);
  });

  it('is not signed off while a clip, a record, a part or a quarantined clip of it is left', async () => {
    const recordedBeforeMs = nowMs + 500;
    await request(world.ports, 'e1', { kind: 'robot', robotId: 'r1' }, { recordedBeforeMs });
    await findErased(world.ports)({ erasureId: 'e1', pass: 1 });
    await eraseFound(world.ports)({ erasureId: 'e1', pass: 1 });
    await findErased(world.ports)({ erasureId: 'e1', pass: 2 });
    const planted = [
      clipKey(shaOf(names.own)),
      `quarantine/c0/${shaOf(names.quarantined)}.mp4`,
      clipPartKey('r1', 'cd'.repeat(32), 0),
      awaitedClipKey({ robotId: 'r1', sha256: neverCame, episodeId: episodes.r1, camera: 'front' }),
    ];
    for (const key of planted) await store.put(key, bytesOf('left'));
    const use = { robotId: 'r1', sha256: 'ef'.repeat(32), episodeId: episodes.r1, camera: 'front', sizeBytes: 1 };
    await writeClipUse(store, { ...use, startedAtUs: 1, receivedAtMs: 1 });
    const { leftovers } = await checkErased(world.ports)({ erasureId: 'e1', passes: 2 });
    assert.deepEqual([...leftovers].toSorted(), [...planted, clipUseKey(use)].toSorted());
  });
});

describe('erasing the clips that were found', () => {
  const erased = {
    request: {
      erasureId: 'e1',
      target: { kind: 'robot', robotId: 'r1' } as const,
      recordedBeforeMs: nowMs,
      who: 'a',
      why: 'b',
      atMs: 1,
    },
    hashes: new Set<string>(),
  };

  it('goes on where it was cut short, and spares bytes that another robot brought meanwhile', async () => {
    for (let deaths = 0; deaths < 14; deaths += 1) {
      const store = memoryObjectStore(() => nowMs - 1);
      await putClips(store);
      const found = await findMedia({ store, progress: () => undefined }, erased);
      await putClip(store, names.own, 'r10');
      let left = deaths;
      const mortal: ObjectStore = {
        ...store,
        delete: async (key) => {
          left -= 1;
          if (left < 0) throw new Error('the worker died');
          await store.delete(key);
        },
      };
      await eraseMedia({ store: mortal, progress: () => undefined }, erased, found).catch(() => undefined);
      await eraseMedia({ store, progress: () => undefined }, erased, found);
      assert.deepEqual(await clipsLeft(store), [names.later, names.others, names.own, names.shared].toSorted());
    }
  });
});

describe('what a pass of an erasure found', () => {
  it('is read as earlier versions wrote it: without clips, and with clips but without notes of them', async () => {
    const store = memoryObjectStore(() => 0);
    const nothing = {
      episodes: 1,
      frames: 1,
      lakeFiles: [],
      segments: [],
      unreadable: [],
      telemetry: [],
      sums: [],
      sets: [],
      texts: [],
    };
    const media = { uses: ['u'], clips: ['c'], quarantined: [], parts: [] };
    await store.put('erasures/e1/found-0001.json', jsonBytes({ pass: 1, ...nothing }));
    await store.put('erasures/e1/found-0002.json', jsonBytes({ pass: 2, ...nothing, media }));
    assert.equal((await foundDocument(store, 'e1', 1).read())?.media, undefined);
    const found = await foundDocument(store, 'e1', 2).read();
    assert.deepEqual(found?.media, { ...media, notes: [] });
    assert.equal(objectsOf(found), 2);
  });
});
