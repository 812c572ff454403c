import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { exportCsv } from '../../../activities/exports/export-csv.ts';
import { exportMcap } from '../../../activities/exports/export-mcap.ts';
import { exportLeRobot } from '../../../activities/exports/export-lerobot.ts';
import type { ExportFilter } from '../../../activities/exports/picked-episodes.ts';
import { parquetTableReader } from '../../../activities/imports/parquet-table.ts';
import { setEpisodeStanding } from '../../../activities/mix/exclusions.ts';
import { importCsv } from '../../../cli/import-tables.ts';
import { importMapSchema } from '../../../datasets/importers/import-map.ts';
import { importMcap } from '../../../datasets/importers/mcap/import-mcap.ts';
import { draftLeRobot } from '../../../datasets/importers/lerobot/draft-lerobot.ts';
import { importLeRobot } from '../../../datasets/importers/lerobot/import-lerobot.ts';
import { deterministicUlid } from '../../../datasets/deterministic-ulid.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { sqlText } from '../../../datasets/sql-types.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { pythonJson } from '../../support/python-json.ts';
import { toolForTest } from '../../support/tool.ts';
import { cart, discreteCart } from '../../datasets/importers/cart.ts';
import { openLakeFixture, transaction, type LakeFixture } from '../lake/lake-fixture.ts';

interface LeRobotRead {
  readonly info: {
    readonly features: Record<string, { readonly dtype: string; readonly shape: number[] }>;
    readonly total_frames: number;
  };
  readonly stats: Record<string, Record<string, number[]>>;
  readonly tasks: Record<string, string>;
  readonly types: Record<string, string>;
  readonly data: readonly Record<string, number & number[]>[];
  readonly episodes: readonly Record<string, number & string & number[]>[];
}

const startMs = Date.UTC(2026, 10, 22, 23, 59, 50);
const outcomeOf = (episode: number) => ['success', 'failure', 'aborted'][episode % 3] ?? '';

const sites = ['bench', '=site()', "'Halle 3", '\t+1 ', '-1', '"a", b'];
const siteOf = (episode: number) => sites[episode] ?? '';
/** Of the episodes that are no success. */
const reasons = new Map([
  [1, '=HYPERLINK("http://x")'],
  [2, "'=1"],
  [4, `it "fell", then\nstopped `],
  [5, "'"],
]);

/** Six episodes of 3, 4, 5, … frames, some after midnight, of two robots and tasks; an observation's name wants to break SQL and CSV. */
function episodesSql(type: RobotType) {
  const ids = Array.from({ length: 6 }, (_, episode) => deterministicUlid(`e${episode}`, startMs + episode * 5_000));
  const day = (episode: number) => new Date(startMs + episode * 5_000).toISOString().slice(0, 10);
  const at = (ms: number) => `make_timestamptz(${ms * 1000 + 7})`;
  const episodes = ids.map(
    (
      id,
      episode,
    ) => `SELECT '${id}' AS episode_id, 'cart-${episode % 2}' AS robot_id, '${type.id}' AS robot_type, 1 AS robot_type_version,
      ${sqlText(siteOf(episode))} AS site, '${episode < 3 ? 'roll' : 'push'}' AS task, NULL AS policy_version, ${at(startMs + episode * 5_000)} AS started_at,
      ${100 * (3 + episode)}::BIGINT AS duration_ms, '${outcomeOf(episode)}' AS outcome,
      ${episode % 3 === 0 ? 'NULL' : sqlText(reasons.get(episode) ?? '')} AS failure_reason, false AS intervened, NULL AS latency_p50_ms, NULL AS latency_p95_ms, ${3 + episode} AS frame_count,
      NULL AS media, ${at(startMs)} AS received_at, '${episode === 5 ? 'heldout' : 'train'}' AS split, DATE '${day(episode)}' AS recorded_on`,
  );
  const action = type.actions.kind === 'discrete' ? (frame: number) => frame % 3 : (frame: number) => frame / 10;
  const frames = ids.flatMap((id, episode) =>
    Array.from(
      { length: 3 + episode },
      (
        _,
        frame,
      ) => `SELECT '${id}' AS episode_id, ${frame} AS frame_index, ${at(startMs + episode * 5_000 + frame * 100)} AS timestamp,
        [${episode} + 0.1, ${frame}]::FLOAT[] AS observation, [${action(frame)}]::FLOAT[] AS "action", NULL AS expert_action,
        false AS is_correction, DATE '${day(episode)}' AS recorded_on`,
    ),
  );
  return { ids, episodes: `(${episodes.join(' UNION ALL ')})`, frames: `(${frames.join(' UNION ALL ')})` };
}

for (const plain of [cart, discreteCart]) {
  const hostile = `pl"a'ce, x`;
  const type = robotTypeSchema.parse({
    ...plain,
    tasks: ['roll', 'push'],
    observations: [{ ...plain.observations[0], name: hostile }, plain.observations[1]],
  });
  describe(`exporting episodes of a ${type.id}`, () => {
    let world: LakeFixture & { readonly store: ReturnType<typeof memoryObjectStore> };
    let ids: readonly string[] = [];
    before(async () => {
      world = await openLakeFixture(() => memoryObjectStore());
      const sql = episodesSql(type);
      ids = sql.ids;
      await world.lake.append(world.session, 'frames', sql.frames, transaction(1), 'test');
      await world.lake.append(world.session, 'episodes', sql.episodes, transaction(1), 'test');
    });
    after(() => world.close());

    async function exported(format: 'csv' | 'lerobot' | 'mcap', filter: ExportFilter = {}) {
      const folder = await mkdtemp(join(world.directory, 'export-'));
      const session = await world.engine.open({ threads: 1 });
      try {
        const ports = { store: world.store, lake: world.lake, session };
        const input = { version: await world.lake.currentVersion(), robotType: type, filter, folder };
        const sentences = new Map([['roll', "Roll 'it'"]]);
        return {
          folder,
          summary: await (format === 'csv'
            ? exportCsv(ports, input)
            : format === 'mcap'
              ? exportMcap(ports, input)
              : exportLeRobot(ports, { ...input, sentences })),
        };
      } finally {
        await session.close();
      }
    }
    const ofLake = async (where = 'true') =>
      world.session
        .rows(`SELECT e.episode_id AS id, robot_id, site, task, outcome, failure_reason, f.frame_index, epoch_us(f.timestamp)::DOUBLE AS us,
        observation, "action" FROM ${await world.lake.scan('episodes', 1)} AS e JOIN ${await world.lake.scan('frames', 1)} AS f
        ON f.episode_id = e.episode_id WHERE ${where} ORDER BY e.started_at, f.frame_index`);
    async function landed(store: ReturnType<typeof memoryObjectStore>) {
      const keys: string[] = [];
      for await (const { key } of store.list('landing/')) keys.push(`'${await store.localPath(key)}'`);
      return world.session
        .rows(`SELECT episode_id AS id, robot_id, site, task, outcome, failure_reason, frame_index, "timestamp"::DOUBLE AS us,
        observation, "action" FROM read_parquet([${keys.join(', ')}]) ORDER BY started_at, frame_index`);
    }

    it('as text tables, which import as the same episodes under the same ids', async () => {
      const { folder, summary } = await exported('csv');
      assert.deepEqual([summary.episodes, summary.frames, summary.files], [6, 33, 1]);
      const map = importMapSchema.parse(JSON.parse(await readFile(join(folder, 'import-map.json'), 'utf8')));
      const store = memoryObjectStore();
      const input = {
        store,
        scratchDirectory: world.directory,
        progress: () => {},
        isRegistered: async () => false,
        engine: world.engine,
        type,
        map,
        isAgain: false,
      };
      const brought = await importCsv({ ...input, path: join(folder, 'frames') });
      assert.deepEqual([brought.episodes, brought.frames], [6, 33]);
      assert.deepEqual(await landed(store), await ofLake());
      // As a spreadsheet reads it: no cell of text begins like a formula.
      const cells = (await world.session.rows(
        `SELECT site, failure_reason FROM read_csv('${join(folder, 'frames/frames-00000.csv')}', all_varchar = true, strict_mode = true)`,
      )) as { site: string; failure_reason: string | null }[];
      const texts = cells.flatMap(({ site, failure_reason }) => [site, failure_reason ?? '']);
      assert.equal(texts.length, 66);
      assert.deepEqual(
        texts.filter((text) => /^[\s=+@-]/.test(text)),
        [],
      );
      for (const text of ["'=site()", "''=1", "'\t+1 ", "'-1", `it "fell", then\nstopped `, "''"])
        assert.ok(texts.includes(text), text);
    });

    it('as MCAP files, which import as the same episodes under the same ids', async () => {
      const { folder, summary } = await exported('mcap');
      assert.deepEqual([summary.episodes, summary.frames, summary.files], [6, 33, 1]);
      const map = importMapSchema.parse(JSON.parse(await readFile(join(folder, 'import-map.json'), 'utf8')));
      const store = memoryObjectStore();
      const path = join(folder, 'frames');
      const ports = {
        store,
        scratchDirectory: world.directory,
        progress: () => {},
        isRegistered: async () => false,
        landClip: async () => {},
      };
      const brought = await importMcap({ ...ports, path, type, map, isAgain: false });
      assert.deepEqual([brought.episodes, brought.frames], [6, 33]);
      assert.deepEqual(await landed(store), await ofLake());
      const again = await exported('mcap');
      const file = 'frames/frames-00000.mcap';
      assert.deepEqual(await readFile(join(again.folder, file)), await readFile(join(folder, file)));
    });

    it('only of the filter, without what a person excluded and what is not whole', async () => {
      const numbersOf = async (filter: ExportFilter) => (await exported('csv', filter)).summary.episodes;
      assert.equal(await numbersOf({ tasks: ['roll'] }), 3);
      assert.equal(await numbersOf({ robots: ['cart-1'], outcomes: ['failure'] }), 1);
      assert.equal(await numbersOf({ splits: ['heldout'] }), 1);
      assert.equal(await numbersOf({ from: '2026-11-23' }), 4);
      assert.equal(await numbersOf({ to: '2026-11-22' }), 2);
      assert.equal(await numbersOf({ tasks: ["x' OR true --"] }), 0);
      const word = { episodeId: ids[0]!, who: 'ada', reason: 'a test' };
      const desk = { store: world.store, clock: () => 1 };
      await setEpisodeStanding(desk, { ...word, standing: 'excluded' });
      const { summary } = await exported('csv');
      await setEpisodeStanding(desk, { ...word, standing: 'included' });
      assert.deepEqual([summary.episodes, summary.excludedEpisodes, summary.incompleteEpisodes], [5, 1, 0]);
    });

    it('as LeRobot 3.0: offsets, tasks, types and statistics by an independent reader', async function () {
      const python = await toolForTest(this, 'python');
      const { folder, summary } = await exported('lerobot');
      assert.deepEqual([summary.episodes, summary.frames], [6, 33]);
      const read = (await pythonJson(python, 'read_lerobot.py', [folder])) as LeRobotRead;
      const rows = await ofLake();
      assert.equal(read.info.total_frames, 33);
      assert.deepEqual(read.tasks, { 0: 'push', 1: "Roll 'it'" });
      const isDiscrete = type.actions.kind === 'discrete';
      const { 'observation.state': stateType, ...scalars } = read.types;
      assert.match(stateType ?? '', /^list<.*float>$/);
      const int64 = ['frame_index', 'episode_index', 'index', 'task_index'].map((key) => [key, 'int64']);
      assert.deepEqual(
        scalars,
        Object.fromEntries([['action', isDiscrete ? 'int64' : 'float'], ['timestamp', 'float'], ...int64]),
      );
      assert.deepEqual(Object.keys(read.info.features).toSorted(), Object.keys(read.types).toSorted());
      assert.deepEqual(
        read.data.map((row) => [row['index'], row['observation.state'], row['task_index'], row['frame_index']]),
        rows.map((row, index) => [index, row['observation'], row['task'] === 'push' ? 0 : 1, row['frame_index']]),
      );
      assert.deepEqual(
        read.data.map((row) => [row['action']]),
        rows.map((row) => row['action']),
      );
      let from = 0;
      for (const [number, episode] of read.episodes.entries()) {
        assert.deepEqual(
          [
            episode['episode_index'],
            episode['length'],
            episode['dataset_from_index'],
            episode['dataset_to_index'],
            episode['same'],
          ],
          [number, 3 + number, from, from + 3 + number, true],
        );
        assert.deepEqual(episode['tasks'], [number < 3 ? "Roll 'it'" : 'push']);
        const own = read.data.slice(from, from + 3 + number).map((row) => row['observation.state']![1]!);
        checkStatistics((name) => episode[`stats/observation.state/${name}`]!, own, 1);
        from += 3 + number;
      }
      checkStatistics(
        (name) => read.stats['observation.state']![name]!,
        read.data.map((row) => row['observation.state']![1]!),
        1,
      );
      checkStatistics(
        (name) => read.stats['timestamp']![name]!,
        read.data.map((row) => row['timestamp']!),
        0,
      );
      if (isDiscrete) return;
      await writeFile(join(folder, 'checked'), '');
      await importsBack(folder, rows);
    });

    async function importsBack(folder: string, rows: Awaited<ReturnType<typeof ofLake>>) {
      const store = memoryObjectStore();
      const reader = parquetTableReader(world.session);
      const draft = await draftLeRobot(folder, 'again', reader);
      const drafted = { type: robotTypeSchema.parse(draft.robotType), map: importMapSchema.parse(draft.map) };
      const input = {
        path: folder,
        store,
        scratchDirectory: world.directory,
        progress: () => {},
        isRegistered: async () => false,
        isAgain: false,
        reader,
      };
      const summary = await importLeRobot({ ...input, ...drafted });
      assert.deepEqual([summary.episodes, summary.frames], [6, 33]);
      assert.deepEqual(
        drafted.type.observations.map(({ name }) => name),
        [`state.${hostile}`, 'state.angle'],
      );
      const values = (all: typeof rows) =>
        all.map(({ frame_index, observation, action }) => [frame_index, observation, action]);
      assert.deepEqual(values(await landed(store)), values(rows));
    }
  });
}

/** Against plain arithmetic. */
function checkStatistics(of: (name: string) => readonly number[], values: readonly number[], place: number): void {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  assert.deepEqual(
    [of('min')[place], of('max')[place], of('count')[0]],
    [Math.min(...values), Math.max(...values), values.length],
  );
  assert.ok(Math.abs(of('mean')[place]! - mean) < 1e-9 && Math.abs(of('std')[place]! - std) < 1e-9);
}
