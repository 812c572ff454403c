import { join } from 'node:path';

import { ImportError, quoted } from '../import-summary.ts';
import type { TableReader, TableRow } from '../table.ts';
import type { RoomsDescription, RoomsLabel } from './description.ts';

/** One frame of a data set: what the LIDAR measured, where its image lies, and the label as an action. */
export interface RoomsFrame {
  readonly episode: number;
  readonly frame: number;
  /** Since the start of the episode. */
  readonly timestampUs: number;
  readonly ranges: Float32Array;
  /** Path in the folder. */
  readonly image: string;
  readonly action: number;
}

interface Tables {
  readonly path: string;
  readonly labels: TableReader;
  readonly ranges: TableReader;
}

const isImagePath = /^images\/[a-z0-9-]{1,64}\/[a-z0-9-]{1,64}\.png$/;

const number = (column: string) => ({ column, as: 'number' as const });
const text = (column: string) => ({ column, as: 'text' as const, mostCharacters: 200 });

/** The rows of both tables beside each other; refuses rows that are not of one frame, paths out of the folder, and what is no number or kind. */
export async function* roomsFrames(
  { path, labels, ranges }: Tables,
  { lidar }: RoomsDescription,
  { label, names }: { readonly label: RoomsLabel; readonly names: readonly string[] },
): AsyncGenerator<RoomsFrame> {
  const [labelFile, rangeFile] = [join(path, 'labels.parquet'), join(path, 'lidar.csv')];
  const place = ['episode', 'frame', 'timestamp_us'].map(number);
  const measured = rowsOf(ranges, rangeFile, [
    ...place,
    ...Array.from({ length: lidar.beams }, (_, beam) => number(`range_${beam}`)),
  ]);
  for await (const row of rowsOf(labels, labelFile, [...place, text('image'), text(label)])) {
    const where = `[file=${labelFile}, row=${row.place}]`;
    const beams = await measured.next();
    if (beams.done === true)
      throw new ImportError(`expected as many rows as in ${labelFile}, got fewer [file=${rangeFile}]`);
    const at = [0, 1, 2].map((cell) => row.number(cell));
    if (at.some((value, cell) => value !== beams.value.number(cell) || !Number.isSafeInteger(value) || value < 0))
      throw new ImportError(`expected the same episode, frame and timestamp_us as in lidar.csv, got others ${where}`);
    const image = row.text(3);
    if (!isImagePath.test(image)) throw new ImportError(`expected images/…/….png, got ${quoted(image)} ${where}`);
    const action = names.indexOf(row.text(4));
    if (action < 0)
      throw new ImportError(`expected one of ${names.join(', ')} in ${label}, got ${quoted(row.text(4))} ${where}`);
    const [episode = 0, frame = 0, timestampUs = 0] = at;
    yield { episode, frame, timestampUs, ranges: rangesOf(beams.value, lidar.beams, rangeFile), image, action };
  }
  if ((await measured.next()).done !== true)
    throw new ImportError(`expected as many rows as in ${labelFile}, got more [file=${rangeFile}]`);
}

function rangesOf(row: TableRow, beams: number, file: string): Float32Array {
  const ranges = Float32Array.from({ length: beams }, (_, beam) => row.number(3 + beam));
  const wrong = ranges.findIndex((range) => !Number.isFinite(range));
  if (wrong < 0) return ranges;
  throw new ImportError(
    `expected a number in range_${wrong}, got ${quoted(row.text(3 + wrong))} [file=${file}, line=${row.place}]`,
  );
}

async function* rowsOf(
  reader: TableReader,
  file: string,
  wanted: Parameters<TableReader['rows']>[1],
): AsyncGenerator<TableRow, void> {
  for await (const batch of reader.rows(file, wanted)) yield* batch;
}
