import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { SqlSession } from '../../activities/ports/sql.ts';
import { mcapBytes } from '../datasets/importers/mcap/mcap-file.ts';

/** A recording as somebody brings it: a slide on a rail, which an operator drives to a mark and stops there. */
export interface Drive {
  /** One a frame, 20 a second: where the slide is, how far the mark is (m), the speed (m/s), and the commanded speed. */
  readonly frames: readonly {
    readonly place: number;
    readonly mark: number;
    readonly speed: number;
    readonly command: number;
  }[];
  readonly reached: boolean;
}

const rateHz = 20;
const framesOfDrive = 40;

/** So many attempts, different from each other, the same every time. The command follows from what is seen, and not by a straight line. */
export function drives(count: number): readonly Drive[] {
  return Array.from({ length: count }, (_, number) => {
    const mark = Math.sin(number * 2.399) * 0.8;
    let [place, speed] = [Math.cos(number * 1.7) * 0.8, 0];
    const frames = Array.from({ length: framesOfDrive }, () => {
      const command = Math.tanh(4 * (mark - place)) * 0.6;
      const frame = { place, mark, speed, command };
      speed += (command - speed) * 0.4;
      place += speed / rateHz;
      return frame;
    });
    return { frames, reached: Math.abs(mark - place) < 0.1 };
  });
}

/** Between two attempts, s. */
const pauseS = 3;
const startOf = (drive: number): number => drive * (framesOfDrive / rateHz + pauseS);

/** As a spreadsheet in German writes it: byte order mark, semicolons, decimal commas, units in the header, and a line about the rig above it. */
export async function writeCsv(file: string, count: number): Promise<void> {
  const number = (value: number, digits = 4): string => value.toFixed(digits).replace('.', ',');
  const lines = drives(count).flatMap(({ frames, reached }, drive) =>
    frames.map(({ place, mark, speed, command }, frame) => {
      const ms = Math.round((startOf(drive) + frame / rateHz) * 1000);
      const direction = command > 0.1 ? 'forward' : command < -0.1 ? 'back' : 'stop';
      const success = frame === frames.length - 1 && reached ? 'yes' : 'no';
      return [
        ms,
        drive + 1,
        number(place),
        number(mark),
        number(speed),
        direction,
        success,
        drive === 0 && frame === 3 ? 'NaN' : number(21.5 + frame / 100, 2),
      ].join(';');
    }),
  );
  const header = 'Time [ms];Run No;place [m];mark [m];speed [m/s];Action;Success;Motor Temp (°C)';
  await writeFile(file, `\uFEFF# rig 7, second shift\r\n${header}\r\n${lines.join('\r\n')}\r\n`);
}

/** Nested messages of two topics, one a command, and a pause between attempts. */
export async function writeMcap(file: string, count: number): Promise<void> {
  const messages = drives(count).flatMap(({ frames }, drive) =>
    frames.flatMap(({ place, mark, speed, command }, frame) => {
      const t = startOf(drive) + frame / rateHz;
      return [
        {
          topic: '/slide/state',
          t,
          data: { header: { seq: frame }, axis: { name: 'x', place, speed }, target_distance: mark - place },
        },
        { topic: '/slide/command', t: t + 0.001, data: { axis: { speed: command } } },
      ];
    }),
  );
  const topics = [{ topic: '/slide/state' }, { topic: '/slide/command' }, { topic: '/diagnostics' }];
  await writeFile(file, await mcapBytes(topics, messages, { chunkSize: 64 * 1024 }));
}

/** A LeRobot data set of version 3, in two data files. */
export async function writeLeRobot(folder: string, count: number, session: SqlSession): Promise<void> {
  for (const name of ['meta/episodes/chunk-000', 'data/chunk-000'])
    await mkdir(join(folder, name), { recursive: true });
  const all = drives(count);
  const rows = all.flatMap(({ frames }, drive) =>
    frames.map(({ place, mark, speed, command }, frame) => ({
      'observation.state': [place, mark, speed],
      action: [command],
      timestamp: frame / rateHz,
      frame_index: frame,
      episode_index: drive,
      index: drive * framesOfDrive + frame,
      task_index: 0,
    })),
  );
  const episodes = all.map((_, drive) => ({
    episode_index: drive,
    length: framesOfDrive,
    dataset_from_index: drive * framesOfDrive,
    dataset_to_index: (drive + 1) * framesOfDrive,
  }));
  const half = Math.floor(count / 2) * framesOfDrive;
  const copy = async (name: string, records: readonly object[], select = '*'): Promise<void> => {
    const json = join(folder, 'rows.json');
    await writeFile(json, records.map((record) => JSON.stringify(record)).join('\n'));
    await session.run(
      `COPY (SELECT ${select} FROM read_json_auto('${json}')) TO '${join(folder, name)}' (FORMAT parquet)`,
    );
    await writeFile(json, '');
  };
  const typed = `* REPLACE (CAST("observation.state" AS FLOAT[]) AS "observation.state", CAST(action AS FLOAT[]) AS action)`;
  await copy('data/chunk-000/file-000.parquet', rows.slice(0, half), typed);
  await copy('data/chunk-000/file-001.parquet', rows.slice(half), typed);
  await copy('meta/episodes/chunk-000/file-000.parquet', episodes);
  await copy('meta/tasks.parquet', [{ task_index: 0, __index_level_0__: 'Drive the slide to the mark.' }]);
  const number = { dtype: 'int64', shape: [1], names: null };
  const info = {
    codebase_version: 'v3.0',
    robot_type: 'slide',
    total_episodes: count,
    total_frames: rows.length,
    fps: rateHz,
    features: {
      'observation.state': { dtype: 'float32', shape: [3], names: ['place', 'mark', 'speed'] },
      action: { dtype: 'float32', shape: [1], names: ['speed'] },
      timestamp: { dtype: 'float32', shape: [1], names: null },
      frame_index: number,
      episode_index: number,
      index: number,
      task_index: number,
    },
  };
  await writeFile(join(folder, 'meta/info.json'), JSON.stringify(info));
}
