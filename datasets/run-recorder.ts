import parquet from 'parquetjs-lite';

import { segmentColumns } from './columns.ts';
import type { FrameColumns } from './frame-columns.ts';
import { importPacking } from './page-packing.ts';
import { teachThrift } from './parquet-thrift.ts';
import { teachZstd } from './parquet-zstd.ts';
import { checkedRow, mediaText } from './recorder.ts';
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
teachThrift();
const schema = new parquet.ParquetSchema(parquetFields(segmentColumns, importPacking.codec));

/** What a row group holds at most, and then in memory at once. */
export interface GroupLimits {
  readonly rows: number;
  /** As they stand in pages before these are compressed; a single row may have more. */
  readonly bytes: number;
}

/** Groups and pages are as large as that: each has its cost, whatever is in it. */
const importGroups: GroupLimits = { rows: 20_480, bytes: 8 * 1024 * 1024 };

/** Those of a segment before, without rows: what has grown to the size of a row group serves again. */
let spare: SegmentPages | undefined;

/**
 * Writes episodes as a segment with the values that `writeSegment` would write of their rows, in a fraction of the time: what all rows of an episode
 * have in common is looked at once, and columns are filled one after the other. The same runs and footer give the same bytes.
 */
export async function writeRuns(
  runs: Iterable<RowRun>,
  footer: RecordedFooter,
  filePath: string,
  limits: GroupLimits = importGroups,
): Promise<{ readonly rows: number }> {
  const writer = await parquet.ParquetWriter.openFile(schema, filePath, { useDataPageV2: false, pageIndex: false });
  for (const [key, value] of Object.entries(footerMetadata(footer))) writer.setMetadata(key, value);
  const pages = spare ?? new SegmentPages(importPacking);
  spare = undefined;
  let [written, bytes] = [0, 0];
  try {
    for (const run of runs) {
      const { first, frames } = run;
      checkedRow(first, written);
      const media = mediaText(first);
      const bytesOfRow = rowBytes(run, media);
      for (let from = 0; from < frames.length;) {
        const room = Math.min(limits.rows - pages.rows, Math.floor((limits.bytes - bytes) / bytesOfRow));
        if (room < 1 && pages.rows > 0) {
          await writer.envelopeWriter.writeRowGroup(pages.takeGroup());
          bytes = 0;
          continue;
        }
        const count = Math.min(frames.length - from, Math.max(1, room));
        checkFrames(frames, from, count, written);
        pages.addFrames(first, media, frames, from, count);
        from += count;
        written += count;
        bytes += count * bytesOfRow;
      }
    }
    if (pages.rows > 0) await writer.envelopeWriter.writeRowGroup(pages.takeGroup());
  } finally {
    await writer.close();
  }
  spare = pages;
  return { rows: written };
}

/** About what a row takes in pages. */
function rowBytes({ first, frames }: RowRun, media: string | null): number {
  const texts = [...Object.values(first), media].filter((value) => typeof value === 'string');
  const numbers = frames.observationWidth + 2 * frames.actionWidth;
  return texts.reduce((sum, text) => sum + 4 + Buffer.byteLength(text), bytesBeside + 4 * numbers);
}

/** Of a row: its times, its place, its levels. */
const bytesBeside = 64;

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
