import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { dictionary } from '../../../domain/dictionary.ts';
import { isFailure } from '../../../store/failures.ts';
import type { SqlChunk, SqlSession } from '../../../activities/ports/sql.ts';

const firstChunk = async (session: SqlSession, sql: string): Promise<SqlChunk> => {
  for await (const chunk of session.chunks(sql)) return chunk;
  throw new Error('no chunk');
};

describe('DuckDB engine', () => {
  let directory: string;
  let session: SqlSession;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-duckdb-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));
  beforeEach(async () => {
    session = await duckDbEngine({ temporaryDirectory: join(directory, 'spill') }).open();
  });
  afterEach(() => session.close());

  it('gives every type of a row as the port says', async () => {
    const rows = await session.rows(`SELECT 'a' AS text, 7::BIGINT AS small, 9007199254740993::BIGINT AS large,
      sum(2::INTEGER) AS total, 1.25::FLOAT AS float, true AS yes, NULL::INTEGER AS missing, DATE '2026-11-22' AS day,
      TIMESTAMP '1970-01-01 00:00:01' AS local, TIMESTAMPTZ '1970-01-01 00:00:02+00' AS instant,
      [1.5::FLOAT, NULL] AS list, [1, 2]::INTEGER[2] AS fixed, {'x': DATE '2026-01-02'} AS struct, MAP {'k': 'v'} AS map`);
    assert.deepEqual(rows, [
      {
        text: 'a',
        small: 7,
        large: 9007199254740993n,
        total: 2,
        float: 1.25,
        yes: true,
        missing: null,
        day: '2026-11-22',
        local: 1_000_000n,
        instant: 2_000_000n,
        list: [1.5, null],
        fixed: [1, 2],
        struct: { x: '2026-01-02' },
        map: dictionary([['k', 'v']]),
      },
    ]);
  });

  it('streams columns as typed arrays and text, chunk by chunk', async () => {
    const sums = { rows: 0, floats: 0, integers: 0, doubles: 0, texts: 0 };
    const sql = `SELECT [i, i + 1]::FLOAT[2], i::INTEGER, i::DOUBLE, 't' || i FROM range(5000) t(i)`;
    for await (const chunk of session.chunks(sql)) {
      assert.ok(chunk.rowCount <= 2048);
      const floats = chunk.numbers(0);
      assert.ok(floats instanceof Float32Array);
      assert.equal(floats.length, chunk.rowCount * 2);
      assert.ok(chunk.numbers(1) instanceof Int32Array);
      assert.ok(chunk.numbers(2) instanceof Float64Array);
      sums.rows += chunk.rowCount;
      for (const value of floats) sums.floats += value;
      for (const value of chunk.numbers(1)) sums.integers += value;
      for (const value of chunk.numbers(2)) sums.doubles += value;
      sums.texts += chunk.strings(3).filter((text) => text.startsWith('t')).length;
    }
    const triangle = (4999 * 5000) / 2;
    assert.deepEqual(sums, {
      rows: 5000,
      floats: triangle * 2 + 5000,
      integers: triangle,
      doubles: triangle,
      texts: 5000,
    });
  });

  it('gives texts as they are, whether rows repeat them or not, and refuses NULL among them', async () => {
    const texts = [
      '',
      'a',
      'twelve bytes',
      'twelve bytez',
      'a text of more than twelve bytes',
      'a text of more than twelve bytez',
      'Köln',
    ];
    const wanted = Array.from({ length: 3_000 }, (_, row) => texts[Math.floor(row / 5) % (row < 1_500 ? 2 : 7)] ?? '');
    const list = texts.map((text) => `'${text}'`).join();
    const sql = (value: string) => `SELECT ${value} FROM range(3000) t(i) ORDER BY i`;
    const at = `[${list}][1 + (i // 5) % (CASE WHEN i < 1500 THEN 2 ELSE 7 END)]`;
    const found: string[] = [];
    for await (const chunk of session.chunks(sql(at))) found.push(...chunk.strings(0));
    assert.deepEqual(found, wanted);
    await assert.rejects(async () => {
      for await (const chunk of session.chunks(sql(`nullif('x', CASE WHEN i = 1000 THEN 'x' ELSE 'y' END)`)))
        chunk.strings(0);
    }, /expected text without NULL, got NULL/);
  });

  it('refuses NULL and lists of any length where numbers are asked for', async () => {
    const withNull = await firstChunk(session, 'SELECT CASE WHEN i <> 70 THEN i END::INTEGER FROM range(100) t(i)');
    assert.throws(() => withNull.numbers(0), /without NULL.*a NULL/);
    const nullInside = await firstChunk(session, 'SELECT [1, NULL]::FLOAT[2] FROM range(3)');
    assert.throws(() => nullInside.numbers(0), /without NULL/);
    const lists = await firstChunk(session, 'SELECT [1]::FLOAT[] FROM range(3)');
    assert.throws(() => lists.numbers(0), /FLOAT\[n\]/);
  });

  it('fails with EngineFailed, the reason and the statement', async () => {
    await assert.rejects(session.run('SELECT nothing FROM nowhere'), (error: unknown) => {
      assert.ok(isFailure(error, 'EngineFailed'));
      assert.match(error.message, /nowhere.*\[statement=SELECT nothing FROM nowhere\]/s);
      return true;
    });
  });

  it('ends a running statement when interrupted', async () => {
    const running = session.rows('SELECT count(*) FROM range(100000000000) t(i) WHERE i % 7 = 3');
    setTimeout(() => session.interrupt(), 50);
    await assert.rejects(
      running,
      (error: unknown) => isFailure(error, 'EngineFailed') && /interrupt/i.test(error.message),
    );
    assert.deepEqual(await session.rows('SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('says so when a closed session is used', async () => {
    await session.close();
    await assert.rejects(session.run('SELECT 1'), /closed/);
  });

  it('spills to the temporary directory when a statement outgrows its memory', async () => {
    const small = await duckDbEngine({ temporaryDirectory: join(directory, 'spill') }).open({ memoryLimitMiB: 64 });
    await small.run('CREATE TEMP TABLE big AS SELECT i, hash(i) AS h, hash(i + 1) AS k FROM range(8000000) t(i)');
    assert.deepEqual(await small.rows('SELECT count(*) AS n FROM big'), [{ n: 8000000 }]);
    await small.close();
  });

  describe('whose sessions follow each other', () => {
    const engine = () => duckDbEngine({ temporaryDirectory: join(directory, 'spill'), threads: 1 });
    const setting = async (open: SqlSession, name: string) =>
      (await open.rows(`SELECT current_setting('${name}')::VARCHAR AS value`))[0]?.['value'];

    it('gives each a database without tables, files, settings or time zone of the one before', async () => {
      const own = engine();
      const file = join(directory, 'cached.parquet');
      const before = await own.open();
      await before.run(`COPY (SELECT i FROM range(100000) t(i)) TO '${file}' (FORMAT parquet)`);
      await before.run(`CREATE OR REPLACE TEMP TABLE kept AS SELECT sum(i) AS sum FROM read_parquet('${file}')`);
      assert.notEqual((await before.rows('SELECT * FROM duckdb_external_file_cache()')).length, 0);
      await before.run('SET preserve_insertion_order = true');
      await before.close();
      const next = await own.open();
      assert.deepEqual(await next.rows('SELECT table_name FROM duckdb_tables()'), []);
      assert.deepEqual(await next.rows('SELECT * FROM duckdb_external_file_cache()'), []);
      assert.equal(await setting(next, 'preserve_insertion_order'), 'false');
      await next.run("SET TimeZone = 'Asia/Tokyo'");
      await next.close();
      const last = await own.open();
      assert.equal(await setting(last, 'TimeZone'), 'UTC');
      await last.close();
    });

    for (const [what, statement] of [
      ['a table that is not temporary', 'CREATE TABLE kept AS SELECT 1 AS one'],
      ['a macro', 'CREATE MACRO kept() AS 1'],
      ['a database', "ATTACH ':memory:' AS kept"],
      ['a setting', 'SET parquet_metadata_cache = true'],
      ['a table made after another statement', 'SELECT 1; CREATE TABLE kept AS SELECT 1 AS one'],
      ['a table made after a comment', '/* SELECT */ CREATE TABLE kept AS SELECT 1 AS one'],
      ['a table made by an option', 'EXPLAIN ANALYZE CREATE TABLE kept AS SELECT 1 AS one'],
    ] as const)
      it(`leaves nothing behind of ${what}`, async () => {
        const own = engine();
        const before = await own.open();
        await before.run(statement);
        await before.close();
        const next = await own.open();
        await next.run("ATTACH ':memory:' AS kept");
        await next.run('CREATE TABLE main.kept AS SELECT 2 AS two');
        await next.run('CREATE MACRO main.kept() AS 2');
        assert.equal(await setting(next, 'parquet_metadata_cache'), 'false');
        await next.close();
      });

    it('makes one database for all of them', async () => {
      const own = engine();
      const original = DuckDBInstance.create.bind(DuckDBInstance);
      let made = 0;
      DuckDBInstance.create = (...given) => {
        made += 1;
        return original(...given);
      };
      try {
        for (let count = 0; count < 4; count += 1) {
          const each = await own.open();
          for await (const { rowCount } of each.chunks('SELECT i::INTEGER FROM range(5000) t(i)')) assert.ok(rowCount);
          await each.close();
        }
      } finally {
        DuckDBInstance.create = original;
      }
      assert.equal(made, 1);
    });

    it('shares no database between two that are open, after one that failed or was left in the middle either', async () => {
      const own = engine();
      const failed = await own.open();
      await assert.rejects(failed.run('SELECT nothing'));
      await failed.close();
      const left = await own.open();
      await firstChunk(left, 'SELECT i::INTEGER FROM range(100000) t(i)');
      await left.close();
      const [one, other] = [await own.open(), await own.open()];
      await one.run('CREATE TABLE shared AS SELECT 1 AS one');
      await assert.rejects(other.rows('SELECT * FROM shared'), /shared/);
      await Promise.all([one.close(), other.close()]);
    });
  });
});
