import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { leafColumns } from '../../datasets/column-rows.ts';
import { segmentColumns } from '../../datasets/columns.ts';
import { FrameColumns, type Frame } from '../../datasets/frame-columns.ts';
import { writeSegment } from '../../datasets/recorder.ts';
import { writeRuns, type GroupLimits, type RowRun } from '../../datasets/run-recorder.ts';
import type { SegmentRow } from '../../datasets/segment-row.ts';
import { segmentSelect } from '../../datasets/segment-schema.ts';
import { segmentFacts } from '../../datasets/validation/segment-facts.ts';

const footer = {
  robotId: 'r1',
  robotType: 'arm@1',
  robotTypeDigest: 'a'.repeat(64),
  agentVersion: 'importer',
  clockSkewMs: 0,
};

interface Shape {
  readonly frames: number;
  readonly width: number;
  readonly isDemonstration: boolean;
  readonly outcome: 'success' | 'failure';
}

const runOf = ({ frames, width, isDemonstration, outcome }: Shape, number: number): RowRun => {
  const values = Array.from({ length: frames }, (_, frame) => ({
    atUs: 1_700_000_000_000_000 + frame * 50_000,
    observation: Float32Array.from({ length: width }, (_unused, place) => Math.sin(frame + place + number)),
    action: Float32Array.from({ length: width - 1 }, () => frame / 3),
  }));
  const [first] = values;
  assert.ok(first);
  return {
    first: {
      episode_id: `01KE6J5R00ABCDEFGHJKMNP${String(number).padStart(3, '0')}`,
      robot_id: 'r1',
      robot_type: 'arm',
      robot_type_version: 1,
      site: 'Köln',
      task: 'reach',
      policy_version: null,
      started_at: first.atUs,
      duration_ms: 5000,
      outcome,
      failure_reason: outcome === 'success' ? null : 'stuck',
      intervened: false,
      latency_p50_ms: null,
      latency_p95_ms: null,
      frame_count: frames,
      media: null,
      frame_index: 0,
      timestamp: first.atUs,
      observation: first.observation,
      action: first.action,
      expert_action: isDemonstration ? first.action : null,
      is_correction: false,
    },
    frames: FrameColumns.of(values),
  };
};

const rowsOf = ({ first, frames }: RowRun): readonly SegmentRow[] =>
  frames.map(({ atUs, observation, action }, frame_index) => ({
    ...first,
    frame_index,
    timestamp: atUs,
    observation,
    action,
    expert_action: first.expert_action === null ? null : action,
  }));

describe('the recorder of imports', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-runs-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  const valuesIn = async (file: string) => {
    const found = new Map<string, unknown[]>();
    for await (const { columns } of leafColumns(file))
      for (const { name, values } of columns) found.set(name, [...(found.get(name) ?? []), ...values]);
    return found;
  };

  it('writes the values that the recorder of robots writes of the same rows, over pages and row groups', async () => {
    const shape = fc.record({
      frames: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(255, 300)),
      width: fc.integer({ min: 1, max: 3 }),
      isDemonstration: fc.boolean(),
      outcome: fc.constantFrom('success' as const, 'failure' as const),
    });
    const limits = fc.constantFrom(
      undefined,
      { rows: 100, bytes: 1e9 },
      { rows: 1e9, bytes: 19_000 },
      { rows: 20, bytes: 1e9 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(shape, { minLength: 1, maxLength: 4 }), limits, async (shapes, groups) => {
        const runs = shapes.map(runOf);
        const [own, robots] = [join(folder, 'own.parquet'), join(folder, 'robots.parquet')];
        const rows = runs.flatMap(rowsOf);
        assert.deepEqual(await writeRuns(runs, footer, own, groups), { rows: rows.length });
        await writeSegment(rows, footer, robots);
        assert.deepEqual(await valuesIn(own), await valuesIn(robots));
      }),
      { numRuns: 12 },
    );
  });

  it('writes what the engine and the rules of a segment read, the same bytes again', async () => {
    const runs = [5_000, 3].map((frames, number) =>
      runOf({ frames, width: 2, isDemonstration: true, outcome: 'success' }, number),
    );
    const [file, again] = [join(folder, 'a.parquet'), join(folder, 'b.parquet')];
    for (const path of [file, again]) await writeRuns(runs, footer, path);
    const bytes = await readFile(file);
    assert.ok(bytes.equals(await readFile(again)));
    const facts = segmentFacts({ head: bytes, tail: bytes, sizeBytes: bytes.length });
    assert.deepEqual([facts.form, facts.rows, facts.columnProblems], ['parquet', 5_003, []]);
    const session = await duckDbEngine({ temporaryDirectory: folder, threads: 1 }).open();
    const [row] = await session.rows(
      `SELECT count(*) AS rows, sum(frame_index) AS places, max("timestamp") AS last, count(expert_action) AS experts
       FROM (SELECT ${segmentSelect(segmentColumns, new Set())} FROM read_parquet('${file}'))`,
    );
    await session.close();
    assert.deepEqual([row?.['rows'], row?.['places'], row?.['experts']].map(Number), [
      5_003,
      (4_999 * 5_000) / 2 + 3,
      5_003,
    ]);
  });

  it('holds no more in a row group than it may', async () => {
    const runs = [300, 5].map((frames, number) =>
      runOf({ frames, width: 2, isDemonstration: false, outcome: 'failure' }, number),
    );
    const file = join(folder, 'groups.parquet');
    const groupRows = async (limits?: GroupLimits): Promise<readonly number[]> => {
      await writeRuns(runs, footer, file, limits);
      const found: number[] = [];
      for await (const { rows } of leafColumns(file)) found.push(rows);
      return found;
    };
    assert.deepEqual(await groupRows(), [305]);
    assert.deepEqual(await groupRows({ rows: 128, bytes: 1e9 }), [128, 128, 49]);
    const byBytes = await groupRows({ rows: 1_000, bytes: 20_000 });
    assert.ok(byBytes.length > 1 && byBytes.every((rows) => rows > 50 && rows < 250), byBytes.join());
    await writeRuns(runs.slice(1), footer, file, { rows: 1_000, bytes: 1 });
    assert.equal(segmentFacts({ head: await readFile(file), tail: await readFile(file), sizeBytes: 0 }).rows, 5);
  });

  it('refuses frames that cannot be recorded, and rows that the schema does not know', async () => {
    const run = runOf({ frames: 30, width: 2, isDemonstration: false, outcome: 'success' }, 0);
    const spoiled = (change: Partial<Frame>): RowRun => ({
      ...run,
      frames: FrameColumns.of(run.frames.map((frame, place) => (place === 20 ? { ...frame, ...change } : frame))),
    });
    const refused = (broken: RowRun, reason: RegExp) =>
      assert.rejects(writeRuns([broken], footer, join(folder, 'c.parquet')), reason);
    for (const change of [
      { atUs: 0.5 },
      { atUs: -1 },
      { observation: Float32Array.of(0, Number.NaN) },
      { action: Float32Array.of(Number.POSITIVE_INFINITY) },
    ])
      await refused(spoiled(change), /unexpected row of a segment \[row=20\]/);
    await refused({ ...run, first: { ...run.first, task: '' } }, /unexpected row of a segment \[row=0\].*task/s);
  });
});
