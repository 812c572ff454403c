import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { parquetTableReader } from '../../../activities/imports/parquet-table.ts';
import type { SqlSession } from '../../../activities/ports/sql.ts';
import type { SourceEpisode } from '../../../datasets/importers/source-episode.ts';
import { measureColumns } from '../../../datasets/importers/measure-columns.ts';
import { tableEpisodes } from '../../../datasets/importers/table-episodes.ts';
import type { WantedCell } from '../../../datasets/importers/table.ts';
import { Tally } from '../../../datasets/importers/tally.ts';
import { cart, cartMap } from '../../datasets/importers/cart.ts';

describe('Parquet files as tables', () => {
  let folder = '';
  let session: SqlSession;
  let files = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-parquet-'));
    session = await duckDbEngine({ temporaryDirectory: folder }).open({ threads: 2, memoryLimitMiB: 256 });
  });
  after(async () => {
    await session.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function parquet(select: string, options = ''): Promise<string> {
    files += 1;
    const path = join(folder, `${files} it's.parquet`);
    await session.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet${options})`);
    return path;
  }
  async function cells(path: string, wanted: readonly WantedCell[]) {
    const found: (string | number)[][] = [];
    for await (const rows of parquetTableReader(session).rows(path, wanted))
      for (const row of rows)
        found.push(wanted.map(({ as }, cell) => (as === 'text' ? row.text(cell) : row.number(cell))));
    return found;
  }
  const number = (column: string): WantedCell => ({ column, as: 'number' });
  const text = (column: string): WantedCell => ({ column, as: 'text' });

  it('reads numbers, text, instants, truth values and places of lists, and blanks as blanks', async () => {
    const path = await parquet(
      `SELECT 7::BIGINT AS "a""b", 0.5::DECIMAL(4,2) AS d, true AS b, [1.5, 2.5]::FLOAT[] AS l, ' x ' AS s, '1.25' AS n,
        TIMESTAMPTZ '2024-01-01 10:00:00.25+02' AS z, TIMESTAMP '2024-01-01 10:00:00' AS w,
        {'x': 1, 'at': {'y''s': 2.5, 'l': [7, 8]}} AS o, {'bytes': 'a'::BLOB, 'path': 'b'} AS image, [{'x': 1}] AS many
       UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
    );
    const wanted = [number('a"b'), text('a"b'), number('d'), text('b'), number('l[1]'), number('l[5]'), text('s')];
    assert.deepEqual(await cells(path, [...wanted, number('n'), text('n'), text('z'), text('w')]), [
      [7, '7', 0.5, 'true', 2.5, Number.NaN, 'x', 1.25, '1.25', '2024-01-01 08:00:00.25+00', '2024-01-01 10:00:00'],
      [Number.NaN, '', Number.NaN, '', Number.NaN, Number.NaN, '', Number.NaN, '', '', ''],
    ]);
    const kinds = (await parquetTableReader(session).columns(path)).map(({ name, kind }) => `${name} ${kind}`);
    assert.deepEqual(kinds, [
      'a"b number',
      'd number',
      'b boolean',
      'l list',
      's text',
      'n text',
      'z instant',
      'w instant',
      'o.x number',
      "o.at.y's number",
      'o.at.l list',
      'image other',
      'many other',
    ]);
    assert.deepEqual(await cells(path, [number('o.x'), text('o.x'), number("o.at.y's"), number('o.at.l[1]')]), [
      [1, '1', 2.5, 8],
      [Number.NaN, '', Number.NaN, Number.NaN],
    ]);
    await assert.rejects(cells(path, [number('o')]), /column "o", got a structure: map o\.x, o\.at\.y's, o\.at\.l \[/);
    await assert.rejects(cells(path, [number('many')]), /column "many", got bytes, or lists or structures/);
    await assert.rejects(cells(path, [number('l')]), /got a list: map l\[0\], l\[1\]/);
    await assert.rejects(cells(path, [number('nobody')]), /expected column "nobody", got none of that name/);
  });

  it('gives the text of whole numbers as it is, those that no double holds among them', async () => {
    const path = await parquet(
      `SELECT * FROM (VALUES (7::TINYINT, -3::BIGINT, 9007199254740993::BIGINT, 18446744073709551615::UBIGINT), (NULL, NULL, NULL, NULL)) v(a, b, c, d)`,
    );
    assert.deepEqual(await cells(path, [text('a'), text('b'), text('c'), text('d')]), [
      ['7', '-3', '9007199254740993', '18446744073709551615'],
      ['', '', '', ''],
    ]);
  });

  it('keeps the order of the file over row groups, and tells the row', async () => {
    const path = await parquet('SELECT i::INTEGER AS i FROM range(30000) r(i) ORDER BY i', ', ROW_GROUP_SIZE 2048');
    let next = 0;
    for await (const rows of parquetTableReader(session).rows(path, [number('i')]))
      for (const row of rows) {
        assert.deepEqual([row.number(0), row.place], [next, next + 1]);
        next += 1;
      }
    assert.equal(next, 30_000);
  });

  it('takes texts for numbers as text tables do, however long they are', async () => {
    const texts = ['0x10', 'Infinity', '1e5', ' 7 ', `1${' '.repeat(5_000)}x`, '1'.repeat(301), `${'0'.repeat(299)}1`];
    const path = await parquet(`SELECT unnest([${texts.map((cell) => `'${cell}'`).join(', ')}]) AS n`);
    const { NaN: none } = Number;
    assert.deepEqual(await cells(path, [number('n')]), [[none], [none], [1e5], [7], [none], [none], [1]]);
  });

  it('measures many columns of long texts a few at a time, and no more of a text than it looks at', async () => {
    const columns = Array.from({ length: 70 }, (_, column) => `c${column}`);
    const long = (name: string, place: number) =>
      place === 69 ? `i AS ${name}` : `printf('%03d', i % ${place + 1}) || repeat('x', 3000) AS ${name}`;
    const path = await parquet(`SELECT ${columns.map(long).join(', ')} FROM range(100) r(i)`);
    const handed: number[] = [];
    const counting: SqlSession = {
      ...session,
      async *chunks(sql) {
        for await (const chunk of session.chunks(sql)) {
          let characters = 0;
          yield {
            ...chunk,
            strings: (column) => {
              const texts = chunk.strings(column);
              characters += texts.reduce((sum, text) => sum + text.length, 0);
              return texts;
            },
          };
          handed.push(characters);
        }
      },
    };
    const measured = await measureColumns(parquetTableReader(counting), [{ path, name: 'x' }], columns);
    assert.equal(measured.rows, 100);
    assert.deepEqual(
      measured.columns.map(({ kind, values }) => `${kind} ${values?.length}`),
      columns.map((_, place) => (place === 69 ? 'number undefined' : `text ${place > 63 ? undefined : place + 1}`)),
    );
    assert.ok(Math.max(...handed) <= 100 * 32 * (300 + 301), `${Math.max(...handed)}`);
  });

  it('makes the same episodes as the same table of text', async () => {
    const path = await parquet(
      `SELECT i / 10 AS t, i::FLOAT AS place, 0.5 AS angle, [0.25::FLOAT] AS act FROM range(4) r(i)`,
    );
    const actions = { kind: 'continuous', ranges: [{ name: 'speed', column: 'act[0]' }] };
    const source = {
      files: [{ path, name: 'x.parquet' }],
      reader: parquetTableReader(session),
      map: cartMap({ actions }),
      type: cart,
      tally: new Tally(),
    };
    const episodes: SourceEpisode[] = [];
    for await (const episode of tableEpisodes(source, { rows: 0 })) episodes.push(episode);
    assert.deepEqual(
      episodes.map(({ frames }) => frames.map(({ observation, action }) => [...observation, ...action])),
      [[0, 1, 2, 3].map((place) => [place, 0.5, 0.25])],
    );
    assert.deepEqual(source.tally.result().notTaken, []);
  });

  it('refuses bytes that are no Parquet, files that are cut off, and names that the engine would expand', async () => {
    const whole = await readFile(await parquet('SELECT i FROM range(5000) r(i)'));
    for (const [name, bytes] of [
      ['text.parquet', 'a,b\n'],
      ['empty.parquet', ''],
      ['cut.parquet', whole.subarray(0, whole.length - 100)],
      ['middle.parquet', Buffer.concat([whole.subarray(0, 40), Buffer.alloc(4_000, 255), whole.subarray(4_040)])],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, bytes);
      await assert.rejects(
        cells(path, [number('i')]),
        /expected a Parquet file that can be read, got: .*\[file=/s,
        name,
      );
    }
    const path = join(folder, '*.parquet');
    await writeFile(path, whole);
    await assert.rejects(cells(path, [number('i')]), /expected a file name without \* \? \[ \] \{ and \}/);
  });
});
