import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { beginErasure } from '../../../activities/erasure/begin-erasure.ts';
import { checkErased } from '../../../activities/erasure/check-erased.ts';
import { eraseFound } from '../../../activities/erasure/erase-found.ts';
import { findErased, search } from '../../../activities/erasure/find-erased.ts';
import { readHeldData } from '../../../activities/retention/held-data.ts';
import type { DataScope } from '../../../domain/legal-hold.ts';
import { readErasedEpisodes, readErasureRequest, writeErasedEpisodes } from '../../../store/records/erasures.ts';
import { removeFromLanding } from '../../../activities/collection/removed-segments.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { setEpisodeStanding, readExclusions } from '../../../activities/mix/exclusions.ts';
import { addHold, liftHold } from '../../../store/records/legal-holds.ts';
import { readEpisodeList, writeEpisodeList } from '../../../store/records/episode-lists.ts';
import { CollectionWorld, failingEngine, nowMs, portsOf, weekStartMs } from '../collection/collection-fixture.ts';
import { Killed } from '../collection/dying-worker.ts';
import { erase, hostileSite, lakeRows, land, request, threeRobots } from './erasure-world.ts';
import { dieAndErase } from './dying-eraser.ts';
import { filled, state } from './filled-world.ts';
import { putTrainedModel } from './trained-model.ts';

const word = { who: 'ada', why: 'a test' };
const robot = (robotId: string) => ({ kind: 'robot', robotId }) as const;

const text = async (world: CollectionWorld, key: string): Promise<string> =>
  new TextDecoder().decode(await world.ports.store.get(key));

const idsOf = (rows: readonly string[]): readonly string[] =>
  rows.map((row) => (JSON.parse(row) as { episode_id: string }).episode_id);

describe('erasure', function () {
  this.timeout(120_000);

  it('of a robot takes its rows from everywhere and no other row, whose id begins alike; models are named', async () => {
    const world = await filled();
    try {
      const { store, lake } = world.ports;
      const before = await lakeRows(world);
      const version = await lake.currentVersion();
      const [label = ''] = idsOf(before.episodes.filter((row) => row.includes('"r1"')));
      await setEpisodeStanding(world.ports, { episodeId: label, standing: 'excluded', who: 'ada', reason: 'bad' });
      await putTrainedModel(store, '1.0.0', version, 'a');
      const quarantined = await world.keys('quarantine/');
      // What of them nobody knows the episode goes too; what is signed stays and is named.
      const [signed, ...shown] = [
        'models/wall/1.0.0/evaluation.json',
        'evaluations/c/evaluation.json',
        'reports/c.json',
      ];
      const frame = { episodeId: null, images: [{ camera: 'front', jpeg: 'c2Vlbg==' }] };
      for (const key of [signed, ...shown]) await store.put(key, jsonBytes({ disagreements: [frame] }));
      await request(world.ports, 'e1', robot('r1'));
      const { checked, certificate } = await erase(world.ports, 'e1');
      assert.deepEqual(checked.leftovers, []);
      for (const key of shown) assert.ok(!(await text(world, key)).includes('c2Vlbg=='), key);
      assert.ok(checked.namedIn?.includes(signed), 'a signed evaluation with images');
      assert.deepEqual(checked.models, [{ policy: 'wall', version: '1.0.0' }]);

      const gone = new Set(idsOf(before.episodes.filter((row) => row.includes('"r1"'))));
      assert.equal(gone.size, 6);
      const left = (rows: readonly string[]) => rows.filter((row) => !gone.has(idsOf([row])[0] ?? ''));
      const after = await lakeRows(world);
      assert.deepEqual(after, { episodes: left(before.episodes), frames: left(before.frames) });
      assert.ok(after.episodes.some((row) => row.includes('"r10"')));
      assert.deepEqual(certificate?.erased.episodes, 6);
      assert.equal(certificate?.erased.frames, before.frames.length - after.frames.length);
      assert.ok((certificate?.distinctEpisodes ?? 0) >= 6);

      const own = (keys: readonly string[]) => keys.filter((key) => key.includes('/r1/'));
      assert.deepEqual(own(await world.keys('landing/')), []);
      assert.equal((await world.keys('landing/')).length, 2);
      const records = await world.documents('quarantine/');
      assert.ok(records.length > 0 && records.every(({ robotId }) => robotId !== 'r1'));
      assert.equal((await world.keys('quarantine/')).length, (quarantined.length / 3) * 2);
      const [key = ''] = await world.keys('telemetry/');
      assert.deepEqual(
        (await text(world, key))
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { robotId: string }).robotId),
        ['r10', 'r2'],
      );
      assert.deepEqual(await world.keys('telemetry-summaries/'), [
        'telemetry-summaries/wall/86400000/2026-01-02/04.json',
      ]);
      assert.deepEqual(
        (await world.keys('training-sets/')).filter((one) => one.endsWith('.arrow')),
        [`training-sets/${'b'.repeat(64)}/train.arrow`],
      );
      assert.ok(!(await readExclusions(store)).excluded.includes(label));
      await assert.rejects(lake.scan('frames', version.frames), /erased on request e1/);
      const told = JSON.stringify(certificate);
      for (const id of gone) assert.ok(!told.includes(id), 'a certificate holds none of the data');
      assert.deepEqual(await world.leftInScratch(), []);
    } finally {
      await world.close();
    }
  });

  it('lets nothing come back: what a robot uploads again is counted and kept nowhere, what is new is taken in', async () => {
    const world = await filled();
    try {
      const middle = weekStartMs + 1.5 * 86_400_000;
      await world.collect('c3');
      await request(world.ports, 'e1', robot('r1'), { recordedBeforeMs: middle });
      await erase(world.ports, 'e1');
      const left = await lakeRows(world);
      const young = left.episodes.filter((row) => row.includes('"r1"'));
      assert.ok(young.length > 0, 'what was recorded later stays');
      const quarantined = await world.keys('quarantine/');
      for (const seed of [1, 2]) await land(world, threeRobots(seed, 3));
      const { summary } = await world.collect('c4');
      assert.deepEqual(await lakeRows(world), left);
      const erased = summary.rules.find(({ id }) => id === 'episode.erased');
      assert.equal(erased?.episodes, 4);
      assert.deepEqual(await world.keys('quarantine/'), quarantined);
      assert.equal(summary.verdict === 'badData', false);
      assert.deepEqual(await world.keys('landing/'), []);
    } finally {
      await world.close();
    }
  });

  it('of a site and of a list takes exactly these rows, whatever the names hold, and twice is once', async () => {
    const world = await filled();
    try {
      const before = await lakeRows(world);
      await request(world.ports, 'e1', { kind: 'site', site: hostileSite });
      const { checked } = await erase(world.ports, 'e1');
      assert.deepEqual(checked.leftovers, []);
      const after = await lakeRows(world);
      assert.deepEqual(
        after.episodes,
        before.episodes.filter((row) => row.includes('"r1"')),
      );
      const [first = '', second = ''] = idsOf(after.episodes);
      const ids = [first, second];
      const list = { kind: 'episodes', digest: 'a'.repeat(64), count: 2 } as const;
      await request(world.ports, 'e2', list, { ids });
      await erase(world.ports, 'e2');
      const last = await lakeRows(world);
      assert.deepEqual(
        last.episodes,
        after.episodes.filter((row) => !ids.includes(idsOf([row])[0] ?? '')),
      );
      assert.deepEqual(
        last.frames,
        after.frames.filter((row) => !ids.includes(idsOf([row])[0] ?? '')),
      );
      await request(world.ports, 'e3', list, { ids });
      const again = await erase(world.ports, 'e3');
      assert.equal(again.certificate?.erased.frames, 0);
      assert.deepEqual(await lakeRows(world), last);
    } finally {
      await world.close();
    }
  });

  it('takes any list of episodes, and of segments that wait only these episodes', async () => {
    const world = await CollectionWorld.open();
    try {
      const robots = threeRobots(1, 4);
      const all = [...robots.values()].flat().map(([first]) => first?.episode_id ?? '');
      let count = 0;
      await fc.assert(
        fc.asyncProperty(fc.subarray(all, { minLength: 1, maxLength: 6 }), async (ids) => {
          const one = await CollectionWorld.open();
          try {
            await land(one, robots);
            if (count % 2 === 0) await one.collect('c');
            const target = { kind: 'episodes', digest: 'a'.repeat(64), count: ids.length } as const;
            await request(one.ports, `e${(count += 1)}`, target, { ids });
            const { checked } = await erase(one.ports, `e${count}`);
            assert.deepEqual(checked.leftovers, []);
            await one.collect('d');
            const { episodes, frames } = await lakeRows(one);
            assert.deepEqual(idsOf(episodes).toSorted(), all.filter((id) => !ids.includes(id)).toSorted());
            assert.equal(frames.length, 25 * (all.length - ids.length));
          } finally {
            await one.close();
          }
        }),
        { numRuns: 4 },
      );
    } finally {
      await world.close();
    }
  });

  it('goes on wherever its worker is killed, and ends as if it never was', async () => {
    const { deaths } = await dieAndErase(3);
    assert.equal(deaths, 3);
  });

  it('keeps its list of episodes where its worker dies before it wrote down the files, and whatever a late attempt knows', async () => {
    const world = await filled();
    try {
      const { store } = world.ports;
      const before = await lakeRows(world);
      const gone = new Set(idsOf(before.episodes.filter((row) => row.includes('"r1"'))));
      await request(world.ports, 'e1', robot('r1'));
      await beginErasure(world.ports)({ erasureId: 'e1' });
      const dying: ObjectStore = {
        ...store,
        putIfAbsent(key, body) {
          if (key.endsWith('/found-0001.json')) throw new Killed('at what was found');
          return store.putIfAbsent(key, body);
        },
      };
      await assert.rejects(
        findErased({ ...world.ports, store: dying })({ erasureId: 'e1', pass: 1 }),
        /at what was found/,
      );
      await findErased(world.ports)({ erasureId: 'e1', pass: 1 });
      const { size } = await readErasedEpisodes(store, 'e1');
      assert.ok(size > gone.size, `${size} episodes, those of waiting segments too`);
      await writeErasedEpisodes(store, 'e1', 1, []);
      const { certificate } = await erase(world.ports, 'e1');
      assert.equal(certificate?.distinctEpisodes, size);
      const { frames } = await lakeRows(world);
      assert.deepEqual(
        frames,
        before.frames.filter((row) => !gone.has(idsOf([row])[0] ?? '')),
      );
    } finally {
      await world.close();
    }
  });

  it('that comes while a batch is being taken in makes it leave out what goes', async () => {
    const world = await CollectionWorld.open();
    try {
      await land(world, threeRobots(1, 3));
      await request(world.ports, 'e1', robot('r1'));
      let begun = 0;
      const inner = world.ports.store;
      const store: ObjectStore = {
        ...inner,
        get: (...asked) => inner.get(...asked),
        list: (...asked) => inner.list(...asked),
        put: (...asked) => inner.put(...asked),
        delete: (...asked) => inner.delete(...asked),
        localPath: (...asked) => inner.localPath(...asked),
        // The decision stands, and the rows for the lake are files.
        putIfAbsent: async (key, body) => {
          const outcome = await inner.putIfAbsent(key, body);
          if (key.includes('/decisions/') && (begun += 1) === 1) await beginErasure(world.ports)({ erasureId: 'e1' });
          return outcome;
        },
      };
      await world.collect('c', { ports: portsOf(store, world.ports.engine, world.ports.scratchDirectory) });
      assert.equal(begun, 1);
      const { episodes, frames } = await lakeRows(world);
      assert.deepEqual([episodes.length, frames.length], [6, 150]);
      assert.ok(episodes.every((row) => !row.includes('"r1"')));
      const { checked } = await erase(world.ports, 'e1');
      assert.deepEqual(checked.leftovers, []);
    } finally {
      await world.close();
    }
  });

  it('takes frames that a collection left without their episodes', async () => {
    const world = await CollectionWorld.open();
    try {
      const robots = threeRobots(1, 2);
      await land(world, robots);
      const whole = portsOf(world.ports.store, world.ports.engine, world.ports.scratchDirectory);
      const lake = {
        ...whole.lake,
        commitStaged: (...asked: Parameters<typeof whole.lake.commitStaged>) =>
          asked[0] === 'episodes'
            ? Promise.reject(new Killed('between two commits'))
            : whole.lake.commitStaged(...asked),
      };
      await assert.rejects(world.collect('c', { ports: { ...whole, lake } }));
      const { frames } = await world.ports.lake.currentVersion();
      assert.ok(frames > 0);
      await request(world.ports, 'e1', robot('r1'));
      const { certificate } = await erase(world.ports, 'e1');
      assert.equal(certificate?.erased.frames, 50);
      assert.equal((await lakeRows(world)).frames.length, 100);
    } finally {
      await world.close();
    }
  });

  it('is refused by a legal hold on any of it, and goes on once that is lifted', async () => {
    const world = await filled();
    try {
      const { store, clock } = world.ports;
      const before = await lakeRows(world);
      const [id = ''] = idsOf(before.episodes.filter((row) => row.includes('"r1"')));
      await request(world.ports, 'e1', robot('r1'));
      const scopes = [
        { kind: 'everything' },
        robot('r1'),
        { kind: 'site', site: 'hall 1' },
        { kind: 'episodes', ...(await writeEpisodeList(store, [id])) },
      ] as const;
      for (const scope of scopes) {
        const hold = await addHold({ store, clock }, scope, word);
        await assert.rejects(beginErasure(world.ports)({ erasureId: 'e1' }), { type: 'Conflict' });
        assert.ok(!(await world.keys('erasures/')).some((key) => key.endsWith('tombstone.json')));
        await liftHold({ store, clock }, hold.holdId, word);
      }
      for (const scope of [robot('r10'), { kind: 'site', site: hostileSite } as const])
        await addHold({ store, clock }, scope, word);
      assert.deepEqual((await erase(world.ports, 'e1')).checked.leftovers, []);
    } finally {
      await world.close();
    }
  });

  it('is refused by a hold on what lies outside the newest lake, and by what nobody can read', async () => {
    const world = await CollectionWorld.open();
    try {
      const { store, clock } = world.ports;
      const robots = threeRobots(1, 2);
      await land(world, robots);
      const [[head] = []] = robots.get('r1') ?? [];
      const list = { kind: 'episodes', ...(await writeEpisodeList(store, [head?.episode_id ?? ''])) } as const;
      const isRefused = async (target: DataScope, scope: DataScope, ids: readonly string[] = []) => {
        const erasureId = `e${(count += 1)}`;
        await request(world.ports, erasureId, target, { ids, recordedBeforeMs: nowMs + 1 });
        const hold = await addHold({ store, clock }, scope, word);
        await assert.rejects(beginErasure(world.ports)({ erasureId }), {
          type: 'Conflict',
          message: new RegExp(`${hold.holdId} on `),
        });
        await liftHold({ store, clock }, hold.holdId, word);
      };
      let count = 0;
      const own = { kind: 'site', site: 'hall 1' } as const;
      const listed = { kind: 'episodes', digest: 'a'.repeat(64), count: 1 } as const;
      const cases = [
        [own, own, []],
        [robot('r1'), own, []],
        [robot('r1'), list, []],
        [own, robot('r1'), []],
        [listed, robot('r1'), [head?.episode_id ?? '']],
      ] as const;
      // All of it only waits in landing; then it lies in quarantine; then only an old version has it.
      for (const [target, scope, ids] of cases) await isRefused(target, scope, ids);
      for (const key of await world.keys('landing/r1/')) {
        const bytes = await store.get(key);
        await store.put(key.replace('landing/r1', 'quarantine/c'), bytes ?? assert.fail());
        await store.delete(key);
      }
      for (const [target, scope, ids] of cases) await isRefused(target, scope, ids);
      for (const key of await world.keys('quarantine/')) await store.delete(key);
      await land(world, robots);
      await world.collect('c');
      const { episodes } = await world.ports.lake.currentVersion();
      for (const table of ['episodes', 'frames'] as const) {
        const days = await world.ports.lake.days('episodes', episodes);
        await world.ports.lake.remove(table, days, { appId: 'retention', version: 1 }, 'retention');
      }
      assert.deepEqual(await world.rows('episodes', '*'), []);
      for (const [target, scope, ids] of cases) await isRefused(target, scope, ids);
      // Files of old versions go whole, and these have rows of the others too that the newest version has not.
      await isRefused(robot('r1'), robot('r10'));
      await world.landBytes('r3', new TextEncoder().encode('no segment'));
      await isRefused(robot('r3'), own);
      await request(world.ports, 'last', robot('r3'), { recordedBeforeMs: nowMs + 1 });
      await addHold({ store, clock }, robot('r1'), word);
      assert.deepEqual((await erase(world.ports, 'last')).checked.leftovers, []);
      assert.deepEqual(await world.keys('landing/r3/'), []);
    } finally {
      await world.close();
    }
  });

  it('stops at a hold that comes between what it found and what goes; a list of a hold stays as it is', async () => {
    const world = await filled();
    try {
      const { store, clock } = world.ports;
      await request(world.ports, 'e1', robot('r1'));
      await beginErasure(world.ports)({ erasureId: 'e1' });
      const before = idsOf((await lakeRows(world)).episodes.filter((row) => row.includes('"r1"')));
      const list = await writeEpisodeList(store, [...before].toSorted());
      await findErased(world.ports)({ erasureId: 'e1', pass: 1 });
      const untouched = await state(world);
      const hold = await addHold({ store, clock }, { kind: 'episodes', ...list }, word);
      await assert.rejects(eraseFound(world.ports)({ erasureId: 'e1', pass: 1 }), { type: 'Conflict' });
      const held = (key: string) => !key.startsWith('legal-holds/log');
      const now = await state(world);
      assert.deepEqual({ ...now, keys: now.keys.filter(held) }, untouched);
      assert.equal((await readHeldData(store)).episodes.size, before.length);
      const { texts } = await search(world.ports, await readErasureRequest(store, 'e1'), new Set(), 1);
      assert.ok(!texts.some((key) => key.startsWith('legal-holds/')));
      await liftHold({ store, clock }, hold.holdId, word);
      assert.deepEqual((await erase(world.ports, 'e1')).checked.leftovers, []);
      await assert.rejects(
        readHeldData(store).then(() => readEpisodeList(store, list.digest)),
        { type: 'CorruptData' },
      );
    } finally {
      await world.close();
    }
  });

  it('is not signed off while another reader finds a row of it anywhere, in no version of the lake too', async () => {
    const world = await filled();
    try {
      const [file = ''] = (await world.keys('lake/episodes/recorded_on')).filter((key) => key.endsWith('.parquet'));
      const path = (await world.ports.store.localPath(file)) ?? '';
      const [own] = idsOf((await lakeRows(world)).episodes.filter((row) => row.includes('"r1"')));
      await request(world.ports, 'e1', robot('r1'));
      const { passes } = await erase(world.ports, 'e1');
      await world.ports.store.delete('erasures/e1/checked.json');
      await world.ports.store.put('lake/episodes/recorded_on=2026-01-01/forgotten.parquet', { filePath: path });
      // Rows of a step of the facts that its tables do not have yet would come back.
      const rows = new TextEncoder().encode(`${JSON.stringify({ episode_id: own, robot_id: 'r1' })}\n`);
      await world.ports.store.put('facts/wall/rows/forgotten.ndjson', rows);
      const { leftovers } = await checkErased(world.ports)({ erasureId: 'e1', passes });
      assert.deepEqual(leftovers, [
        'facts/wall/rows/forgotten.ndjson',
        'lake/episodes/recorded_on=2026-01-01/forgotten.parquet',
      ]);
    } finally {
      await world.close();
    }
  });

  it('takes rows that a step of the facts left behind, names what people wrote of an episode, and ends', async () => {
    const world = await filled();
    try {
      const { store } = world.ports;
      const [own = ''] = idsOf((await lakeRows(world)).episodes.filter((row) => row.includes('"r1"')));
      const row = (robot_id: string, more: object) => `${JSON.stringify({ robot_id, site: 'hall 1', ...more })}\n`;
      const [before, since] = [(nowMs - 1) * 1_000, (nowMs + 1) * 1_000];
      const outcome = (robotId: string, episode_id: string, started_at: number | null) =>
        row(robotId, { episode_id, started_at });
      const late = '01J00000000000000000000001';
      const rows = [outcome('r10', 'x', before), outcome('r1', late, since)];
      const days = [row('r1', { recorded_on: '2026-01-05' }), row('r10', { recorded_on: '2026-01-04' })];
      const put = (key: string, lines: readonly string[]) => store.put(key, new TextEncoder().encode(lines.join('')));
      await put('facts/wall/rows/a.ndjson', [outcome('r1', own, before), ...rows, outcome('r1', 'y', null)]);
      await put('facts/wall/rows/b.ndjson', [row('r1', { recorded_on: '2026-01-04' }), ...days]);
      const said = { who: 'ada', why: `it fell in ${own}` };
      await store.put('robots/r1/00000000000000000009.json', jsonBytes(said));
      await store.put('audit/log/00000000000000000009.json', jsonBytes(said));
      await request(world.ports, 'e1', robot('r1'));
      const { checked, certificate } = await erase(world.ports, 'e1');
      assert.deepEqual(checked.leftovers, []);
      assert.equal(await text(world, 'facts/wall/rows/a.ndjson'), rows.join(''));
      assert.equal(await text(world, 'facts/wall/rows/b.ndjson'), days.join(''));
      assert.deepEqual(certificate?.namedIn, [
        'audit/log/00000000000000000009.json',
        'robots/r1/00000000000000000009.json',
      ]);
      assert.ok((await text(world, 'audit/log/00000000000000000009.json')).includes(own), 'a chain is not broken');
    } finally {
      await world.close();
    }
  });

  it('of a robot leaves alone what another one recorded, whose ids it claims wherever a segment may lie', async () => {
    const world = await CollectionWorld.open();
    try {
      const robots = threeRobots(1, 3);
      await land(world, robots);
      await world.collect('c');
      const [stored = [], again = [], alike = []] = robots.get('r10') ?? [];
      const claimed = (rows: readonly SegmentRow[]) => rows.map((row) => ({ ...row, robot_id: 'r1', site: 'hall 1' }));
      await world.land('r1', claimed(stored));
      await world.collect('d');
      assert.equal((await world.documents('quarantine/')).length, 1, 'a duplicate that differs is refused');
      const removed = await world.land('r1', claimed(again));
      await removeFromLanding(world.ports, { landingKey: removed, who: 'ada', reason: 'odd' });
      await world.land('r1', claimed(alike));
      // What waits, too: the one that claims it is not the one that recorded it.
      const waits = threeRobots(2, 1).get('r10')?.[0] ?? [];
      await world.land('r10', waits);
      await world.land('r1', claimed(waits));
      await addHold(world.ports, robot('r10'), word);
      const own = ({ episodes, frames }: Awaited<ReturnType<typeof lakeRows>>) => {
        const ids = new Set(idsOf(episodes.filter((row) => row.includes('"r10"'))));
        return [episodes, frames].map((rows) => rows.filter((row) => ids.has(idsOf([row])[0] ?? '')));
      };
      const before = own(await lakeRows(world));
      assert.deepEqual(
        before.map(({ length }) => length),
        [3, 75],
      );
      await request(world.ports, 'e1', robot('r1'));
      const { checked, certificate } = await erase(world.ports, 'e1');
      assert.deepEqual(checked.leftovers, []);
      assert.deepEqual(own(await lakeRows(world)), before);
      assert.equal(certificate?.claimedByOthers, 4);
      assert.ok(!(await world.keys('')).some((key) => /^(landing|removed)\/r1\//.test(key)));
      assert.deepEqual(await world.keys('quarantine/'), []);
      await world.collect('e');
      assert.equal(own(await lakeRows(world))[0]?.length, 4, 'what waited is taken in');
    } finally {
      await world.close();
    }
  });

  it('loses no other episode of a segment where its rows cannot be written: a full disk stops it, damage is told', async () => {
    const world = await CollectionWorld.open();
    try {
      const { store } = world.ports;
      const [, [first = [], second = []] = []] = [...threeRobots(1, 2)][0] ?? [];
      const key = await world.land('r1', [...first, ...second]);
      const ids = [first[0]?.episode_id ?? ''];
      const list = { kind: 'episodes', digest: 'a'.repeat(64), count: 1 } as const;
      await request(world.ports, 'e1', list, { ids });
      await beginErasure(world.ports)({ erasureId: 'e1' });
      await findErased(world.ports)({ erasureId: 'e1', pass: 1 });
      for (const message of ['could not write: No space left on device', 'INTERRUPT Error: Interrupted!', 'odd']) {
        const engine = failingEngine(world.ports.engine, /COPY .*rest-/s, message);
        await assert.rejects(eraseFound({ ...world.ports, engine })({ erasureId: 'e1', pass: 1 }), {
          type: 'EngineFailed',
        });
        assert.deepEqual(await world.keys('landing/'), [key]);
        const full = findErased({
          ...world.ports,
          engine: failingEngine(world.ports.engine, /COPY .*trial-/s, message),
        });
        if (message === 'odd') continue;
        await assert.rejects(full({ erasureId: 'e1', pass: 2 }), { type: 'EngineFailed' });
      }
      assert.deepEqual((await erase(world.ports, 'e1')).certificate?.unreadable, []);
      await world.collect('c');
      assert.deepEqual(idsOf((await lakeRows(world)).episodes), [second[0]?.episode_id]);

      const damaged = await world.landBytes('r1', await withDamagedColumn(world, [...first, ...second], 'observation'));
      await request(world.ports, 'e2', list, { ids });
      const { certificate } = await erase(world.ports, 'e2');
      assert.deepEqual(certificate?.unreadable, [damaged]);
      assert.ok((await store.get(damaged)) !== undefined);
    } finally {
      await world.close();
    }
  });

  it('of a robot takes what of it nobody can read out of quarantine too, and of no other', async () => {
    const world = await CollectionWorld.open();
    try {
      for (const robotId of ['r1', 'r10'])
        await world.landBytes(robotId, new TextEncoder().encode(`${robotId}: no segment`));
      await world.collect('c');
      assert.equal((await world.keys('quarantine/')).length, 4);
      await request(world.ports, 'e1', robot('r1'), { recordedBeforeMs: nowMs + 1 });
      const { certificate } = await erase(world.ports, 'e1');
      const left = await world.documents('quarantine/');
      assert.deepEqual(
        left.map(({ robotId }) => robotId),
        ['r10'],
      );
      const [record] = left;
      assert.deepEqual(certificate?.unreadable, [`quarantine/c/${String(record?.['sha256'])}.parquet`]);
    } finally {
      await world.close();
    }
  });

  it('takes a list of 100,000 episodes', async () => {
    const world = await CollectionWorld.open();
    try {
      const robots = threeRobots(1, 3);
      await land(world, robots);
      await world.collect('c');
      const own = robots.get('r1')?.map(([first]) => first?.episode_id ?? '') ?? [];
      const many = Array.from({ length: 100_000 }, (_, index) => `01JD${String(index).padStart(22, '0')}`);
      const target = { kind: 'episodes', digest: 'a'.repeat(64), count: 100_003 } as const;
      await request(world.ports, 'e1', target, { ids: [...own, ...many] });
      const { certificate } = await erase(world.ports, 'e1');
      assert.deepEqual([certificate?.erased.episodes, certificate?.distinctEpisodes], [3, 100_003]);
      assert.equal((await lakeRows(world)).episodes.length, 6);
    } finally {
      await world.close();
    }
  });
});

/** The bytes of a segment of which the last data of one column cannot be decoded. */
async function withDamagedColumn(
  world: CollectionWorld,
  rows: readonly SegmentRow[],
  column: string,
): Promise<Uint8Array> {
  const key = await world.land('other', rows);
  const bytes = Uint8Array.from((await world.ports.store.get(key)) ?? []);
  const session = await world.ports.engine.open();
  const [chunk] = await session.rows(
    `SELECT data_page_offset AS start, total_compressed_size AS size FROM parquet_metadata('${await world.ports.store.localPath(key)}')
      WHERE path_in_schema LIKE '${column}%' ORDER BY row_group_id DESC LIMIT 1`,
  );
  await session.close();
  await world.ports.store.delete(key);
  const end = Number(chunk?.['start']) + Number(chunk?.['size']);
  return bytes.fill(0xff, end - 60, end - 10);
}
