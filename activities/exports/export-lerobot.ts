import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { dictionary } from '../../domain/dictionary.ts';
import type { Camera } from '../../datasets/camera.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTable, createTableAs } from '../temp-table.ts';
import { lerobotInfo, numbersOf, pandasTasks, statistics, type NumberFeature } from './lerobot-layout.ts';
import { LeRobotVideos, type VideoPorts } from './lerobot-videos.ts';
import {
  framesOfPart,
  partsOf,
  pickEpisodes,
  type ExportInput,
  type ExportPorts,
  type ExportSummary,
  type Part,
} from './picked-episodes.ts';
import { episodeOffsetTable, taskSentenceTable } from './tables.ts';

/** Bytes of numbers that a data file holds, as LeRobot's own writer cuts them. */
const bytesPerFile = 100 * 1024 * 1024;
/** Files of a folder `chunk-…`. */
const filesPerChunk = 1_000;

const three = (value: number): string => String(value).padStart(3, '0');
const fileName = (index: number): string =>
  `chunk-${three(Math.floor(index / filesPerChunk))}/file-${three(index % filesPerChunk)}.parquet`;

export interface LeRobotExportInput extends ExportInput {
  readonly sentences: ReadonlyMap<string, string>;
  /** Whose images are written as videos, through `videos` of the ports; none unless given. */
  readonly cameras?: readonly Camera[];
}

/**
 * Writes the episodes of a filter as a LeRobot data set, version 3.0, with videos of the cameras that are asked for: data, tasks, episodes with offsets and statistics, info. A
 * discrete action is its index. Streamed, a file at a time. `sentences`: what a task is called, by its id; the id itself where nobody said, or where
 * another task is called so.
 * Idempotent: the same version and filter give the same files.
 */
export async function exportLeRobot(
  ports: ExportPorts & { readonly videos?: VideoPorts | undefined },
  input: LeRobotExportInput,
): Promise<ExportSummary> {
  const { robotType, folder, version, cameras = [] } = input;
  const { session } = ports;
  const picked = await pickEpisodes(ports, input);
  const videos = ports.videos && new LeRobotVideos(ports, ports.videos, input, cameras);
  const kept = videos === undefined ? {} : { episodesWithoutVideos: await videos.keepSeen() };
  for (const name of ['data', 'meta/episodes']) await mkdir(join(folder, name), { recursive: true });
  const features = numbersOf(robotType, cameras.length > 0);
  const perFrame = 4 * features.reduce((sum, { size }) => sum + size, 0);
  const parts = await partsOf(session, Math.max(1, Math.floor(bytesPerFile / perFrame)));
  const tasks = await writeTasks(session, folder, input.sentences);
  const offsets = `SELECT number, (sum(frame_count) OVER (ORDER BY number) - frame_count)::BIGINT AS first FROM picked_episode`;
  await session.run(createTableAs(episodeOffsetTable, offsets));
  const places = videos?.placeSql ?? [];
  for (const [index, part] of parts.entries()) await writePart(ports, input, { part, index, features, places });
  const ofImages = (await videos?.write()) ?? new Map<string, object>();
  const totals = {
    episodes: parts.reduce((sum, { firstEpisode, lastEpisode }) => sum + lastEpisode - firstEpisode + 1, 0),
    frames: parts.reduce((sum, { frames }) => sum + frames, 0),
    tasks,
  };
  await writeFile(join(folder, 'meta/info.json'), document(lerobotInfo(robotType, features, totals, cameras)));
  await writeFile(
    join(folder, 'meta/stats.json'),
    document({ ...(await wholeStatistics(session, folder, features, totals.frames)), ...dictionary(ofImages) }),
  );
  const whole = { format: 'lerobot', robotType: robotTypeName(robotType), version, ...totals, files: parts.length };
  return { ...whole, ...picked, ...kept };
}

const document = (value: unknown): string => `${JSON.stringify(value, undefined, 4)}\n`;

/** `meta/tasks.parquet` as pandas writes it: the sentence is the index of the table. */
async function writeTasks(
  session: SqlSession,
  folder: string,
  sentences: ReadonlyMap<string, string>,
): Promise<number> {
  const rows = await session.rows(`SELECT DISTINCT task FROM picked_episode ORDER BY task`);
  await session.run(createTable(taskSentenceTable));
  const ids = rows.map(({ task }) => (typeof task === 'string' ? task : ''));
  const called = [
    ...ids,
    ...ids.map((id) => sentences.get(id) ?? id).filter((sentence, place) => sentence !== ids[place]),
  ];
  for (const [index, id] of ids.entries()) {
    const said = sentences.get(id) ?? id;
    const isOnlyItsOwn = called.indexOf(said) === called.lastIndexOf(said);
    await session.run(
      `INSERT INTO task_sentence VALUES (${sqlText(id)}, ${index}, ${sqlText(isOnlyItsOwn ? said : id)})`,
    );
  }
  await session.run(`COPY (SELECT task_index, sentence AS __index_level_0__ FROM task_sentence ORDER BY task_index)
    TO ${sqlText(join(folder, 'meta/tasks.parquet'))} (FORMAT parquet, KV_METADATA {pandas: ${sqlText(pandasTasks)}})`);
  return rows.length;
}

interface PartToWrite {
  readonly part: Part;
  readonly index: number;
  readonly features: readonly NumberFeature[];
  /** Columns that say where videos are. */
  readonly places: readonly string[];
}

/** One data file, and the file of meta data of its episodes, at the same place. */
async function writePart(
  ports: ExportPorts,
  input: ExportInput,
  { part, index, features, places }: PartToWrite,
): Promise<void> {
  const { session } = ports;
  const [data, meta] = ['data', 'meta/episodes'].map((name) => join(input.folder, name, fileName(index))) as [
    string,
    string,
  ];
  for (const file of [data, meta]) await mkdir(join(file, '..'), { recursive: true });
  const values = features.map(({ key, sql }) => `${sql} AS "${key}"`).join(', ');
  await session.run(`COPY (SELECT ${values} FROM ${await framesOfPart(ports, input, part)}
    JOIN task_sentence AS t ON t.task = e.task JOIN episode_offset AS o ON o.number = e.number
    ORDER BY e.number, f.frame_index) TO ${sqlText(data)} (FORMAT parquet, COMPRESSION snappy)`);
  const [chunk, file] = [Math.floor(index / filesPerChunk), index % filesPerChunk];
  const stats = features.flatMap((feature) =>
    statistics(feature).map(({ name, sql }) => `${sql} AS "stats/${feature.key}/${name}"`),
  );
  await session.run(`COPY (SELECT e.number AS episode_index, [t.sentence] AS tasks, e.frame_count::BIGINT AS length,
      ${chunk}::BIGINT AS "data/chunk_index", ${file}::BIGINT AS "data/file_index",
      o.first AS dataset_from_index, o.first + e.frame_count AS dataset_to_index, ${places.map((sql) => `${sql}, `).join('')}s.* EXCLUDE (episode),
      ${chunk}::BIGINT AS "meta/episodes/chunk_index", ${file}::BIGINT AS "meta/episodes/file_index"
    FROM picked_episode AS e JOIN task_sentence AS t ON t.task = e.task JOIN episode_offset AS o ON o.number = e.number
    JOIN (SELECT episode_index AS episode, ${stats.join(', ')} FROM read_parquet(${sqlText(data)}) GROUP BY episode_index) AS s
      ON s.episode = e.number ORDER BY e.number) TO ${sqlText(meta)} (FORMAT parquet, COMPRESSION snappy)`);
}

async function wholeStatistics(
  session: SqlSession,
  folder: string,
  features: readonly NumberFeature[],
  frames: number,
): Promise<object> {
  if (frames === 0) return {};
  const all = `read_parquet(${sqlText(join(folder, 'data', '*', '*.parquet'))})`;
  const result: [string, unknown][] = [];
  for (const feature of features) {
    const measured = statistics(feature);
    const [row = {}] = await session.rows(
      `SELECT ${measured.map(({ name, sql }) => `${sql} AS "${name}"`).join(', ')} FROM ${all}`,
    );
    result.push([feature.key, dictionary(measured.map(({ name }) => [name, plain(row[name])] as const))]);
  }
  return dictionary(result);
}

/** Counts come as 64-bit integers, which JSON has not. */
const plain = (value: unknown): unknown =>
  Array.isArray(value) ? value.map((item: unknown) => (typeof item === 'bigint' ? Number(item) : item)) : value;
