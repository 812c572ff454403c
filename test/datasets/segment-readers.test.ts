import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { segmentColumns } from '../../datasets/columns.ts';
import { writeSegment } from '../../datasets/recorder.ts';
import type { SegmentRow } from '../../datasets/segment-row.ts';
import { segmentSelect } from '../../datasets/segment-schema.ts';
import { segmentFacts } from '../../datasets/validation/segment-facts.ts';
import { pythonJson } from '../support/python-json.ts';
import { toolForTest } from '../support/tool.ts';

/** As agents wrote before: the inner group of a list says that it is a list too. */
const oldSegment = fileURLToPath(new URL('../fixtures/segments/inner-list-annotation.parquet', import.meta.url));

const rowAt = (index: number): SegmentRow => ({
  episode_id: '01KE6J5R00ABCDEFGHJKMNPQRS',
  robot_id: 'robot-001',
  robot_type: 'scitos-g5',
  robot_type_version: 1,
  site: 'Köln',
  task: 'wall-following',
  policy_version: index % 2 === 0 ? '1.0.0' : null,
  started_at: 1_700_000_000_123_457,
  duration_ms: 5_000,
  outcome: 'success',
  failure_reason: null,
  intervened: false,
  latency_p50_ms: null,
  latency_p95_ms: 3.25,
  frame_count: 5_000,
  media: null,
  frame_index: index,
  timestamp: 1_700_000_000_123_457 + index,
  observation: Float32Array.of(index, 0.5, -1),
  action: index % 3 === 0 ? [] : [2],
  expert_action: index % 5 === 0 ? [1, 2] : null,
  is_correction: index % 5 === 0,
});
/** More than one page and row group. */
const rows = Array.from({ length: 5_000 }, (_, index) => rowAt(index));
const wanted = rows.map((row) => [
  row.episode_id,
  row.started_at,
  row.frame_index,
  row.policy_version,
  Array.from(row.observation),
  Array.from(row.action),
  row.expert_action === null ? null : Array.from(row.expert_action),
]);

describe('a segment as robots write it', function () {
  this.timeout(900_000);
  let directory: string;
  let python: string;
  before(async function () {
    python = await toolForTest(this, 'python');
  });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-readers-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is read alike by pyarrow, pandas, polars and DuckDB', async () => {
    const file = join(directory, 'segment.parquet');
    const footer = {
      robotId: 'robot-001',
      robotType: 'scitos-g5@1',
      robotTypeDigest: 'a'.repeat(64),
      agentVersion: '1.0.0',
      clockSkewMs: 0,
    };
    await writeSegment(rows, footer, file);
    const read = (await pythonJson(python, 'read_segment.py', [file])) as Readonly<Record<string, unknown>>;
    for (const reader of ['pyarrow', 'pandas', 'polars']) assert.deepEqual(read[reader], wanted, reader);
    assert.deepEqual(await byDuckDb(file), wanted, 'DuckDB');
  });

  it('stays readable to the collection as agents wrote it before', async () => {
    const bytes = await readFile(oldSegment);
    const facts = segmentFacts({ head: bytes, tail: bytes, sizeBytes: bytes.length });
    assert.deepEqual([facts.form, facts.rows, facts.columnProblems], ['parquet', 30, []]);
    const read = await byDuckDb(oldSegment);
    assert.equal(read.length, 30);
    assert.deepEqual(read[5]?.slice(4), [
      Array.from({ length: 24 }, (_, sensor) => Math.fround(0.5 + ((5 * 7 + sensor * 3) % 40) / 10)),
      [1],
      [2],
    ]);
    assert.equal(read[6]?.[6], null);
  });

  async function byDuckDb(file: string): Promise<readonly (readonly unknown[])[]> {
    const session = await duckDbEngine({ temporaryDirectory: directory, threads: 1 }).open();
    try {
      const found = await session.rows(
        `SELECT ${segmentSelect(segmentColumns, new Set())} FROM read_parquet('${file}') ORDER BY frame_index`,
      );
      return found.map((row) => [
        row['episode_id'],
        Number(row['started_at']),
        Number(row['frame_index']),
        row['policy_version'],
        ...['observation', 'action', 'expert_action'].map((name) => listOf(row[name])),
      ]);
    } finally {
      await session.close();
    }
  }
});

const listOf = (value: unknown): readonly number[] | null =>
  value === null || value === undefined ? null : [...(value as Iterable<number>)].map(Number);
