import { parquetTableReader } from '../activities/imports/parquet-table.ts';
import { csvTableReader } from '../datasets/importers/csv-table.ts';
import type { ImportSummary } from '../datasets/importers/import-summary.ts';
import { importRooms } from '../datasets/importers/rooms/import-rooms.ts';
import { Tally } from '../datasets/importers/tally.ts';
import { openPictures } from '../workers/compose.ts';
import { landClip } from './land-clip.ts';
import type { TypedInput } from './mapped-input.ts';

/** A data set of the simulator. Loads readers, so only who imports loads it. */
export async function importRoomsFolder(input: TypedInput): Promise<ImportSummary> {
  const pictures = await openPictures();
  const session = await input.engine.open({ threads: 1 });
  try {
    return await importRooms({
      ...input,
      labels: parquetTableReader(session),
      ranges: csvTableReader({ separator: ',', decimal: '.', header: 'present' }, new Tally()),
      toJpeg: (rgb, width, height) => pictures.encoded(rgb, width, height),
      landClip: (clip) => landClip(input.store, clip),
    });
  } finally {
    await session.close();
  }
}
