import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { footerMetadata } from '../../../datasets/segment-footer.ts';
import { CollectionWorld, footerOf, generatedEpisodes, oneRobot } from './collection-fixture.ts';

const robotId = 'robot-009';
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a damaged or foreign file in landing', () => {
  let world: CollectionWorld;
  /** A sound segment of another robot, which has to be stored whatever lies beside it. */
  let soundRobot = '';
  beforeEach(async () => {
    world = await CollectionWorld.open();
    const { robotId: id, episodes } = oneRobot(1, 2);
    soundRobot = id;
    await world.land(id, episodes.flat());
  });
  afterEach(() => world.close());

  /** Collects and checks that the file is quarantined whole for one rule, with its bytes, and that the cycle went on. */
  async function isQuarantined(key: string, rule: string, reason: RegExp): Promise<void> {
    const bytes = await world.ports.store.get(key);
    const { result } = await world.collect('c1');
    assert.deepEqual([result.verdict, result.episodesStored, result.quarantinedSegments], ['ok', 2, 1]);
    const [record] = await world.documents('quarantine/c1/');
    const violations = record!['violations'] as { rule: string; value: string; doc: string }[];
    assert.deepEqual(record!['rules'], [rule]);
    assert.match(violations[0]!.value, reason);
    assert.ok(violations[0]!.doc !== '');
    const kept = await world.ports.store.get(`quarantine/c1/${record!['sha256'] as string}.parquet`);
    assert.deepEqual(kept, bytes);
    assert.deepEqual(await world.keys('landing/'), []);
    const stored = await world.rows('episodes', 'DISTINCT robot_id');
    assert.deepEqual(stored, [{ robot_id: soundRobot }]);
  }

  const soundBytes = async (): Promise<Uint8Array> => {
    const [key] = await world.keys('landing/');
    return (await world.ports.store.get(key!))!;
  };
  const sqlRows = (observation = '[1, 2]::FLOAT[]'): string =>
    `SELECT '01KE6J5R00ABCDEFGHJKMNPQRS' AS episode_id, '${robotId}' AS robot_id, 'scitos-g5' AS robot_type,
      1::INTEGER AS robot_type_version, 'site-1' AS site, 'wall-following' AS task, NULL::VARCHAR AS policy_version,
      1767600000000000 AS started_at, 2223::BIGINT AS duration_ms, 'success' AS outcome, NULL::VARCHAR AS failure_reason,
      false AS intervened, NULL::DOUBLE AS latency_p50_ms, NULL::DOUBLE AS latency_p95_ms, 20::INTEGER AS frame_count,
      NULL::VARCHAR AS media, f::INTEGER AS frame_index, 1767600000000000 + f * 111111 AS timestamp,
      ${observation} AS observation, [0]::FLOAT[] AS "action", NULL::FLOAT[] AS expert_action, false AS is_correction
    FROM range(20) AS t(f)`;
  const landSql = async (select: string, change: Readonly<Record<string, string>> = {}): Promise<string> => {
    const metadata = { ...footerMetadata(footerOf(robotId)), ...change };
    return world.landFile(robotId, await world.writeBySql('foreign.parquet', select, metadata));
  };

  it('truncated Parquet', async () => {
    const bytes = await soundBytes();
    const key = await world.landBytes(robotId, bytes.subarray(0, bytes.length - 100));
    await isQuarantined(key, 'segment.unreadable', /Parquet file that was cut off/);
  });

  it('Git LFS pointer', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
    const key = await world.landBytes(robotId, ascii(pointer));
    await isQuarantined(key, 'segment.unreadable', /Git LFS pointer/);
  });

  it('empty file', async () => {
    await isQuarantined(await world.landBytes(robotId, new Uint8Array()), 'segment.unreadable', /empty file/);
  });

  it('CSV named .parquet', async () => {
    const key = await world.landBytes(robotId, ascii('S1,S2,OUTPUT\n0.438,0.498,Slight-Right-Turn\n'));
    await isQuarantined(key, 'segment.unreadable', /text file, such as CSV/);
  });

  it('bytes of no known kind', async () => {
    const key = await world.landBytes(robotId, Uint8Array.of(31, 139, 8, 0, 1, 2, 3));
    await isQuarantined(key, 'segment.unreadable', /bytes of another kind/);
  });

  it('wrong schema version', async () => {
    const key = await landSql(sqlRows(), { 'flywheel.schemaVersion': '99' });
    await isQuarantined(key, 'segment.schema-version', /99/);
  });

  it('a data page that cannot be decoded, though the footer is in order', async () => {
    const bytes = Uint8Array.from(await soundBytes());
    // What follows the first page header.
    bytes.fill(0xff, 50, 100);
    const wrong = await world.landBytes(soundRobot, bytes);
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedSegments], [2, 1]);
    const [record] = await world.documents('quarantine/c1/');
    assert.deepEqual([record!['rules'], record!['landingKey']], [['segment.unreadable'], wrong]);
  });

  it('a footer that claims 10⁹ values a frame', async () => {
    const path = await world.writeBySql(
      'bomb.parquet',
      sqlRows('CASE WHEN f = 0 THEN list_resize([1]::FLOAT[], 3000000, 1::FLOAT) ELSE [1]::FLOAT[] END'),
      footerMetadata(footerOf(robotId)),
    );
    assert.ok((await readFile(path)).length < 1_000_000);
    await isQuarantined(await world.landFile(robotId, path), 'segment.too-large', /3000019 values/);
  });

  it('10⁹ frames in a small file: refused by its footer, before any is read', async () => {
    const path = await world.writeBySql(
      'frames.parquet',
      sqlRows().replace('range(20)', 'range(1000001)'),
      footerMetadata(footerOf(robotId)),
    );
    await isQuarantined(await world.landFile(robotId, path), 'segment.too-large', /1000001 frames/);
  });

  it('columns missing, or of another type', async () => {
    const select = `SELECT * EXCLUDE (outcome) REPLACE (frame_index::VARCHAR AS frame_index) FROM (${sqlRows()})`;
    const key = await landSql(select);
    await isQuarantined(
      key,
      'segment.columns',
      /outcome: expected string, got no such column; frame_index: expected int32, got string/,
    );
  });

  it('a foreign Parquet file without our footer', async () => {
    const key = await world.landFile(
      robotId,
      await world.writeBySql('other.parquet', 'SELECT 42 AS answer', { a: 'b' }),
    );
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedSegments], [2, 1]);
    const [record] = await world.documents('quarantine/c1/');
    assert.deepEqual(record!['landingKey'], key);
    assert.ok((record!['rules'] as string[]).includes('segment.schema-version'));
  });

  it('another robot’s segment in the folder', async () => {
    const key = await landSql(sqlRows(), { 'flywheel.robotId': 'robot-001' });
    await isQuarantined(key, 'segment.robot', /robot-001/);
  });

  it('a segment of another version of the robot type’s document', async () => {
    const key = await landSql(sqlRows(), { 'flywheel.robotTypeDigest': 'f'.repeat(64) });
    await isQuarantined(key, 'segment.robot-type', /f{64}/);
  });

  it('a clock that is off by more than a day', async () => {
    const key = await landSql(sqlRows(), { 'flywheel.clockSkewMs': '86400001' });
    await isQuarantined(key, 'segment.clock-skew', /86400001 ms/);
  });

  it('a name that is not the digest of its bytes', async () => {
    const { store } = world.ports;
    const bytes = await soundBytes();
    const key = `landing/${soundRobot}/${'0'.repeat(64)}.parquet`;
    await store.put(key, bytes);
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedSegments], [2, 1]);
    const [record] = await world.documents('quarantine/c1/');
    assert.deepEqual([record!['rules'], record!['landingKey']], [['segment.place'], key]);
  });

  it('something that is no robot’s segment at all', async () => {
    await world.ports.store.put('landing/notes.txt', ascii('remember the milk'));
    const { result } = await world.collect('c1');
    assert.deepEqual([result.verdict, result.quarantinedSegments, result.robotsLeftOut], ['ok', 1, ['unknown']]);
  });

  const badEpisodes: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'NaN',
      `CASE WHEN f = 3 THEN list_resize(['nan'::FLOAT], 24, 1) ELSE list_resize([f]::FLOAT[], 24, 1) END`,
      'frames.non-finite',
      /US1 = NaN/,
    ],
    [
      'a NULL among the readings',
      `CASE WHEN f = 3 THEN list_resize([NULL::FLOAT], 24, 1) ELSE list_resize([f]::FLOAT[], 24, 1) END`,
      'frames.non-finite',
      /US1 = NaN/,
    ],
    [
      'too few readings',
      `CASE WHEN f = 3 THEN [1]::FLOAT[] ELSE list_resize([f]::FLOAT[], 24, 1) END`,
      'frames.observation-size',
      /1/,
    ],
    [
      'a missing list',
      `CASE WHEN f = 3 THEN NULL ELSE list_resize([f]::FLOAT[], 24, 1) END`,
      'frames.observation-size',
      /NULL/,
    ],
  ];
  for (const [what, observation, rule, value] of badEpisodes) {
    it(`${what} in a frame refuses the episode, and names the frame`, async () => {
      await landSql(sqlRows(observation));
      const { result } = await world.collect('c1');
      assert.deepEqual([result.episodesStored, result.quarantinedEpisodes, result.quarantinedSegments], [2, 1, 0]);
      const [record] = await world.documents('quarantine/c1/');
      const violations = record!['violations'] as { rule: string; value: string; row: number | null }[];
      const found = violations.find((violation) => violation.rule === rule);
      assert.equal(found?.row, 3);
      assert.match(found.value, value);
    });
  }

  it('a bad episode among good ones is quarantined alone, as a segment that can be read', async () => {
    const [, [id, episodes]] = [...generatedEpisodes(2, 2, 3)] as [unknown, [string, { frame_index: number }[][]]];
    const rows = episodes.flat().map((row, index) => (index === 30 ? { ...row, frame_index: 9 } : row));
    await world.land(id, rows as never);
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedEpisodes], [4, 1]);
    const [record] = await world.documents('quarantine/c1/');
    assert.equal(record!['scope'], 'episode');
    const path = await world.ports.store.localPath(`quarantine/c1/${record!['sha256'] as string}.parquet`);
    const session = await world.ports.engine.open();
    const [counted] = await session.rows(
      `SELECT count(*) AS frames, count(DISTINCT episode_id) AS episodes FROM '${path}'`,
    );
    assert.deepEqual(counted, { frames: 25, episodes: 1 });
    const metadata = await session.rows(
      `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata('${path}')`,
    );
    await session.close();
    assert.deepEqual(Object.fromEntries(metadata.map(({ key, value }) => [key, value])), footerMetadata(footerOf(id)));
  });
});
