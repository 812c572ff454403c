import { parquetTableReader } from '../activities/imports/parquet-table.ts';
import { clipKey } from '../datasets/camera.ts';
import { csvTableReader } from '../datasets/importers/csv-table.ts';
import type { ImportSummary } from '../datasets/importers/import-summary.ts';
import { importRooms, type ClipToLand } from '../datasets/importers/rooms/import-rooms.ts';
import { Tally } from '../datasets/importers/tally.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { writeClipUse } from '../store/records/clip-uses.ts';
import { openPictures } from '../workers/compose.ts';
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

/** Puts a clip where a gateway would, after the record of whose it is. Idempotent by clip, robot, episode and camera. */
async function landClip(store: ObjectStore, { bytes, ...clip }: ClipToLand): Promise<void> {
  await writeClipUse(store, { ...clip, sizeBytes: bytes.length, receivedAtMs: Math.floor(clip.startedAtUs / 1000) });
  await store.putIfAbsent(clipKey(clip.sha256), bytes);
}
