import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { SqlSession } from '../../../activities/ports/sql.ts';

const lengths = [5, 3, 4];

/** Meta data of version 3 as SQL rows: what a test spoils. */
export interface EpisodeRow {
  readonly index: number;
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

export const soundEpisodes: readonly EpisodeRow[] = [
  { index: 0, length: 5, from: 0, to: 5 },
  { index: 1, length: 3, from: 5, to: 8 },
  { index: 2, length: 4, from: 8, to: 12 },
];

const values = `[i, -i / 2.0]::FLOAT[] AS "observation.state", (i % 3)::FLOAT AS "observation.load",
  [i / 100.0]::FLOAT[] AS action_list, i / 100.0 AS action`;

/** All images are in one file. */
const placeOf = ([from, to]: readonly [number, number]): string =>
  Object.entries({ chunk_index: 0, file_index: 0, from_timestamp: from, to_timestamp: to })
    .map(([name, value]) => `, ${value}::DOUBLE AS "videos/observation.images.top/${name}"`)
    .join('');

/** Three episodes of an arm at 10 Hz, laid out as LeRobot does: two data files in version 3, one an episode in version 2.1. */
export async function lerobotFolder(
  folder: string,
  session: SqlSession,
  version: 'v2.1' | 'v3.0',
  episodes: readonly EpisodeRow[] = soundEpisodes,
  placed?: (episode: EpisodeRow) => readonly [number, number],
): Promise<string> {
  for (const name of ['meta/episodes/chunk-000', 'data/chunk-000', 'videos'])
    await mkdir(join(folder, name), { recursive: true });
  const copy = (select: string, file: string): Promise<void> =>
    session.run(`COPY (${select}) TO '${join(folder, file)}' (FORMAT parquet)`);
  const rows = `SELECT ${values}, f / 10.0 AS timestamp, f::BIGINT AS frame_index, e::BIGINT AS episode_index,
    i::BIGINT AS index, (e % 2)::BIGINT AS task_index, e <> 1 AS "next.success" FROM (
      SELECT i, CASE WHEN i < 5 THEN 0 WHEN i < 8 THEN 1 ELSE 2 END AS e, i - CASE WHEN i < 5 THEN 0 WHEN i < 8 THEN 5 ELSE 8 END AS f
      FROM range(12) r(i))`;
  const sentences = ['Pick up the cube.', 'Pick up the cube!'];
  if (version === 'v3.0') {
    await copy(`${rows} WHERE e < 1 ORDER BY i`, 'data/chunk-000/file-000.parquet');
    await copy(`${rows} WHERE e >= 1 ORDER BY i`, 'data/chunk-000/file-001.parquet');
    await copy(
      sentences
        .map((text, index) => `SELECT ${index}::BIGINT AS task_index, '${text}' AS __index_level_0__`)
        .join(' UNION ALL '),
      'meta/tasks.parquet',
    );
    await copy(
      episodes
        .map(
          ({ index, length, from, to }) =>
            `SELECT ${index}::BIGINT AS episode_index, ['x'] AS tasks, ${length}::BIGINT AS length, ${from}::BIGINT AS dataset_from_index, ${to}::BIGINT AS dataset_to_index
             ${placed === undefined ? '' : placeOf(placed({ index, length, from, to }))}`,
        )
        .join(' UNION ALL '),
      'meta/episodes/chunk-000/file-000.parquet',
    );
  } else {
    for (const episode of lengths.keys())
      await copy(`${rows} WHERE e = ${episode} ORDER BY i`, `data/chunk-000/episode_00000${episode}.parquet`);
    const lines = (records: readonly object[]): string =>
      `${records.map((record) => JSON.stringify(record)).join('\n')}\n`;
    await writeFile(
      join(folder, 'meta/tasks.jsonl'),
      lines(sentences.map((task, task_index) => ({ task_index, task }))),
    );
    await writeFile(
      join(folder, 'meta/episodes.jsonl'),
      lines(episodes.map(({ index, length }) => ({ episode_index: index, tasks: ['x'], length }))),
    );
  }
  const number = (dtype: string) => ({ dtype, shape: [1], names: null });
  const info = {
    codebase_version: version,
    robot_type: 'so100',
    total_episodes: 3,
    total_frames: 12,
    fps: 10,
    features: {
      'observation.state': { dtype: 'float32', shape: [2], names: { motors: ['shoulder', 'elbow'] } },
      'observation.load': number('float32'),
      'observation.images.top': { dtype: 'video', shape: [48, 64, 3], names: ['height', 'width', 'channels'] },
      action: number('float64'),
      action_list: { dtype: 'float32', shape: [1], names: ['unused'] },
      note: { dtype: 'string', shape: [1], names: null },
      ...Object.fromEntries(
        ['timestamp', 'frame_index', 'episode_index', 'index', 'task_index'].map((key) => [key, number('int64')]),
      ),
      'next.success': number('bool'),
    },
  };
  await writeFile(join(folder, 'meta/info.json'), JSON.stringify(info));
  return folder;
}
