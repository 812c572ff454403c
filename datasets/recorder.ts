import parquet, { type ParquetRowBuffer, type ParquetSchema, type ParquetWriter } from 'parquetjs-lite';
import { z } from 'zod';

import { segmentColumns } from './columns.ts';
import { footerMetadata, type RecordedFooter } from './segment-footer.ts';
import { segmentRowSchema, type SegmentRow } from './segment-row.ts';
import { shredRow } from './segment-shredder.ts';
import { parquetFields } from './segment-schema.ts';

/** Rows a page and a row group: small pages keep the pure JavaScript encoder linear. */
const rowsPerPage = 256;
const rowsPerGroup = 4096;

const schema = namedOnce(new parquet.ParquetSchema(parquetFields(segmentColumns)));

/** The library finds a field's values by its path, an array, which would be joined to a key on every access: half of all time. */
function namedOnce(made: ParquetSchema): ParquetSchema {
  for (const { path } of made.fieldList) {
    const name = path.join(',');
    Object.defineProperty(path, 'toString', { value: () => name });
  }
  return made;
}

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
    pageSize: rowsPerPage,
    rowGroupSize: rowsPerGroup,
  });
  for (const [key, value] of Object.entries(footerMetadata(footer))) writer.setMetadata(key, value);
  let written = 0;
  try {
    for await (const row of rows) {
      await append(writer, checked(row, written));
      written++;
    }
  } finally {
    await writer.close();
  }
  return { rows: written };
}

/** The library itself takes the row that makes a buffer, and the one that fills a page; those between go into its buffer at once. */
async function append(writer: ParquetWriter, row: SegmentRow): Promise<void> {
  const { rowBuffer } = writer;
  if (!isBuffer(rowBuffer) || rowBuffer.pageRowCount >= rowsPerPage - 1) return writer.appendRow(parquetRow(row));
  shredRow(row, mediaText(row), rowBuffer);
}

const isBuffer = (buffer: ParquetWriter['rowBuffer']): buffer is ParquetRowBuffer => 'columnData' in buffer;

function checked(row: SegmentRow, index: number): SegmentRow {
  const parsed = segmentRowSchema.safeParse(row);
  if (parsed.success) return row;
  throw new TypeError(`unexpected row of a segment [row=${index}]: ${z.prettifyError(parsed.error)}`);
}

const mediaText = ({ media }: SegmentRow): string | null => (media === null ? null : JSON.stringify(media));

const parquetRow = (row: SegmentRow): Readonly<Record<string, unknown>> => ({
  ...row,
  media: mediaText(row),
  observation: parquetList(row.observation),
  action: parquetList(row.action),
  expert_action: row.expert_action === null ? null : parquetList(row.expert_action),
});

const parquetList = (values: ArrayLike<number>): unknown => ({
  list: Array.from(values, (element) => ({ element })),
});
