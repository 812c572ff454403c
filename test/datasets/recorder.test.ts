import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';
import parquet from 'parquetjs-lite';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import {
  lakeEpisodeColumns,
  lakeFrameColumns,
  recordedEpisodeColumns,
  segmentColumns,
} from '../../datasets/columns.ts';
import { readParquetFooter } from '../../datasets/parquet-footer.ts';
import { writeSegment } from '../../datasets/recorder.ts';
import { footerMetadata, parseFooter, type SegmentFooter } from '../../datasets/segment-footer.ts';
import { isPlainRow, segmentRowSchema, type SegmentRow } from '../../datasets/segment-row.ts';
import { arrowSchema, parquetFields, segmentSelect, segmentSqlType } from '../../datasets/segment-schema.ts';
import { sqlText, sqlTypes } from '../../datasets/sql-types.ts';
import { segmentFacts } from '../../datasets/validation/segment-facts.ts';

const footer: Omit<SegmentFooter, 'schemaVersion'> = {
  robotId: 'robot-001',
  robotType: 'scitos-g5@1',
  robotTypeDigest: 'a'.repeat(64),
  agentVersion: '1.0.0',
  clockSkewMs: -12.5,
};

const media = {
  sha256: 'd'.repeat(64),
  kind: 'video',
  startedAt: 1_700_000_000_000_000,
  durationMs: 5,
  key: 'media/a',
};

const rowOf = (index: number): SegmentRow => ({
  episode_id: '01KE6J5R00ABCDEFGHJKMNPQRS',
  robot_id: 'robot-001',
  robot_type: 'scitos-g5',
  robot_type_version: 1,
  site: 'Werk 3, Köln',
  task: 'wall-following',
  policy_version: index % 2 === 0 ? '1.0.0' : null,
  started_at: 1_700_000_000_123_457,
  duration_ms: 5000,
  outcome: 'failure',
  failure_reason: 'it’s "stuck"',
  intervened: true,
  latency_p50_ms: null,
  latency_p95_ms: 3.25,
  frame_count: 5000,
  media: [media],
  frame_index: index,
  timestamp: 1_700_000_000_123_457 + index,
  observation: Float32Array.of(index, 0.1, -1),
  action: index % 3 === 0 ? [] : [2],
  expert_action: index % 5 === 0 ? [1, 2] : null,
  is_correction: index % 5 === 0,
});

describe('the recorder', () => {
  let folder = '';
  const engine = () => duckDbEngine({ temporaryDirectory: join(folder, 'spill'), threads: 1 });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-recorder-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('writes segments that the engine reads back, value by value and type by type', async () => {
    const path = join(folder, 'a.parquet');
    const count = 4200;
    const rows = Array.from({ length: count }, (_, index) => rowOf(index));
    assert.deepEqual(await writeSegment(rows, footer, path), { rows: count });
    const session = await engine().open();
    const described = await session.rows(`DESCRIBE SELECT * FROM ${sqlText(path)}`);
    assert.deepEqual(
      described.map(({ column_name, column_type }) => [column_name, column_type]),
      segmentColumns.map((column) => [column.name, segmentSqlType(column)]),
    );
    const read = await session.rows(`SELECT * FROM ${sqlText(path)} ORDER BY frame_index`);
    await session.close();
    assert.equal(read.length, count);
    for (const [index, row] of read.entries()) {
      const written = rowOf(index);
      const expected = { ...written, media: JSON.stringify(written.media), observation: [index, Math.fround(0.1), -1] };
      assert.deepEqual(row, expected);
    }
  });

  it('carries what the robot says of the segment in the footer', async () => {
    const path = join(folder, 'b.parquet');
    await writeSegment([rowOf(0), rowOf(1)], footer, path);
    const bytes = await readFile(path);
    const read = readParquetFooter(bytes);
    assert.deepEqual(parseFooter(read?.metadata ?? {}), { schemaVersion: 1, ...footer });
    assert.equal(read?.rows, 2);
    assert.equal(read?.mostValues, 6);
    const facts = segmentFacts({ head: bytes.subarray(0, 64), tail: bytes, sizeBytes: bytes.length });
    assert.deepEqual([facts.form, facts.columnProblems, facts.absentColumns], ['parquet', [], []]);
  });

  it('writes the same bytes for the same rows', async () => {
    const paths = [join(folder, 'c.parquet'), join(folder, 'd.parquet')];
    for (const path of paths) await writeSegment([rowOf(0), rowOf(1)], footer, path);
    assert.deepEqual(await readFile(paths[0]!), await readFile(paths[1]!));
  });

  it('writes the bytes that the library makes of the same rows, over pages and row groups', async () => {
    const rows = Array.from({ length: 4_097 }, (_, index): SegmentRow => {
      const few = index % 7 === 0 ? [] : Float32Array.of(index / 3, -0);
      return {
        ...rowOf(index),
        media: index % 4 === 0 ? null : [media],
        action: few,
        expert_action: index % 2 === 0 ? null : few,
      };
    });
    for (const count of [1, 2, 255, 256, 257, 4_097]) {
      const paths = [join(folder, 'own.parquet'), join(folder, 'library.parquet')] as const;
      await writeSegment(rows.slice(0, count), footer, paths[0]);
      const writer = await parquet.ParquetWriter.openFile(
        new parquet.ParquetSchema(parquetFields(segmentColumns)),
        paths[1],
        { useDataPageV2: false, pageIndex: false, pageSize: 256, rowGroupSize: 4_096 },
      );
      for (const [key, value] of Object.entries(footerMetadata(footer))) writer.setMetadata(key, value);
      const list = (values: ArrayLike<number>) => ({ list: Array.from(values, (element) => ({ element })) });
      for (const row of rows.slice(0, count))
        await writer.appendRow({
          ...row,
          media: row.media === null ? null : JSON.stringify(row.media),
          observation: list(row.observation),
          action: list(row.action),
          expert_action: row.expert_action === null ? null : list(row.expert_action),
        });
      await writer.close();
      const [own, library] = await Promise.all(paths.map((path) => readFile(path)));
      assert.ok(own?.equals(library!), `${count} rows`);
    }
  });

  it('refuses a row that the schema does not know, and names row and column', async () => {
    const wrong: readonly Partial<Record<keyof SegmentRow, unknown>>[] = [
      { outcome: 'perfect' },
      { observation: [1, Number.NaN] },
      { action: 'forward' },
      { started_at: 1.5 },
      { frame_index: null },
      { media: [{ ...media, key: '' }] },
    ];
    for (const change of wrong) {
      const row = { ...rowOf(1), ...change } as SegmentRow;
      const [column = ''] = Object.keys(change);
      await assert.rejects(
        writeSegment([rowOf(0), row], footer, join(folder, 'e.parquet')),
        (error: Error) => error.message.includes('[row=1]') && error.message.includes(column),
      );
    }
  });
});

describe('the schemas derived from the columns', () => {
  it('know the same columns', () => {
    const names = segmentColumns.map(({ name }) => name);
    assert.deepEqual(Object.keys(parquetFields(segmentColumns)), names);
    assert.deepEqual(Object.keys(rowOf(0)).toSorted(), [...names].toSorted());
    assert.ok(segmentRowSchema.safeParse(rowOf(0)).success);
    for (const name of names) {
      const { [name]: _, ...without } = rowOf(0);
      assert.ok(!segmentRowSchema.safeParse(without).success, name);
    }
    assert.ok(!segmentRowSchema.safeParse({ ...rowOf(0), speed: 1 }).success);
  });

  it('accept every row that is taken for plain without them', () => {
    const names = segmentColumns.map(({ name }) => name);
    const odd = fc.constantFrom<unknown>(
      null,
      undefined,
      '',
      'x',
      'success',
      0,
      -0,
      1.5,
      -1,
      2 ** 31,
      -(2 ** 31),
      2 ** 53,
      Number.NaN,
      Infinity,
      true,
      new Float32Array(2),
      Float32Array.of(1, Number.NaN),
      [1, 2],
      [],
      {},
      7n,
    );
    const plain: SegmentRow = { ...rowOf(0), media: null, action: Float32Array.of(2), expert_action: null };
    assert.ok(isPlainRow(plain));
    assert.ok(!isPlainRow({ ...plain, speed: 1 } as SegmentRow));
    fc.assert(
      fc.property(fc.constantFrom(...names), odd, (name, value) => {
        const row = { ...plain, [name]: value } as SegmentRow;
        if (isPlainRow(row)) assert.ok(segmentRowSchema.safeParse(row).success, `${name} ${String(value)}`);
      }),
      { numRuns: 500 },
    );
  });

  it('agree between Arrow and SQL', () => {
    const arrowTypes: Readonly<Record<string, string>> = {
      VARCHAR: 'Utf8',
      INTEGER: 'Int32',
      BIGINT: 'Int64',
      DOUBLE: 'Float64',
      BOOLEAN: 'Bool',
      TIMESTAMPTZ: 'Timestamp<MICROSECOND, UTC>',
      DATE: 'Date32<DAY>',
      'FLOAT[]': 'List<Float32>',
    };
    for (const columns of [lakeEpisodeColumns, lakeFrameColumns]) {
      const schema = arrowSchema(columns);
      for (const [index, { name, type, nullable }] of columns.entries()) {
        const field = schema.fields[index]!;
        assert.deepEqual([field.name, field.nullable], [name, nullable]);
        if (type !== 'mediaList') assert.equal(String(field.type), arrowTypes[sqlTypes[type]]);
        else
          assert.match(String(field.type), /^List<Struct<\{sha256:Utf8, kind:Utf8, startedAt:Timestamp.*key:Utf8\}>>$/);
      }
    }
  });

  it('read a nullable column that an older segment lacks as NULL', () => {
    const sql = segmentSelect(recordedEpisodeColumns, new Set(['media', 'latency_p50_ms']));
    assert.match(sql, /NULL::VARCHAR AS "media"/);
    assert.match(sql, /NULL::DOUBLE AS "latency_p50_ms"/);
    assert.match(sql, /"latency_p95_ms"/);
  });
});
