import { mkdir, open, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import parquet from 'parquetjs-lite';

import { parquetFields } from '../../../datasets/segment-schema.ts';
import { labelColumns, type LabelRow } from './label-columns.ts';
import { encodePng } from './png.ts';

/** One frame as its sensors saw it, and what is true of it. */
export interface ExportedFrame extends Omit<LabelRow, 'image'> {
  readonly ranges: Float32Array;
  /** RGB, [height, width, 3]. */
  readonly pixels: Uint8Array;
}

/** The files of one data set, as they grow. */
export interface DatasetFiles {
  /** Frames come episode by episode, in order. */
  add(frame: ExportedFrame): Promise<void>;
  /** Closes the files; the description comes last and at once, so that a folder without it is not whole. */
  finish(description: object): Promise<void>;
  /** Closes the files of a data set that will not be finished. */
  abandon(): Promise<void>;
}

export interface DatasetShape {
  readonly width: number;
  readonly height: number;
  readonly beams: number;
}

/** As many labels are held in memory. */
const rowsPerGroup = 4_096;

/** Begins a data set in a new or empty folder; throws for one with anything in it. */
export async function openDatasetFiles(folder: string, { width, height, beams }: DatasetShape): Promise<DatasetFiles> {
  await requireEmpty(folder);
  const csv = await open(path.join(folder, 'lidar.csv'), 'wx');
  const ranges = Array.from({ length: beams }, (_, beam) => `range_${beam}`);
  await csv.appendFile(`${['episode', 'frame', 'timestamp_us', ...ranges].join(',')}\n`);
  const labels = await parquet.ParquetWriter.openFile(
    new parquet.ParquetSchema(parquetFields(labelColumns)),
    path.join(folder, 'labels.parquet'),
    { useDataPageV2: false, pageIndex: false, rowGroupSize: rowsPerGroup },
  );
  const close = async (): Promise<void> => {
    await csv.close();
    await labels.close();
  };
  return {
    async add({ ranges: measured, pixels, ...row }) {
      const images = path.posix.join('images', `episode-${digits(row.episode)}`);
      if (row.frame === 0) await mkdir(path.join(folder, images), { recursive: true });
      const image = path.posix.join(images, `frame-${digits(row.frame)}.png`);
      await writeFile(path.join(folder, image), encodePng(pixels, width, height));
      const metres = Array.from(measured, (range) => range.toFixed(3));
      await csv.appendFile(`${[row.episode, row.frame, row.timestamp_us, ...metres].join(',')}\n`);
      await labels.appendRow({ ...row, image });
    },
    async finish(description) {
      await csv.sync();
      await close();
      const unfinished = path.join(folder, '.dataset.json');
      await writeFile(unfinished, `${JSON.stringify(description, null, 2)}\n`);
      await rename(unfinished, path.join(folder, 'dataset.json'));
    },
    abandon: close,
  };
}

async function requireEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw new TypeError(`expected a new or empty folder, got one with files: ${folder}`);
}

const digits = (value: number): string => String(value).padStart(6, '0');
