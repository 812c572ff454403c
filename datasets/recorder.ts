import parquet from 'parquetjs-lite';
import { z } from 'zod';

import { segmentColumns } from './columns.ts';
import { robotPacking } from './page-packing.ts';
import { footerMetadata, type RecordedFooter } from './segment-footer.ts';
import { SegmentPages } from './segment-pages.ts';
import { isPlainRow, segmentRowSchema, type SegmentRow } from './segment-row.ts';
import { parquetFields } from './segment-schema.ts';

/** As many are held in memory. */
export const rowsPerGroup = 4096;

const schema = new parquet.ParquetSchema(parquetFields(segmentColumns));

/**
 * Writes one segment as a Parquet file, in pure JavaScript, holding at most one row group in memory. The same rows and
 * footer give the same bytes. A row that is not what the schema says ends it with an error that names row and column.
 */
export async function writeSegment(
  rows: Iterable<SegmentRow> | AsyncIterable<SegmentRow>,
  footer: RecordedFooter,
  filePath: string,
): Promise<{ readonly rows: number }> {
  const writer = await parquet.ParquetWriter.openFile(schema, filePath, {
    useDataPageV2: false,
    pageIndex: false,
  });
  for (const [key, value] of Object.entries(footerMetadata(footer))) writer.setMetadata(key, value);
  const pages = new SegmentPages(robotPacking);
  let written = 0;
  const add = (row: SegmentRow): boolean => {
    pages.add(checkedRow(row, written), mediaText(row));
    written++;
    return pages.rows === rowsPerGroup;
  };
  try {
    // Rows that are there need no wait each.
    if (Symbol.iterator in rows) {
      for (const row of rows) if (add(row)) await writer.envelopeWriter.writeRowGroup(pages.takeGroup());
    } else {
      for await (const row of rows) if (add(row)) await writer.envelopeWriter.writeRowGroup(pages.takeGroup());
    }
    if (pages.rows > 0) await writer.envelopeWriter.writeRowGroup(pages.takeGroup());
  } finally {
    await writer.close();
  }
  return { rows: written };
}

/** The row as it is; a `TypeError` that names row and column where it is not what the schema says. */
export function checkedRow(row: SegmentRow, index: number): SegmentRow {
  if (isPlainRow(row)) return row;
  const parsed = segmentRowSchema.safeParse(row);
  if (parsed.success) return row;
  throw new TypeError(`unexpected row of a segment [row=${index}]: ${z.prettifyError(parsed.error)}`);
}

/** The clips of a row as a segment holds them. */
export const mediaText = ({ media }: SegmentRow): string | null => (media === null ? null : JSON.stringify(media));
