import { imageSession, parquetImageTable } from '../activities/imports/parquet-images.ts';
import { parquetTableReader } from '../activities/imports/parquet-table.ts';
import { clipKey } from '../datasets/camera.ts';
import { csvTableReader } from '../datasets/importers/csv-table.ts';
import type { ClipFileToLand } from '../datasets/importers/episode-clip.ts';
import type { ImportSummary } from '../datasets/importers/import-summary.ts';
import { importLeRobot } from '../datasets/importers/lerobot/import-lerobot.ts';
import { importTables } from '../datasets/importers/import-tables.ts';
import { sourceFiles, textTables } from '../datasets/importers/source-files.ts';
import { Tally } from '../datasets/importers/tally.ts';
import { openVideos } from '../workers/compose.ts';
import { landClip } from './land-clip.ts';
import type { MappedInput } from './mapped-input.ts';

/** Text tables by a map. Loads readers, so only who imports loads it. */
export async function importCsv(input: MappedInput): Promise<ImportSummary> {
  const tally = new Tally();
  const files = await sourceFiles(input.path, textTables, tally);
  const reader = csvTableReader({ separator: ',', decimal: '.', header: 'present', ...input.map.csv }, tally);
  return importTables({ ...input, format: 'csv', files, reader, tally });
}

/** Parquet files by a map. */
export async function importParquet(input: MappedInput): Promise<ImportSummary> {
  const tally = new Tally();
  const files = await sourceFiles(input.path, ['.parquet'], tally);
  const session = await input.engine.open({ threads: 1 });
  try {
    return await importTables({ ...input, format: 'parquet', files, reader: parquetTableReader(session), tally });
  } finally {
    await session.close();
  }
}

/** A LeRobot data set by a map. */
export async function importLeRobotFolder(input: MappedInput): Promise<ImportSummary> {
  const session = await input.engine.open({ threads: 1 });
  try {
    const source = input.map.lerobot === undefined ? undefined : await openVideos();
    const videos = source && {
      source,
      openImages: async () => parquetImageTable(await input.engine.open(imageSession)),
      landClip: (clip: ClipFileToLand) => landClip(input.store, clip),
      hasClip: async (sha256: string) => (await input.store.get(clipKey(sha256), { start: 0, end: 1 })) !== undefined,
    };
    return await importLeRobot({ ...input, reader: parquetTableReader(session), videos });
  } finally {
    await session.close();
  }
}
