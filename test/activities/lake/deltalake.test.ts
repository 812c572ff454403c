import assert from 'node:assert/strict';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { s3ObjectStore } from '../../../store/adapters/s3-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import { commitsPerCheckpoint } from '../../../activities/lake/table.ts';
import { compactLake } from '../../../activities/lake/compact-lake.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { openPythonLines, pythonJson, type PythonLines } from '../../support/python-json.ts';
import { startS3Server } from '../../support/s3-server.ts';
import { toolForTest } from '../../support/tool.ts';
import { frames, openLakeFixture, startUs, transaction, type LakeFixture } from './lake-fixture.ts';

interface Described {
  readonly version: number;
  readonly rows: number;
  readonly episodes: number;
  readonly frameIndexSum: number;
  readonly observationSum: number;
  readonly experts: number;
  readonly firstTimestampUs: number | null;
  readonly days: readonly string[];
}

/** What the independent reader must find in the rows `[first, first + rows)` of `frames`. */
const expected = (version: number, first: number, rows: number): Described => ({
  version,
  rows,
  episodes: rows / 10,
  frameIndexSum: (rows / 10) * 45,
  observationSum: rows === 0 ? 0 : (rows * (2 * first + rows - 1)) / 2,
  experts: Array.from({ length: rows }, (_, row) => first + row).filter((row) => row % 3 === 0).length,
  firstTimestampUs: rows === 0 ? null : startUs + first * 100_000,
  days: Array.from({ length: Math.ceil((first + rows) / 40) - Math.floor(first / 40) }, (_, day) =>
    new Date((startUs + (Math.floor(first / 40) + day) * 86_400_000_000) / 1_000).toISOString().slice(0, 10),
  ),
});

describe('lake and deltalake, an independent engine', function () {
  this.timeout(60_000);
  let python: string;
  let fixture: LakeFixture;
  let table: string;
  let root: string;

  let lines: PythonLines;

  before(async function () {
    python = await toolForTest(this, 'python');
    lines = openPythonLines(python, 'delta_tool.py');
  });
  after(() => lines?.close());
  beforeEach(async () => {
    fixture = await openLakeFixture((directory) => fileObjectStore({ root: join(directory, 'store') }));
    root = join(fixture.directory, 'store');
    table = join(root, 'lake', 'frames');
  });
  afterEach(() => fixture.close());

  /** Commands for deltalake on our table, one after the other. */
  const engine = async (...commands: readonly (readonly (string | number)[])[]): Promise<readonly unknown[]> => {
    const onTable = commands.map(([name, ...rest]) => [name, table, ...rest]);
    return (await lines.ask(onTable)) as readonly unknown[];
  };
  const append = (first: number, version: number) =>
    fixture.lake.append(fixture.session, 'frames', frames(first, 4), transaction(version), 'WRITE');
  /** Our own reading, as the independent reader would put it. */
  const ours = async (version: number): Promise<Described> => {
    const [row] = await fixture.session.rows(
      `SELECT count(*) AS rows, count(DISTINCT episode_id) AS episodes, coalesce(sum(frame_index), 0) AS "frameIndexSum",
         coalesce(sum(observation[1]), 0) AS "observationSum", count(expert_action) AS experts,
         epoch_us(min(timestamp)) AS "firstTimestampUs",
         list_sort(list_distinct(coalesce(list(recorded_on::VARCHAR), []))) AS days
       FROM ${await fixture.reopen().scan('frames', version)} AS t`,
    );
    return { version, ...row } as unknown as Described;
  };

  it('agree on rows, values and days at every version', async () => {
    for (let version = 0; version < 4; version++) await append(version * 4, version);
    const versions = [0, 1, 2, 3, 4];
    const described = await engine(...versions.map((version) => ['describe', version]), ['history']);
    for (const version of versions) {
      assert.deepEqual(described[version], expected(version, 0, version * 40));
      assert.deepEqual(await ours(version), described[version]);
    }
    assert.deepEqual(described[5], ['WRITE', 'WRITE', 'WRITE', 'WRITE', 'CREATE TABLE']);
  });

  it('agree after we put files together, and after rows were taken out for good', async () => {
    for (let version = 0; version < 4; version++) await append(version * 2, version);
    const { lake, engine: sql, session, store } = fixture as LakeFixture & { readonly store: ObjectStore };
    const [before] = await engine(['describe']);
    await compactLake({ store, lake, engine: sql, clock: () => 0, progress: () => undefined })({
      dayMs: 1,
      dryRun: false,
    });
    const [together] = await engine(['describe']);
    assert.deepEqual({ ...(together as Described), version: 0 }, { ...(before as Described), version: 0 });
    const files = await lake.storedFiles('frames');
    const current = files.filter(({ isCurrent }) => isCurrent).map(({ relativeKey }) => relativeKey);
    assert.ok(current.length < files.length);
    const rewriting = { dropSql: "episode_id >= 'E00003'", operation: 'erase e1' };
    await lake.rewrite(session, 'frames', current, rewriting);
    for (const { key } of files) await store.delete(key);
    const { frames: version } = await lake.currentVersion();
    const [left] = await engine(['describe']);
    assert.equal((left as Described).rows, 40);
    assert.deepEqual(await ours(version), left);
  });

  it('agree on what a filter finds, which goes by our statistics', async () => {
    for (let version = 0; version < 3; version++) await append(version * 4, version);
    const found = await engine(['filter', 'episode_id', 'E00006'], ['filter', 'episode_id', 'E00099']);
    assert.deepEqual(found, [
      { rows: 10, files: 3 },
      { rows: 0, files: 3 },
    ]);
  });

  it('agree after deltalake has deleted, compacted, appended and written a checkpoint', async () => {
    for (let version = 0; version < 3; version++) await append(version * 4, version);
    const [, afterDelete] = await engine(['delete', "episode_id = 'E00001'"], ['describe']);
    assert.deepEqual(await ours(4), afterDelete);
    assert.equal((await ours(4)).rows, 110);

    for (let turn = 0; turn < 3; turn++) await append(20, 3 + turn);
    const [, , afterCompact] = await engine(['compact'], ['checkpoint'], ['describe']);
    const { frames: compacted } = await fixture.reopen().currentVersion();
    assert.equal(compacted, 8);
    assert.equal((await ours(compacted)).rows, 230);
    assert.deepEqual(await ours(compacted), afterCompact);

    assert.equal((await append(40, 6)).version, 9);
    const [, afterAppend] = await engine(['append'], ['describe']);
    assert.equal((await ours(10)).rows, 540);
    assert.deepEqual(await ours(10), afterAppend);
    assert.deepEqual(await ours(3), { ...expected(3, 0, 120) });
    assert.equal((await append(0, 6)).outcome, 'alreadyCommitted');
  });

  it('agree on a table read from our own checkpoint', async () => {
    for (let version = 0; version <= commitsPerCheckpoint + 1; version++) await append(0, version);
    await fixture.lake.remove('frames', ['2026-11-22'], transaction(0, 'retention'), 'DELETE');
    await append(4, commitsPerCheckpoint + 2);
    const { frames: version } = await fixture.lake.currentVersion();
    assert.deepEqual(await ours(version), expected(version, 40, 40));
    const [described] = await engine(['describe'], ['checkpoint']);
    assert.deepEqual(described, expected(version, 40, 40));
    assert.deepEqual(await ours(version), expected(version, 40, 40));
  });

  it('agree on a table whose checkpoint is cut in half: the log stands for it, at every version', async () => {
    for (let version = 0; version < 3; version++) await append(version * 4, version);
    await engine(['checkpoint']);
    const checkpoint = join(table, '_delta_log', `${'3'.padStart(20, '0')}.checkpoint.parquet`);
    await truncate(checkpoint, Math.floor((await stat(checkpoint)).size / 2));
    assert.deepEqual(await fixture.reopen().currentVersion(), { episodes: 0, frames: 3 });
    for (const version of [1, 2, 3]) assert.deepEqual(await ours(version), expected(version, 0, version * 40));
    const lake = fixture.reopen();
    await lake.append(fixture.session, 'frames', frames(12, 4), transaction(3), 'WRITE');
    assert.deepEqual(await ours(4), expected(4, 0, 160));

    await rm(join(table, '_delta_log', `${'1'.padStart(20, '0')}.json`));
    await assert.rejects(fixture.reopen().currentVersion(), (error: unknown) => {
      assert.ok(isFailure(error, 'CorruptData'));
      assert.match(
        error.message,
        /a checkpoint that can be read.*object=lake\/frames\/_delta_log\/0+3\.checkpoint\.parquet/,
      );
      return true;
    });
  });

  it('agree that an empty commit is a version without actions', async () => {
    await append(0, 0);
    await writeFile(join(table, '_delta_log', `${'2'.padStart(20, '0')}.json`), '');
    assert.equal((await append(4, 1)).version, 3);
    const [second, third] = await engine(['describe', 2], ['describe', 3]);
    assert.deepEqual(await ours(2), second);
    assert.deepEqual(await ours(3), third);
    assert.deepEqual(third, expected(3, 0, 80));
  });

  it('write again once a constraint that another engine added is dropped', async () => {
    await append(0, 0);
    await engine(['constrain']);
    const refused = fixture.reopen().append(fixture.session, 'frames', frames(4, 4), transaction(1), 'WRITE');
    await assert.rejects(refused, /checkConstraints; drop it/);
    await engine(['unconstrain']);
    const lake = fixture.reopen();
    const { version } = await lake.append(fixture.session, 'frames', frames(4, 4), transaction(1), 'WRITE');
    const [described] = await engine(['describe']);
    assert.deepEqual(described, expected(version, 0, 80));
  });

  it('agree on S3', async function () {
    const server = await startS3Server(this);
    const bucket = await server.makeBucket('lake');
    const onS3 = await openLakeFixture((directory) =>
      s3ObjectStore({ ...server.connection, bucket, cacheFolder: join(directory, 'cache') }),
    );
    try {
      for (let version = 0; version < 2; version++) {
        const relation = frames(version * 4, 4);
        await onS3.lake.append(onS3.session, 'frames', relation, transaction(version), 'WRITE');
      }
      const commands = JSON.stringify([['describe', `s3://${bucket}/lake/frames`]]);
      const described = await pythonJson(python, 'delta_tool.py', [commands], {
        AWS_ENDPOINT_URL: server.connection.endpoint,
        AWS_ACCESS_KEY_ID: server.connection.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.connection.credentials.secretAccessKey,
        AWS_REGION: 'us-east-1',
        AWS_ALLOW_HTTP: 'true',
      });
      assert.deepEqual(described, [expected(2, 0, 80)]);
    } finally {
      await onS3.close();
      await server.stop();
    }
  });
});
