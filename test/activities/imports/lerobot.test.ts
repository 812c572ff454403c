import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { parquetTableReader } from '../../../activities/imports/parquet-table.ts';
import type { SqlSession } from '../../../activities/ports/sql.ts';
import { importMapSchema } from '../../../datasets/importers/import-map.ts';
import { draftLeRobot } from '../../../datasets/importers/lerobot/draft-lerobot.ts';
import { importLeRobot } from '../../../datasets/importers/lerobot/import-lerobot.ts';
import { readLeRobotInfo } from '../../../datasets/importers/lerobot/info.ts';
import { readTasks } from '../../../datasets/importers/lerobot/meta.ts';
import type { TableReader } from '../../../datasets/importers/table.ts';
import { checkRobotType } from '../../../datasets/robot-type-check/check-robot-type.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { lerobotFolder, soundEpisodes, type EpisodeRow } from './lerobot-folder.ts';

describe('LeRobot data sets', () => {
  let scratchDirectory = '';
  let session: SqlSession;
  before(async () => {
    scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-lerobot-'));
    session = await duckDbEngine({ temporaryDirectory: scratchDirectory, threads: 1 }).open();
  });
  after(async () => {
    await session.close();
    await rm(scratchDirectory, { recursive: true, force: true });
  });

  const made = async (version: 'v2.1' | 'v3.0', episodes?: readonly EpisodeRow[]) =>
    lerobotFolder(await mkdtemp(join(scratchDirectory, 'set-')), session, version, episodes);
  const draft = async (folder: string) => {
    const drafted = await draftLeRobot(folder, 'so100', parquetTableReader(session));
    const { type, problems } = checkRobotType(new TextEncoder().encode(JSON.stringify(drafted.robotType)));
    assert.ok(type, JSON.stringify(problems));
    return { type, map: importMapSchema.parse(drafted.map), notes: drafted.notes };
  };
  async function brought(folder: string) {
    const store = memoryObjectStore();
    const input = {
      path: folder,
      store,
      scratchDirectory,
      progress: () => {},
      isRegistered: async () => false,
      isAgain: false,
    };
    const summary = await importLeRobot({ ...input, ...(await draft(folder)), reader: parquetTableReader(session) });
    return { summary, store, rows: await landedRows(store) };
  }
  async function landedRows(store: ObjectStore) {
    const rows = [];
    for await (const { key } of store.list('landing/'))
      rows.push(
        ...(await session.rows(
          `SELECT episode_id AS id, task, outcome, failure_reason AS reason, frame_index AS frame, observation, "action", expert_action AS expert
           FROM read_parquet('${await store.localPath(key)}') ORDER BY started_at, frame_index`,
        )),
      );
    return rows;
  }
  const leftOut = ({ summary }: Awaited<ReturnType<typeof brought>>, what: string) =>
    summary.notTaken
      .filter((entry) => entry.what === what)
      .map(({ name, reason, count }) => `${count} ${name}: ${reason}`);

  for (const version of ['v2.1', 'v3.0'] as const)
    it(`${version}: takes every number by the names of its meta data, many episodes a file, and counts the cameras`, async () => {
      const folder = await made(version);
      const { type } = await draft(folder);
      assert.deepEqual(
        type.observations.map(({ name }) => name),
        ['state.shoulder', 'state.elbow', 'load', 'unused'],
      );
      assert.deepEqual(type.tasks, ['pick-up-the-cube', 'pick-up-the-cube-2']);
      assert.equal(type.rateHz, 10);
      assert.ok(type.observations[0]!.min < 0 && type.observations[0]!.max > 11);
      const result = await brought(folder);
      assert.deepEqual([result.summary.episodes, result.summary.frames, result.summary.rows], [3, 12, 12]);
      assert.deepEqual(leftOut(result, 'video'), ['3 observation.images.top: not in the map']);
      assert.deepEqual(leftOut(result, 'episode'), []);
      assert.deepEqual(
        result.rows.map(({ observation, action, expert }) => [observation, action, expert]),
        Array.from({ length: 12 }, (_, i) => [
          [i, 0 - i / 2, i % 3, Math.fround(i / 100)],
          [Math.fround(i / 100)],
          [Math.fround(i / 100)],
        ]),
      );
      assert.deepEqual(
        result.rows.filter(({ frame }) => frame === 0).map(({ task, outcome, reason }) => [task, outcome, reason]),
        [
          ['pick-up-the-cube', 'success', null],
          ['pick-up-the-cube-2', 'failure', 'not successful'],
          ['pick-up-the-cube', 'success', null],
        ],
      );
    });

  it('takes no episode whose boundaries are other than the meta data says, and says which way', async () => {
    const spoiled = (index: number, changes: Partial<EpisodeRow>) =>
      soundEpisodes.map((row) => (row.index === index ? { ...row, ...changes } : row));
    const cases: readonly (readonly [readonly EpisodeRow[], string])[] = [
      [spoiled(0, { length: 4, to: 4 }), '1 : other length than the meta data says'],
      [spoiled(1, { from: 6, to: 9 }), '1 : other rows than dataset_from_index says'],
      [spoiled(1, { to: 9 }), '1 : dataset_from_index and dataset_to_index do not fit its length'],
      [soundEpisodes.slice(1), '1 : in the data, not in the meta data'],
    ];
    for (const [episodes, reason] of cases) {
      const result = await brought(await made('v3.0', episodes));
      assert.deepEqual(leftOut(result, 'episode'), [reason]);
      assert.equal(result.summary.episodes, 2);
    }
    const more = await brought(await made('v3.0', [...soundEpisodes, { index: 3, length: 2, from: 12, to: 14 }]));
    assert.deepEqual(leftOut(more, 'episode'), ['1 : in the meta data, and no row of it in the data']);
  });

  it('lands the episode that mended meta data lets in, also where it is as long as one landed before', async () => {
    const folder = await mkdtemp(join(scratchDirectory, 'mended-'));
    // Episodes of 5, 3 and 3 frames, of which the meta data has one too short.
    const written = async (tooShort: number) => {
      const sound = soundEpisodes.map((row) => (row.index === 2 ? { ...row, length: 3, to: 11 } : row));
      const spoiled = sound.map((row) =>
        row.index === tooShort ? { ...row, length: row.length - 1, to: row.to - 1 } : row,
      );
      await lerobotFolder(folder, session, 'v3.0', spoiled);
      const file = join(folder, 'data/chunk-000/file-001.parquet');
      await session.run(
        `COPY (SELECT * FROM read_parquet('${file}') WHERE index < 11) TO '${file}.new' (FORMAT parquet)`,
      );
      await rename(`${file}.new`, file);
    };
    await written(2);
    const store = memoryObjectStore();
    const input = {
      path: folder,
      store,
      scratchDirectory,
      progress: () => {},
      isRegistered: async () => false,
      isAgain: false,
    };
    const drafted = { ...(await draft(folder)), reader: parquetTableReader(session) };
    const run = async () => {
      const { episodes, frames, segmentsAlreadyThere } = await importLeRobot({ ...input, ...drafted });
      return { episodes, frames, segmentsAlreadyThere };
    };
    assert.deepEqual(await run(), { episodes: 2, frames: 8, segmentsAlreadyThere: 0 });
    assert.deepEqual(await run(), { episodes: 2, frames: 8, segmentsAlreadyThere: 1 });
    await written(1);
    assert.deepEqual(await run(), { episodes: 2, frames: 8, segmentsAlreadyThere: 0 });
    const ids = new Set((await landedRows(store)).map(({ id }) => id));
    assert.equal(ids.size, 3);
  });

  it('ends at the line of meta data that is too long, or that says more tasks than there may be, and reads no further', async () => {
    const folder = await made('v2.1');
    const file = join(folder, 'meta/episodes.jsonl');
    const sound = await readFile(file, 'utf8');
    // The text has no second line: what comes behind the bound is never looked at.
    await writeFile(file, `${sound}{"episode_index": 3, "length": 2, "x": "`);
    const wholeBytes = 1_000_000_000;
    await truncate(file, wholeBytes);
    const before = process.memoryUsage().rss;
    await assert.rejects(brought(folder), /expected lines of at most 1000000 characters.*line=4\]/);
    assert.ok(process.memoryUsage().rss - before < wholeBytes / 2);
    const tasks = join(folder, 'meta/tasks.jsonl');
    const task = (index: number) => `{"task_index": ${index}, "task": "task ${index}"}\n`;
    const behind = '{"task_index": "no number"}\n';
    await writeFile(tasks, `${Array.from({ length: 10_001 }, (_, index) => task(index)).join('')}${behind}`);
    const info = await readLeRobotInfo(folder);
    const reader = parquetTableReader(session);
    await assert.rejects(readTasks(folder, info, reader), /expected at most 10000 tasks, got more/);
    const whole = await made('v3.0');
    const endless: TableReader = {
      columns: async () => [
        { name: 'task_index', kind: 'number' },
        { name: 'task', kind: 'text' },
      ],
      async *rows() {
        for (let row = 0; row < 20_000; row += 1) yield [{ place: row + 1, text: () => 'a task', number: () => row }];
        throw new Error('expected nobody to read on');
      },
    };
    await assert.rejects(
      readTasks(whole, { ...info, version: 'v3.0' }, endless),
      /expected at most 10000 tasks, got more/,
    );
  });

  it('names pointers of Git LFS, missing files and meta data that is none', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n';
    const cases: readonly (readonly ['v2.1' | 'v3.0', string, string | undefined, RegExp])[] = [
      ['v3.0', 'data/chunk-000/file-001.parquet', pointer, /got a pointer of Git LFS: run "git lfs pull".*file-001/],
      ['v3.0', 'meta/episodes/chunk-000/file-000.parquet', pointer, /got a pointer of Git LFS/],
      ['v2.1', 'meta/episodes.jsonl', pointer, /got a pointer of Git LFS/],
      ['v3.0', 'meta/tasks.parquet', undefined, /expected a file, got none.*tasks.parquet/],
      ['v3.0', 'meta/info.json', undefined, /expected a file, got none.*info.json/],
      ['v3.0', 'meta/info.json', '{"codebase_version": "v1.6"', /expected JSON, got/],
      ['v2.1', 'meta/episodes.jsonl', '{"episode_index": 0, "length": "five"}\n', /expected length: .*line=1/],
      [
        'v2.1',
        'meta/episodes.jsonl',
        '{"episode_index": 0, "length": 5}\n'.repeat(2),
        /every episode once, got 0 twice/,
      ],
    ];
    for (const [version, file, content, message] of cases) {
      const folder = await made(version);
      if (content === undefined) await rm(join(folder, file));
      else await writeFile(join(folder, file), content);
      await assert.rejects(brought(folder), message, file);
    }
    const folder = await made('v2.1');
    const info = JSON.parse(await readFile(join(folder, 'meta/info.json'), 'utf8')) as object;
    await writeFile(join(folder, 'meta/info.json'), JSON.stringify({ ...info, codebase_version: 'v1.6' }));
    await assert.rejects(brought(folder), /expected codebase_version v2.1 or v3.0, got "v1.6"/);
    await writeFile(join(folder, 'meta/info.json'), JSON.stringify({ ...info, features: { action: 7 } }));
    await assert.rejects(brought(folder), /expected dtype and shape of feature "action"/);
  });
});
