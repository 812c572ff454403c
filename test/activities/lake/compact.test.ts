import assert from 'node:assert/strict';
import { join } from 'node:path';

import { compactLake } from '../../../activities/lake/compact-lake.ts';
import { sweepStore } from '../../../activities/retention/sweep-store.ts';
import { readNeededModels } from '../../../activities/retention/what-is-needed.ts';
import { readDataStanding } from '../../../activities/registry/data-standing.ts';
import { digestOfRows, rowsDifference } from '../../../datasets/rows-digest.ts';
import type { ModelManifest } from '../../../policies/model-manifest.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { addRobot, retireRobot } from '../../../fleet/desk/index.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { addHold, liftHold } from '../../../store/records/legal-holds.ts';
import { episodesSql, frames, openLakeFixture, startMs, transaction, type LakeFixture } from './lake-fixture.ts';

const dayMs = 86_400_000;
const word = { who: 'ada', why: 'a test' };
const columns = '* REPLACE (observation::VARCHAR AS observation, "action"::VARCHAR AS "action")';
type Fixture = LakeFixture & { readonly store: ReturnType<typeof memoryObjectStore> };

async function withLake(work: (fixture: Fixture, clock: { nowMs: number }) => Promise<void>): Promise<void> {
  const clock = { nowMs: startMs };
  const fixture = await openLakeFixture(() => memoryObjectStore(() => clock.nowMs));
  try {
    for (let batch = 0; batch < 6; batch += 1)
      await fixture.lake.append(fixture.session, 'frames', frames(batch, 1, 3), transaction(batch), 'test');
    await work(fixture, clock);
  } finally {
    await fixture.close();
  }
}

const portsOf = ({ store, engine, lake }: Fixture, { nowMs }: { nowMs: number }) => ({
  store,
  engine,
  lake,
  clock: () => nowMs,
  progress: () => undefined,
});

const manifestOf = (datasetVersion: { episodes: number; frames: number }): ModelManifest => ({
  policy: 'wall',
  version: '1.0.0',
  robotType: { id: 'x', version: 1, digest: 'a'.repeat(64) },
  files: {},
  parents: [],
  training: { cycleId: 'c', datasetVersion, trainingSetDigest: 'a'.repeat(64), seed: 1, hyperparameters: {} },
  codeBuild: 't',
  registeredAtMs: startMs,
  metrics: {},
  gates: [],
});

describe('compaction of the lake', () => {
  it('puts small files of a day together with the same rows, once; a dry run changes nothing', () =>
    withLake(async (fixture, clock) => {
      const { lake, rows } = { ...fixture, rows: (version: number) => fixture.rows('frames', version, columns) };
      const before = await lake.currentVersion();
      const kept = await rows(before.frames);
      const ports = portsOf(fixture, clock);
      const dry = await compactLake(ports)({ dayMs, dryRun: true });
      assert.deepEqual(await lake.currentVersion(), before);
      const done = await compactLake(ports)({ dayMs, dryRun: false });
      const counts = done.tables.map(({ table, merged, written }) => [table, merged, written]);
      assert.deepEqual(counts, [
        ['episodes', 0, 0],
        ['frames', 6, 2],
      ]);
      assert.deepEqual(
        dry.tables.map(({ table, merged, written }) => [table, merged, written]),
        counts,
      );
      const after = await lake.currentVersion();
      assert.deepEqual(await rows(after.frames), kept);
      assert.deepEqual(await rows(before.frames), kept, 'whoever has begun to read goes on');
      await compactLake(ports)({ dayMs, dryRun: false });
      assert.deepEqual(await lake.currentVersion(), after);
    }));

  it('never takes a file that a version in use pins, nor any under a hold; then says that the data is gone', () =>
    withLake(async (fixture, clock) => {
      const { lake, store } = fixture;
      const pinned = await lake.currentVersion();
      const manifest = manifestOf(pinned);
      const signature = { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' };
      await store.put('models/wall/1.0.0/manifest.json', jsonBytes({ manifest, signature }));
      await compactLake(portsOf(fixture, clock))({ dayMs, dryRun: false });
      const compact = async () => (await compactLake(portsOf(fixture, clock))({ dayMs, dryRun: false })).vacuumed;
      clock.nowMs += 50 * dayMs;
      assert.deepEqual(await compact(), { files: 0, bytes: 0, pinnedFiles: 6 }, 'it was registered of late');
      assert.equal((await readDataStanding(fixture, manifest)).kind, 'whole');
      clock.nowMs += 50 * dayMs;
      const hold = await addHold({ store, clock: () => clock.nowMs }, { kind: 'robot', robotId: 'r9' }, word);
      assert.equal((await compact()).files, 0);
      await liftHold({ store, clock: () => clock.nowMs }, hold.holdId, word);
      assert.equal((await compact()).files, 6);
      const { kind, sentence } = await readDataStanding(fixture, manifest);
      assert.equal(kind, 'gone');
      assert.match(sentence, /6 files/);
      await assert.rejects(lake.scan('frames', pinned.frames), /retention or a vacuum/);
      assert.equal((await fixture.rows('frames', (await lake.currentVersion()).frames, '*')).length, 60);
    }));

  it('keeps the episodes of before a cycle, which say what was new when a set of a version in use is made again', () =>
    withLake(async (fixture, clock) => {
      const { lake, store, session } = fixture;
      for (let batch = 0; batch < 2; batch += 1)
        await lake.append(session, 'episodes', episodesSql(3 * batch, 3), transaction(batch), 'test');
      const since = await lake.currentVersion();
      // Put together while the cycle was under way.
      await compactLake(portsOf(fixture, clock))({ dayMs, dryRun: false });
      await lake.append(session, 'episodes', episodesSql(6, 3), transaction(2), 'test');
      const manifest = manifestOf(await lake.currentVersion());
      const signature = { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' };
      await store.put('models/wall/1.0.0/manifest.json', jsonBytes({ manifest, signature }));
      const made = `training-sets/${'a'.repeat(64)}/manifest.json`;
      await store.put(made, jsonBytes({ recipe: { newSince: since } }));
      clock.nowMs += 50 * dayMs;
      const compact = () => compactLake(portsOf(fixture, clock))({ dayMs, dryRun: false });
      await compact();
      assert.equal((await fixture.rows('episodes', since.episodes, 'episode_id')).length, 6);
      await store.delete(made);
      await compact();
      await assert.rejects(fixture.rows('episodes', since.episodes, 'episode_id'), { type: 'NotFound' });
    }));

  it('keeps the files of a version that robots of an older body are kept on, however old it is', () =>
    withLake(async (fixture, clock) => {
      const { lake, store } = fixture;
      const manifest = manifestOf(await lake.currentVersion());
      const signature = { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' };
      const newer = { ...manifest, version: '2.0.0', training: null, robotType: { ...manifest.robotType, version: 2 } };
      for (const one of [manifest, newer])
        await store.put(`models/wall/${one.version}/manifest.json`, jsonBytes({ manifest: one, signature }));
      for (const [seq, champion] of ['1.0.0', '2.0.0'].entries())
        await store.put(
          `registry/wall/aliases/${String(seq).padStart(20, '0')}.json`,
          jsonBytes({ seq, set: { champion }, ...word, atMs: startMs, operationId: `o${seq}` }),
        );
      await compactLake(portsOf(fixture, clock))({ dayMs, dryRun: false });
      clock.nowMs += 91 * dayMs;
      const ports = { store, clock: () => clock.nowMs };
      for (const version of [1, 2])
        await addRobot(ports, {
          robotId: `r${version}`,
          policy: 'wall',
          robotType: { id: 'x', version },
          site: 'hall',
          stratum: 'hall',
          tokenHashes: ['0'.repeat(64)],
          ...word,
        });
      const compact = async () => (await compactLake(portsOf(fixture, clock))({ dayMs, dryRun: false })).vacuumed;
      assert.deepEqual(await compact(), { files: 0, bytes: 0, pinnedFiles: 6 });
      assert.equal((await readDataStanding(fixture, manifest)).kind, 'whole');
      const [need] = await readNeededModels(store, { nowMs: clock.nowMs, dayMs });
      assert.equal(need?.why, 'wall 1.0.0 is what robots of x@1 are kept on');
      // Nobody can tell whom the champion serves.
      const bodies = { ...newer, files: { 'bodies.json': { sha256: 'a'.repeat(64), sizeBytes: 1 } } };
      await store.put('models/wall/2.0.0/manifest.json', jsonBytes({ manifest: bodies, signature }));
      await assert.rejects(compact(), { type: 'CorruptData' });
      await store.put('models/wall/2.0.0/manifest.json', jsonBytes({ manifest: newer, signature }));
      // The last robot of that body is gone for good.
      await retireRobot(ports, { robotId: 'r1', ...word });
      assert.equal((await compact()).files, 6);
    }));

  it('is done by the sweep of a store where a day has many small files, then nothing more; old files go two weeks later', () =>
    withLake(async (fixture, clock) => {
      const { lake, session } = fixture;
      const sweep = (dryRun = false) =>
        sweepStore({ ...portsOf(fixture, clock), scratchDirectory: join(fixture.directory, 'none') })({
          policy: 'wall',
          dayMs,
          dryRun,
        });
      const few = await lake.currentVersion();
      assert.deepEqual((await sweep()).swept, []);
      assert.deepEqual(await lake.currentVersion(), few, 'three files a day are few');
      for (let batch = 6; batch < 14; batch += 1)
        await lake.append(session, 'frames', frames(batch, 1, 1_000), transaction(batch), 'test');
      const before = await lake.currentVersion();
      const kept = await fixture.rows('frames', before.frames, columns);
      const told = [{ kind: 'smallLakeFiles', objects: 11, bytes: 0 }];
      assert.deepEqual((await sweep(true)).swept, told);
      assert.deepEqual(await lake.currentVersion(), before);
      assert.deepEqual((await sweep()).swept, told);
      const after = await lake.currentVersion();
      assert.equal(after.frames, before.frames + 1);
      assert.deepEqual(await fixture.rows('frames', after.frames, columns), kept);
      clock.nowMs += 13 * dayMs;
      assert.deepEqual((await sweep()).swept, []);
      assert.deepEqual(await fixture.rows('frames', before.frames, columns), kept);
      clock.nowMs += 2 * dayMs;
      const [gone] = (await sweep()).swept;
      assert.deepEqual([gone?.kind, gone?.objects], ['lakeFiles', 11]);
      assert.deepEqual((await sweep()).swept, []);
      assert.deepEqual(await lake.currentVersion(), after);
    }));

  it('by the sweep reads half a gibibyte a call, and says that there is more', async () => {
    let files = Array.from({ length: 80 }, (_, index) => ({
      relativeKey: `${index}`,
      key: `${index}`,
      sizeBytes: 31 * 2 ** 20,
      isCurrent: true,
      recordedOn: `2026-01-0${(index % 5) + 1}`,
    }));
    let rewrites = 0;
    const lake = {
      storedFiles: (table: string) => Promise.resolve(table === 'frames' ? files : []),
      vacuum: () => Promise.resolve({ files: 0, bytes: 0, pinnedFiles: 0 }),
      rewrite: (_: unknown, __: unknown, keys: readonly string[]) => {
        rewrites += 1;
        files = files.filter(({ key }) => !keys.includes(key));
        return Promise.resolve({ replaced: keys, written: 1, rows: 1 });
      },
    } as unknown as Fixture['lake'];
    const engine = { open: () => Promise.resolve({ close: () => Promise.resolve() }) } as unknown as Fixture['engine'];
    const store = memoryObjectStore(() => startMs);
    const ports = { store, lake, engine, clock: () => startMs, progress: () => undefined };
    const calls: (readonly [number, boolean])[] = [];
    for (let more = true; more;) {
      const before = rewrites;
      more = (await compactLake(ports)({ dayMs, dryRun: false, isSparing: true })).isBehind;
      calls.push([rewrites - before, more]);
    }
    // Eight files, 248 MiB, are put together at once.
    assert.deepEqual(calls, [
      [3, true],
      [3, true],
      [3, true],
      [1, false],
    ]);
    assert.deepEqual(files, []);
  });

  it('and a collection at once lose no row and double none', () =>
    withLake(async (fixture, clock) => {
      const other = fixture.reopen();
      const session = await fixture.engine.open();
      const appends = async (): Promise<void> => {
        for (let batch = 0; batch < 12; batch += 1)
          await other.append(session, 'frames', frames(100 + batch, 1, 3), transaction(batch, 'collect/c'), 'test');
      };
      const compacts = async (): Promise<void> => {
        for (let round = 0; round < 6; round += 1) await compactLake(portsOf(fixture, clock))({ dayMs, dryRun: false });
      };
      await Promise.all([appends(), compacts(), compacts()]);
      await session.close();
      const { frames: version } = await fixture.lake.currentVersion();
      const ids = (await fixture.rows('frames', version, 'episode_id, frame_index')).map((row) => JSON.stringify(row));
      assert.deepEqual([ids.length, new Set(ids).size], [180, 180]);
    }));

  it('is stopped by another reader that finds other rows', () =>
    withLake(async ({ session, directory }) => {
      const write = async (name: string, sql: string): Promise<string> => {
        const path = join(directory, `${name}.parquet`);
        await session.run(`COPY (${sql}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`);
        return path;
      };
      const whole = `SELECT * FROM ${frames(0, 3)}`;
      const [a, b] = [await write('a', `${whole} ORDER BY ALL`), await write('b', `${whole} ORDER BY ALL DESC`)];
      const parts = [
        await write('c', `${whole} WHERE frame_index < 4`),
        await write('d', `${whole} WHERE frame_index >= 4`),
      ];
      const digest = await digestOfRows([a]);
      assert.equal(digest.rows, 30);
      for (const same of [[b], parts]) assert.equal(rowsDifference(digest, await digestOfRows(same)), undefined);
      const changed = [
        `${whole} WHERE NOT (frame_index = 3 AND episode_id = 'E00001')`,
        `SELECT * REPLACE ([observation[1], 2.25]::FLOAT[] AS observation) FROM ${frames(0, 3)}`,
        `SELECT * REPLACE (CASE WHEN frame_index = 5 THEN NULL ELSE expert_action END AS expert_action) FROM ${frames(0, 3)}`,
        `SELECT * REPLACE (replace(episode_id, 'E00002', 'E00009') AS episode_id) FROM ${frames(0, 3)}`,
      ];
      for (const [index, sql] of changed.entries())
        assert.notEqual(rowsDifference(digest, await digestOfRows([await write(`x${index}`, sql)])), undefined, sql);
    }));
});
