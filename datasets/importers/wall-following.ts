import { scitosG5RecordingType } from '../built-in-robot-types.ts';
import { csvTableReader, type CsvOptions } from './csv-table.ts';
import { importMapSchema } from './import-map.ts';
import type { ImportInput, ImportSummary } from './import-summary.ts';
import { importTables } from './import-tables.ts';
import map from './maps/wall-following.json' with { type: 'json' };
import { fileAt } from './source-files.ts';
import { tableEpisodes, type TableSource } from './table-episodes.ts';
import { Tally } from './tally.ts';

const fileName = 'sensor_readings_24.data';

export interface WallFollowingReading {
  readonly observation: Float32Array;
  readonly action: number;
}

/**
 * Wall-Following Robot Navigation (UCI 194): 24 ultrasound readings of a SCITOS G5 and the class of each, at 9 Hz. Cut in
 * time into four robots of 31 episodes; the recorded class is what the robot did and what an expert would have done.
 */
export async function importWallFollowing(input: ImportInput): Promise<ImportSummary> {
  return importTables({ ...input, format: 'wall-following', ...(await sourceAt(input.path)) });
}

/** The rows of the recording in their order; `path` is the file or the folder that holds it. */
export async function readWallFollowing(path: string): Promise<readonly WallFollowingReading[]> {
  const source = await sourceAt(path);
  const whole = { ...source.map, episodes: { ...source.map.episodes, leaveOutShorterThan: 1 } };
  const readings: WallFollowingReading[] = [];
  for await (const { frames } of tableEpisodes({ ...source, map: whole }, { rows: 0 }))
    for (const { observation, action } of frames) readings.push({ observation, action: action[0] ?? 0 });
  return readings;
}

async function sourceAt(path: string): Promise<TableSource> {
  const parsed = importMapSchema.parse(map);
  const tally = new Tally();
  const options: CsvOptions = { separator: ',', decimal: '.', header: 'auto', ...parsed.csv };
  return {
    files: [{ path: await fileAt(path, fileName), name: fileName }],
    reader: csvTableReader(options, tally),
    map: parsed,
    type: scitosG5RecordingType,
    tally,
  };
}
