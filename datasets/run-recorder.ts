import parquet from 'parquetjs-lite';

import { segmentColumns } from './columns.ts';
import type { FrameColumns } from './frame-columns.ts';
import { importPacking } from './page-packing.ts';
import { teachZstd } from './parquet-zstd.ts';
import { checkedRow, mediaText, rowsPerGroup } from './recorder.ts';
import { footerMetadata, type RecordedFooter } from './segment-footer.ts';
import { SegmentPages } from './segment-pages.ts';
import { areFinite, type SegmentRow } from './segment-row.ts';
import { parquetFields } from './segment-schema.ts';

/** The rows of an episode: they are alike but for what their frames say. */
export interface RowRun {
  /** The row of the first frame. Where it has an expert action, that of every frame is what was done. */
  readonly first: SegmentRow;
  /** At least one. */
  readonly frames: FrameColumns;
}

teachZstd();
const schema = new parquet.ParquetSchema(parquetFields(segmentColumns, importPacking.codec));

/**
 * Writes episodes as a segment with the values that `writeSegment` would write of their rows, in a fraction of the time: what all rows of an episode
 * have in common is looked at once, and columns are filled one after the other. The same runs and footer give the same bytes.
 */
export async function writeRuns(
  runs: Iterable<RowRun>,
  footer: RecordedFooter,
  filePath: string,
): Promise<{ readonly rows: number }> {
  const writer = await parquet.ParquetWriter.openFile(schema, filePath, { useDataPageV2: false, pageIndex: false });
  for (const [key, value] of Object.entries(footerMetadata(footer))) writer.setMetadata(key, value);
  const pages = new SegmentPages(importPacking);
  let written = 0;
  try {
    for (const { first, frames } of runs) {
      checkedRow(first, written);
      const media = mediaText(first);
      for (let from = 0; from < frames.length;) {
        const count = Math.min(frames.length - from, pages.rowsLeft, rowsPerGroup - pages.rows);
        checkFrames(frames, from, count, written);
        pages.addFrames(first, media, frames, from, count);
        from += count;
        written += count;
        if (pages.rows === rowsPerGroup) await writer.envelopeWriter.writeRowGroup(pages.takeGroup());
      }
    }
    if (pages.rows > 0) await writer.envelopeWriter.writeRowGroup(pages.takeGroup());
  } finally {
    await writer.close();
  }
  return { rows: written };
}

function checkFrames(frames: FrameColumns, from: number, count: number, written: number): void {
  const { atUs, observations, observationWidth, actions, actionWidth } = frames;
  for (let place = from; place < from + count; place += 1) {
    const at = atUs[place];
    const isSound =
      Number.isSafeInteger(at) &&
      (at ?? -1) >= 0 &&
      areFinite(observations, place * observationWidth, (place + 1) * observationWidth) &&
      areFinite(actions, place * actionWidth, (place + 1) * actionWidth);
    if (isSound) continue;
    throw new TypeError(
      `unexpected row of a segment [row=${written + place - from}]: expected a time in whole µs since 1970 and finite numbers`,
    );
  }
}
