import { parquetTableReader } from '../activities/imports/parquet-table.ts';
import { csvTableReader } from '../datasets/importers/csv-table.ts';
import type { ImportSummary } from '../datasets/importers/import-summary.ts';
import { importLeRobot } from '../datasets/importers/lerobot/import-lerobot.ts';
import { importTables } from '../datasets/importers/import-tables.ts';
import { sourceFiles, textTables } from '../datasets/importers/source-files.ts';
import { Tally } from '../datasets/importers/tally.ts';
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
    return await importLeRobot({ ...input, reader: parquetTableReader(session) });
  } finally {
    await session.close();
  }
}
