import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import parquet, { type ParquetField } from 'parquetjs-lite';

import { segmentJudgeProcess } from '../../../activities/adapters/judge-process.ts';
import { segmentJudge, type SegmentJudge } from '../../../activities/collection/segment-judge.ts';
import { failure } from '../../../store/failures.ts';
import { segmentColumns } from '../../../datasets/columns.ts';
import { footerMetadata } from '../../../datasets/segment-footer.ts';
import { parquetFields } from '../../../datasets/segment-schema.ts';
import {
  CollectionWorld,
  failingEngine,
  footerOf,
  generatedEpisodes,
  oneRobot,
  portsOf,
  withGap,
  type Ports,
} from './collection-fixture.ts';
import { Killed } from './dying-worker.ts';
import { episodeSql } from './segment-sql.ts';

const robotId = 'robot-009';

const framesOf = ({ episodes }: ReturnType<typeof oneRobot>): number => episodes[0]?.length ?? 0;

/** The file with the Bloom filters of its columns overwritten: they are read when a statement looks for some rows only. */
async function withBrokenFilters(world: CollectionWorld, path: string): Promise<Uint8Array> {
  const session = await world.ports.engine.open();
  const filters = await session.rows(
    `SELECT bloom_filter_offset::INTEGER AS start, bloom_filter_length::INTEGER AS size FROM parquet_metadata('${path}')
      WHERE bloom_filter_offset IS NOT NULL`,
  );
  await session.close();
  assert.ok(filters.length > 3, `${filters.length} columns have a filter`);
  const bytes = Uint8Array.from(await readFile(path));
  for (const { start, size } of filters) bytes.fill(0xff, Number(start), Number(start) + Number(size));
  return bytes;
}

describe('a segment that would stop the collection', () => {
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open();
    const { robotId: sound, episodes } = oneRobot(1, 2);
    await world.land(sound, episodes.flat());
  });
  afterEach(() => world.close());

  const landSql = async (select: string): Promise<string> =>
    world.landFile(robotId, await world.writeBySql('hostile.parquet', select, footerMetadata(footerOf(robotId))));
  const replaced = (...replacements: string[]): string =>
    `SELECT * REPLACE (${replacements.join(', ')}) FROM (${episodeSql(robotId)})`;

  /** Collects: the sound segment is stored, the other one quarantined whole with a small record that names the rule. */
  async function isRefused(rule: string, value: RegExp, judge?: SegmentJudge): Promise<void> {
    const { result } = await world.collect('c1', { ports: { ...world.ports, ...(judge && { judge }) } });
    assert.deepEqual([result.verdict, result.episodesStored, result.quarantinedSegments], ['ok', 2, 1]);
    const [record] = await world.documents('quarantine/c1/');
    const violations = record!['violations'] as { rule: string; value: string }[];
    assert.deepEqual(record!['rules'], [rule]);
    assert.match(violations[0]!.value, value);
    assert.ok(JSON.stringify(record).length < 4096);
    assert.deepEqual(await world.keys('landing/'), []);
  }

  it('instants annotated as timestamps, as pandas writes them', async () => {
    await landSql(replaced('make_timestamp_ns(started_at * 1000) AS started_at'));
    await isRefused('segment.columns', /started_at: expected int64, got other/);
  });

  for (const name of ['file_row_number', 'file_index', 'filename', 'FILE_INDEX']) {
    it(`a column with a name of the reader's: ${name}`, async () => {
      await landSql(`SELECT *, 7 AS ${name} FROM (${episodeSql(robotId)})`);
      await isRefused('segment.columns', /a name that the reader keeps for itself/);
    });
  }

  it('a column of ours in capital letters', async () => {
    await landSql(`SELECT * EXCLUDE (task), task AS "TASK" FROM (${episodeSql(robotId)})`);
    await isRefused('segment.columns', /TASK: expected task/);
  });

  it('a column nobody knows is passed over', async () => {
    await landSql(`SELECT *, {'a': [1]} AS __index_level_0__ FROM (${episodeSql(robotId)})`);
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedSegments], [3, 0]);
  });

  it('a list without its annotation', async () => {
    const fields = parquetFields(segmentColumns);
    const { list } = fields['observation']!.fields!;
    const bare = { optional: true, fields: { list } } as unknown as ParquetField;
    const path = join(world.directory, 'bare.parquet');
    const writer = await parquet.ParquetWriter.openFile(
      new parquet.ParquetSchema({ ...fields, expert_action: bare }),
      path,
    );
    for (const [key, value] of Object.entries(footerMetadata(footerOf(robotId)))) writer.setMetadata(key, value);
    const lists = { observation: { list: [] }, action: { list: [{ element: 0 }] }, expert_action: null };
    const [row] = oneRobot(1, 1).episodes[0]!;
    await writer.appendRow({ ...row, robot_id: robotId, ...lists });
    await writer.close();
    await world.landFile(robotId, path);
    await isRefused('segment.columns', /expert_action: expected float32List, got other/);
  });

  it('a dictionary of one endless text', async () => {
    await landSql(replaced(`repeat('x', 20000000) AS failure_reason`));
    await isRefused('segment.pages', /failure_reason: expected at most \d+ bytes of text, got \d+/);
  });

  it('a text that fits into its page and not into an episode', async () => {
    await landSql(replaced(`repeat('y', 300000) AS episode_id`, `repeat('z', 100000) AS media`));
    await isRefused('segment.text-length', /a text of 300000 bytes, media of 100000/);
  });

  it('more broken episodes than can be kept one by one', async () => {
    await landSql(
      `SELECT * REPLACE (printf('01KE6J5R00ABCDEFGHJK%06d', f) AS episode_id, 'dance' AS task) FROM ` +
        `(SELECT *, frame_index AS f FROM (${episodeSql(robotId, 2000)}))`,
    );
    await isRefused('segment.refused-episodes', /2000 episodes refused/);
    const [decision] = await world.documents('collections/c1/decisions/');
    assert.ok(JSON.stringify(decision).length < 4096);
  });

  it('whatever fails with it and not without it, in the very statements of the collection', async () => {
    for (const [id, episodes] of generatedEpisodes(7, 5, 1)) await world.land(id, episodes.flat());
    const key = await landSql(episodeSql(robotId));
    const inner = segmentJudge(world.ports.engine);
    const judge: SegmentJudge = {
      judge: async (job, progress) => {
        if (job.segments.some(({ planned }) => planned.key === key))
          throw failure('EngineFailed', 'a new kind of failure');
        return inner.judge(job, progress);
      },
    };
    const { result } = await world.collect('c1', { ports: { ...world.ports, judge } });
    assert.deepEqual([result.episodesStored, result.quarantinedSegments], [7, 1]);
    const [record] = await world.documents('quarantine/c1/');
    assert.deepEqual([record!['landingKey'], record!['rules']], [key, ['segment.unreadable']]);
  });

  it('a filter of the file that only a look for duplicates reads, and cannot', async () => {
    await landSql(episodeSql(robotId));
    const path = await world.writeBySql(
      'twin.parquet',
      `SELECT * FROM (${episodeSql(robotId)})`,
      footerMetadata({ ...footerOf(robotId), clockSkewMs: 0 }),
    );
    await world.landBytes(robotId, await withBrokenFilters(world, path));
    const { result } = await world.collect('c1');
    assert.deepEqual(
      [result.episodesStored, result.alreadyStored, result.quarantinedSegments, result.quarantinedEpisodes],
      [3, 1, 0, 0],
    );
    assert.equal((await world.rows('frames', 'episode_id')).length, 20 + 2 * framesOf(oneRobot(1, 2)));
    assert.deepEqual(await world.keys('landing/'), []);
    assert.deepEqual(await world.leftInScratch(), []);
  });

  it('one whose rows can be read from a copy only, though the worker dies after the decision', async () => {
    await landSql(episodeSql(robotId));
    const { lake } = world.ports;
    let commits = 0;
    const dying: Ports = {
      ...world.ports,
      lake: {
        ...lake,
        stage: async (...input) => {
          const [, , relation] = input;
          if (relation.includes('read_parquet') && !relation.includes('/copies-'))
            throw failure('EngineFailed', 'statistics that cannot be read');
          return lake.stage(...input);
        },
        commitStaged: async (...input) => {
          commits += 1;
          if (commits === 1) throw new Killed('after the decision');
          return lake.commitStaged(...input);
        },
      },
    };
    await assert.rejects(world.collect('c1', { ports: dying }), Killed);
    assert.equal((await world.keys('collections/c1/decisions/')).length, 1);
    const { result } = await world.collect('c1', { ports: dying });
    assert.deepEqual([result.verdict, result.episodesStored, result.quarantinedSegments], ['ok', 3, 0]);
    assert.equal((await world.rows('frames', 'episode_id')).length, 20 + 2 * framesOf(oneRobot(1, 2)));
    assert.deepEqual(await world.leftInScratch(), []);
  });

  it('is kept whole where a refused episode cannot be written apart, but not for a full disk, which is tried again', async () => {
    const [first, second] = oneRobot(3, 2).episodes;
    await world.land(oneRobot(3, 2).robotId, [...(first ?? []), ...withGap(second ?? [])]);
    const { store, engine, scratchDirectory } = world.ports;
    const failing = (message: string) =>
      portsOf(store, failingEngine(engine, /COPY .*refused-/s, message), scratchDirectory);
    await assert.rejects(world.collect('c1', { ports: failing('No space left on device') }), /No space left/);
    assert.deepEqual(await world.keys('quarantine/'), []);
    const { result } = await world.collect('c1', { ports: failing('a damaged index') });
    assert.deepEqual([result.episodesStored, result.quarantinedEpisodes], [3, 1]);
    assert.equal((await world.documents('quarantine/')).length, 1);
  });

  it('not one that fails with everything: then it is the machine, and nothing is quarantined', async () => {
    const judge: SegmentJudge = {
      judge: async () => {
        throw failure('EngineFailed', 'no memory at all');
      },
    };
    await assert.rejects(world.collect('c1', { ports: { ...world.ports, judge } }), /no memory at all/);
    assert.deepEqual(await world.keys('quarantine/'), []);
    assert.equal((await world.keys('landing/')).length, 1);
  });

  it('a robot with the name of something every object has is counted like any other', async () => {
    const rows = oneRobot(3, 1).episodes[0]!.map((row) => ({ ...row, robot_id: 'constructor' }));
    await world.land('constructor', rows);
    const { summary } = await world.collect('c1');
    assert.equal(summary.robots.find((robot) => robot.robotId === 'constructor')?.episodesStored, 1);
  });
});

describe('judging segments in a process of its own', () => {
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open();
    for (const [robotId, episodes] of generatedEpisodes(1, 2, 2)) await world.land(robotId, episodes.flat());
  });
  afterEach(() => world.close());
  const collect = (options: { maxRssMiB?: number }) => {
    const judge = segmentJudgeProcess({ temporaryDirectory: world.ports.scratchDirectory, threads: 1, ...options });
    return world.collect('c1', { ports: { ...world.ports, judge } });
  };

  it('gives the same', async () => {
    const { result } = await collect({});
    assert.deepEqual([result.verdict, result.episodesStored], ['ok', 4]);
  });

  it('ends with it when memory runs out, and the worker goes on', async () => {
    await assert.rejects(collect({ maxRssMiB: 16 }), /reading ended the process: it took more than 16 MiB/);
    const { result } = await world.collect('c1');
    assert.equal(result.episodesStored, 4);
  });
});
